/** A server by hand: it answers as an Orion server does, sends what the test says, and keeps what it hears. */
import { once } from "node:events";
import { createServer } from "node:http";
import { onTestFinished } from "vitest";
import { WebSocketServer } from "ws";
import { decode, encode, type Message } from "../../measure/kit/wire.ts";

export type HandmadeServer = {
  url: URL;
  /** The path of every HTTP request and of every WebSocket, in order. */
  paths: string[];
  /** Every message that clients have sent. */
  said: Message[];
  /** Sends a message to all clients. */
  send(method: string, payload: object): void;
};

export async function handmadeServer(): Promise<HandmadeServer> {
  const paths: string[] = [];
  const said: Message[] = [];
  const answers: Record<string, string> = {
    "/ping": "pong",
    "/lobbies": '{"lobbyName":"Tea","lobbyId":"AAAAA"}',
    "/lobbies/AAAAA/join": '{"lobbyName":"Tea","lobbyId":"AAAAA","lobbyMembers":["Ada","Bo"],"host":"Ada"}',
    "/lobbies/AAAAA/ptp/start": "{}",
  };
  const http = createServer((request, response) => {
    paths.push(request.url ?? "");
    const answer = answers[request.url ?? ""];
    response.statusCode = answer === undefined ? 404 : 200;
    response.end(answer ?? '{"errors":["There is nothing here."],"codes":["not_found"]}');
  });
  const web = new WebSocketServer({ server: http });
  web.on("connection", (socket, request) => {
    paths.push(request.url ?? "");
    socket.send(encode("client_registered", { token: "1.client.mac", clientId: "client" }));
    socket.on("message", (bytes) => said.push(decode(String(bytes))));
  });
  http.listen(0, "127.0.0.1");
  await once(http, "listening");
  onTestFinished(() => {
    for (const socket of web.clients) socket.terminate();
    http.closeAllConnections();
    http.close();
  });
  const address = http.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return {
    url: new URL(`http://127.0.0.1:${address.port}`),
    paths,
    said,
    send: (method, payload) => {
      for (const socket of web.clients) socket.send(encode(method, payload));
    },
  };
}
