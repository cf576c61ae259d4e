/** A visitor that stops reading as soon as it has its token: a raw connection that says a word now and then. */
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { connect as connectSecurely } from "node:tls";
import { decodeMessage } from "../../core/wire/codec.ts";
import { at } from "./visitor.ts";

export type DeafVisitor = { token: string; says(text: string): void; leave(): void };

export async function deafVisitor(server: URL, path: string): Promise<DeafVisitor> {
  const url = at(server, path);
  const socket = await opened(url);
  const lines = [
    `GET ${url.pathname} HTTP/1.1`,
    `Host: ${url.host}`,
    "Upgrade: websocket",
    "Connection: Upgrade",
    `Sec-WebSocket-Key: ${randomBytes(16).toString("base64")}`,
    "Sec-WebSocket-Version: 13",
  ];
  socket.write(`${lines.join("\r\n")}\r\n\r\n`);
  let text = "";
  let token = "";
  while (token === "") {
    text += (await once(socket, "data", { signal: AbortSignal.timeout(20_000) }))[0].toString("latin1");
    const [frame = ""] = /client_registered:[\w+/]+=*(?![\w+/=])/.exec(text) ?? [];
    token = String(decodeMessage(frame)?.payload.token ?? "");
  }
  socket.pause();
  socket.on("error", () => {});
  return {
    token,
    says: (word) => {
      // A client's frame: a text of fewer than 126 bytes, masked with zeros.
      if (socket.writable)
        socket.write(Buffer.concat([Buffer.of(0x81, 0x80 | word.length, 0, 0, 0, 0), Buffer.from(word)]));
    },
    leave: () => socket.destroy(),
  };
}

async function opened({ protocol, hostname, port }: URL): Promise<Socket> {
  const host = hostname.replace(/^\[|\]$/g, "");
  if (protocol === "http:") {
    const socket = connect(Number(port || 80), host);
    await once(socket, "connect");
    return socket;
  }
  const socket = connectSecurely({
    host,
    port: Number(port || 443),
    servername: host,
    ALPNProtocols: ["http/1.1"],
  });
  await once(socket, "secureConnect");
  return socket;
}
