/** A proxy before the server that loses answers. */
import { once } from "node:events";
import { createServer, request } from "node:http";
import { connect as connectTcp, type Socket } from "node:net";
import { onTestFinished } from "vitest";
import { serverUrl } from "../../session/server.ts";

export type LosingProxy = {
  url: URL;
  /** Of all that players asked, the method and the path. */
  requests: string[];
  /** Breaks every WebSocket. */
  cut(): void;
  /** Loses so many more answers to requests of which the path ends so; and the WebSockets with them, unless they are kept. */
  lose(answers: number, ending?: string, keepsWebSockets?: boolean): void;
};

/**
 * Before the server: loses the first answers to requests of players, and their WebSockets with them. The
 * server learns that those are gone when it has answered the next request.
 */
export async function proxyThatLoses(to: URL, answers: number): Promise<LosingProxy> {
  const requests: string[] = [];
  const webSockets = new Map<Socket, Socket>();
  const cutOff = new Set<Socket>();
  let toLose = answers;
  let losing = "";
  let keeps = false;
  const proxy = createServer((incoming, response) => {
    const { method = "", headers, url: path = "" } = incoming;
    requests.push(`${method} ${path}`);
    const outgoing = request(new URL(path, to), { method, headers });
    outgoing.on("response", (answer) => {
      for (const far of cutOff) far.destroy();
      if (toLose === 0 || !path.endsWith(losing)) {
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(response);
        return;
      }
      toLose -= 1;
      answer.resume();
      response.destroy();
      for (const [near, far] of keeps ? [] : webSockets) {
        cutOff.add(far);
        near.destroy();
      }
    });
    incoming.pipe(outgoing);
  });
  proxy.on("upgrade", ({ url: path = "", rawHeaders, socket: near }) => {
    const far = connectTcp(Number(to.port), to.hostname);
    const headers = rawHeaders.map((text, i) => (i % 2 === 0 ? `${text}: ` : `${text}\r\n`)).join("");
    far.write(`GET ${path} HTTP/1.1\r\n${headers}\r\n`);
    webSockets.set(near, far);
    near.pipe(far, { end: false });
    far.pipe(near);
    for (const socket of [near, far]) socket.on("error", () => {});
    far.on("close", () => near.destroy());
    near.on("close", () => {
      webSockets.delete(near);
      if (!cutOff.has(far)) far.destroy();
    });
  });
  proxy.listen(0, "127.0.0.1");
  await once(proxy, "listening");
  onTestFinished(() => {
    proxy.closeAllConnections();
    proxy.close();
  });
  const address = proxy.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return {
    url: serverUrl(`http://127.0.0.1:${address.port}`),
    requests,
    cut: () => {
      for (const far of webSockets.values()) far.resetAndDestroy();
    },
    lose: (answers, ending = "", keepsWebSockets = false) => {
      keeps = keepsWebSockets;
      toLose = answers;
      losing = ending;
    },
  };
}
