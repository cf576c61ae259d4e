/** Clients that do not read: raw TCP sockets that speak as much of the WebSocket protocol as is needed. */
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { post } from "./player.ts";
import { holderOf } from "./secret.ts";
import { decode } from "./wire.ts";

export type Deaf = { holder: string; clientId: string; token: string; socket: Socket };

/** A client that stops reading as soon as it has its token. */
export async function deafClient(base: URL, path = "/"): Promise<Deaf> {
  const socket = connect(Number(base.port), "127.0.0.1");
  await once(socket, "connect");
  const lines = [
    `GET ${path} HTTP/1.1`,
    "Host: edge",
    "Upgrade: websocket",
    "Connection: Upgrade",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Version: 13",
  ];
  socket.write(`${lines.join("\r\n")}\r\n\r\n`);
  let text = "";
  let welcome: RegExpExecArray | null = null;
  while (!welcome) {
    text += (await once(socket, "data"))[0].toString("latin1");
    welcome = /client_registered:[\w+/]+=*(?![\w+/])/.exec(text);
  }
  socket.pause();
  const { token, clientId } = decode(welcome[0]).payload;
  return { holder: holderOf(String(token)), clientId: String(clientId), token: String(token), socket };
}

/** A member of a lobby that reads nothing: not even the close of its socket reaches it. */
export async function deafMember(base: URL, lobbyId: string, peerName: string, path = "/"): Promise<Deaf> {
  const deaf = await deafClient(base, path);
  const { status, text } = await post(base, `/lobbies/${lobbyId}/join`, { token: deaf.token, peerName });
  if (status !== 200) throw new Error(`${peerName} could not join: ${text}`);
  return deaf;
}

/** A text as a client's frame, masked with zeros. */
export function maskedText(text: string): Buffer {
  const length = text.length < 126 ? [0x80 | text.length] : [0x80 | 126, text.length >> 8, text.length & 255];
  return Buffer.concat([Buffer.of(0x81, ...length, 0, 0, 0, 0), Buffer.from(text)]);
}
