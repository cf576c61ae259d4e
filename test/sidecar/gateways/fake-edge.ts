/** An edge of a few lines: it says yes to everybody, or what it is told to say, and keeps what it was asked. */
import { once } from "node:events";
import { createServer, type IncomingHttpHeaders, type Server, STATUS_CODES } from "node:http";
import type { AddressInfo } from "node:net";
import { json } from "node:stream/consumers";
import { onTestFinished } from "vitest";
import { type WebSocket, WebSocketServer } from "ws";
import type { Picture } from "../../../core/wire/picture.ts";
import { pingText, pongText } from "../../../core/wire/ping.ts";
import { heartbeatPath } from "../../../core/wire/sidecar-post.ts";
import { encode } from "../../../measure/kit/wire.ts";
import { serverUrl } from "../../../session/server.ts";

export type Asked = {
  /** By `performance.now()`. */
  at: number;
  method: string;
  path: string;
  headers: IncomingHttpHeaders;
  body: unknown;
};
/** How a request is answered that is not served. `body`: as text, or as JSON. */
export type Refusal = { status: number; body: string | object; headers?: Record<string, string> };

/** What Cloudflare answers to those who ask too often: an error of its own, which no Worker has seen. */
export const blocked: Refusal = {
  status: 429,
  body: "<!doctype html><title>Access denied | 1015</title>error code: 1015",
  headers: { "content-type": "text/html", "retry-after": "2" },
};

export class FakeEdge {
  readonly url: URL;
  readonly asked: Asked[] = [];
  /** Methods of the messages that clients have said. */
  readonly said: string[] = [];
  answersPings = true;
  /** Asked before every request and upgrade. A `lost` one is not answered: the connection breaks, and every WebSocket. */
  refusal: (asked: Asked) => Refusal | "lost" | null = () => null;
  readonly #server: Server;
  readonly #sockets: WebSocketServer;
  #clients = 0;

  /** `pingMs`: what it tells its clients. */
  static async start({ pingMs = 30_000, port = 0 } = {}): Promise<FakeEdge> {
    const server = createServer();
    server.listen(port, "127.0.0.1");
    await once(server, "listening");
    const edge = new FakeEdge(server, pingMs);
    onTestFinished(() => edge.stop());
    return edge;
  }

  private constructor(server: Server, pingMs: number) {
    const { port } = server.address() as AddressInfo;
    this.url = serverUrl(`http://127.0.0.1:${port}`);
    this.#server = server;
    this.#sockets = new WebSocketServer({ noServer: true });
    server.on("upgrade", (request, socket, head) => {
      socket.on("error", () => {});
      const asked = this.#note(request.method, request.url, request.headers);
      const refusal = this.refusal(asked);
      if (refusal === "lost") socket.destroy();
      else if (refusal) {
        const { status, headers, text } = written(refusal);
        const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
        socket.end(
          `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.join("")}connection: close\r\n\r\n${text}`,
        );
      } else this.#sockets.handleUpgrade(request, socket, head, (one) => this.#greet(one, pingMs));
    });
    server.on("request", async (request, response) => {
      const asked = this.#note(request.method, request.url, request.headers);
      asked.body = request.method === "POST" ? await json(request) : null;
      const refusal = this.refusal(asked);
      if (refusal === "lost") {
        this.cut();
        response.destroy();
        return;
      }
      const { status, headers, text } = written(refusal ?? { status: 200, body: answerTo(asked) });
      response.writeHead(status, headers).end(text);
    });
  }

  /** WebSockets that are open. */
  get open(): number {
    return this.#sockets.clients.size;
  }

  /** What was asked with an upgrade. */
  get connects(): Asked[] {
    return this.asked.filter(({ headers }) => headers.upgrade === "websocket");
  }

  /** Says something to all that are connected. */
  tell(text: string): void {
    for (const socket of this.#sockets.clients) socket.send(text);
  }

  /** Breaks every WebSocket. */
  cut(): void {
    for (const socket of this.#sockets.clients) socket.terminate();
  }

  /** Ends it: nobody listens there any more. */
  async stop(): Promise<void> {
    this.cut();
    this.#server.closeAllConnections();
    if (this.#server.listening) await new Promise((resolve) => this.#server.close(resolve));
  }

  #note(method = "", path = "", headers: IncomingHttpHeaders): Asked {
    const asked = { at: performance.now(), method, path, headers, body: null };
    this.asked.push(asked);
    return asked;
  }

  #greet(socket: WebSocket, pingMs: number): void {
    this.#clients += 1;
    const clientId = String(this.#clients).padStart(16, "0");
    socket.on("message", (bytes) => {
      const text = String(bytes);
      this.said.push(text.replace(/:.*/, ""));
      if (text === pingText && this.answersPings) socket.send(pongText);
    });
    socket.send(encode("client_registered", { token: `1.${clientId}.x`, clientId, pingMs }));
  }
}

/** In its lobbies a client that lost its connection may come back. */
function answerTo({ path, body }: Asked): object {
  const inPath = /^\/lobbies\/([^/]+)/.exec(path)?.[1];
  const names = { lobbyName: "Ada", lobbyMembers: ["Ada", "Bo"], host: "Ada", privacy: "open" };
  const code = typeof body === "object" && body !== null && "code" in body ? body.code : undefined;
  const lobbyId = inPath === undefined ? String(code ?? "K7Q2M") : decodeURIComponent(inPath);
  const resumeKey = `${firstClient}.key`;
  const missed = { lines: [], isComplete: true };
  // A sidecar's heartbeats are welcome here.
  if (path === heartbeatPath) return { known: true };
  return { lobbyId, ...names, lobby: { ...lobbyOf(lobbyId) }, resumeKey, missed };
}

const firstClient = "0".repeat(15).concat("1");

function lobbyOf(lobbyId: string): Picture {
  const name = "Ada";
  const ada = { clientId: firstClient, name, displayName: name, presence: "connected" as const, data: {} };
  return {
    ...{ lobbyId, lobbyName: name, title: name, game: null, isPublic: false, maxMembers: 8, locked: false },
    ...{ hasPassword: false, lifetime: "session", topology: "mesh", privacy: "open", onLoss: "continue" },
    ...{
      onHostLoss: "migrate",
      signals: "all",
      encryption: "preferred",
      graceMs: 15_000,
      hostId: firstClient,
      term: 1,
      version: 1,
    },
    ...{ data: {}, members: [{ ...ada, ready: false, hidden: false, via: null }] },
    phase: { kind: "waiting", seen: [], awaited: [] },
  };
}

function written({ status, body, headers = {} }: Refusal) {
  const type = typeof body === "string" ? "text/plain" : "application/json";
  const text = typeof body === "string" ? body : JSON.stringify(body);
  return { status, headers: { "content-type": type, ...headers }, text };
}
