/** The way of HTTP requests and WebSockets between the client under test and the server. It writes down all of it, and does to it what a run wants. */
import { once } from "node:events";
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { WebSocket, WebSocketServer } from "ws";
import { decodeMessage, encodeMessage, type Message, parseObject } from "../core/wire/codec.ts";
import { DatagramLine } from "./datagram-line.ts";
import type { Asked, Transcript } from "./transcript.ts";

/** What is done to requests, answers and messages. */
export type LineFaults = {
  /** Fields that no client knows are in everything, and messages that none knows come between the others. */
  isStrange: boolean;
  /** Whether the client is told the other number of the sidecar's first port. */
  isMoved: boolean;
  /** The next request to such a path is refused as one too many. */
  refuse: RegExp | null;
  /** The answer to the next request to such a path is held back until `release`, or is lost after the server has done what it asks. */
  hold: RegExp | null;
  loseAnswer: RegExp | null;
  /** What the client is told in the place of a message; null for nothing. */
  rewrite: (message: Message) => Message | null;
};

type Pair = { readonly number: number; readonly client: WebSocket; readonly server: WebSocket };

/** Seconds that a refused client is to wait. */
export const retryAfterS = 1;

export class Line {
  readonly faults: LineFaults = {
    isStrange: false,
    isMoved: false,
    refuse: null,
    hold: null,
    loseAnswer: null,
    rewrite: (message) => message,
  };
  readonly datagrams: DatagramLine;
  readonly #server: Server;
  readonly #target: URL;
  readonly #transcript: Transcript;
  readonly #upgrades = new WebSocketServer({ noServer: true, handleProtocols: ([first]) => first ?? false });
  readonly #pairs = new Set<Pair>();
  readonly #held: (() => void)[] = [];
  #sockets = 0;
  #requests = 0;

  /** `port`: 0 for any free one. */
  static async open(
    { url, ports }: { url: URL; ports: readonly [number, number] },
    transcript: Transcript,
    port = 0,
  ): Promise<Line> {
    const datagrams = await DatagramLine.open(ports, transcript);
    const line = new Line(url, datagrams, transcript);
    line.#server.listen(port, "127.0.0.1");
    await once(line.#server, "listening");
    return line;
  }

  private constructor(target: URL, datagrams: DatagramLine, transcript: Transcript) {
    this.#target = target;
    this.datagrams = datagrams;
    this.#transcript = transcript;
    this.#server = createServer((asked, answer) => {
      this.#pass(asked, answer).catch(() => answer.destroy());
    });
    this.#server.on("upgrade", (asked, socket, head) => this.#upgrade(asked, socket, head));
  }

  /** What the client under test is pointed at. */
  get url(): URL {
    const { port } = this.#server.address() as AddressInfo;
    return new URL(`http://127.0.0.1:${port}`);
  }

  /** How many WebSockets of the lobby kind the client has open. */
  get openSockets(): number {
    return this.#pairs.size;
  }

  /** Lets answers go that are held back. */
  release(): void {
    for (const go of this.#held.splice(0)) go();
  }

  /** Cuts all of the client's WebSockets, as a network that fails. */
  cut(): void {
    for (const { client, server } of this.#pairs) {
      client.terminate();
      server.terminate();
    }
  }

  async close(): Promise<void> {
    this.release();
    this.cut();
    this.datagrams.close();
    this.#server.closeAllConnections();
    this.#server.close();
    this.#upgrades.close();
  }

  async #pass(asked: IncomingMessage, answer: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of asked) chunks.push(chunk);
    const body = Buffer.concat(chunks);
    const { method = "GET", url: path = "/" } = asked;
    const nr = ++this.#requests;
    const json: Asked = parseObject(body.toString());
    const bearer = /^Bearer (.+)$/.exec(asked.headers.authorization ?? "")?.[1];
    const token = bearer ?? (typeof json?.token === "string" ? json.token : "");
    this.#transcript.add({ kind: "asked", nr, method, path, token, body: json });
    const { faults } = this;
    if (faults.refuse?.test(path)) {
      faults.refuse = null;
      const refusal = { errors: ["That was too often. Please wait a moment."], codes: ["too_many_requests"] };
      this.#transcript.add({ kind: "answered", nr, path, status: 429, body: refusal });
      answer.writeHead(429, { "content-type": "application/json", "retry-after": String(retryAfterS) });
      answer.end(JSON.stringify(refusal));
      return;
    }
    const { status, headers, text } = await this.#ask(method, path, asked, body);
    const said: Asked = parseObject(text.toString());
    this.#transcript.add({ kind: "answered", nr, path, status, body: said });
    if (faults.loseAnswer?.test(path)) {
      faults.loseAnswer = null;
      answer.destroy();
      return;
    }
    if (faults.hold?.test(path)) {
      faults.hold = null;
      await new Promise<void>((resolve) => this.#held.push(resolve));
    }
    const told = said && faults.isStrange ? Buffer.from(JSON.stringify({ ...said, ...unknownField })) : text;
    const { "content-length": _, "transfer-encoding": __, connection: ___, ...others } = headers;
    answer.writeHead(status, { ...others, "content-length": String(told.length) });
    answer.end(method === "HEAD" ? undefined : told);
  }

  async #ask(
    method: string,
    path: string,
    { headers }: IncomingMessage,
    body: Buffer,
  ): Promise<{ status: number; headers: IncomingMessage["headers"]; text: Buffer }> {
    const { hostname, port } = this.#target;
    const { "transfer-encoding": _, connection: __, expect: ___, ...passed } = headers;
    const asking = request({
      hostname,
      port,
      method,
      path,
      headers: { ...passed, "content-length": String(body.length) },
    });
    asking.end(body);
    const [response] = (await once(asking, "response")) as [IncomingMessage];
    const chunks: Buffer[] = [];
    for await (const chunk of response) chunks.push(chunk);
    return { status: response.statusCode ?? 502, headers: response.headers, text: Buffer.concat(chunks) };
  }

  #upgrade(asked: IncomingMessage, socket: Duplex, head: Buffer): void {
    const path = asked.url ?? "/";
    const protocols = (asked.headers["sec-websocket-protocol"] ?? "")
      .split(",")
      .map((one) => one.trim())
      .filter((one) => one !== "");
    const url = new URL(path.replace(/^\/+/, "/"), this.#target.href.replace(/^http/, "ws"));
    const { origin } = asked.headers;
    const server = new WebSocket(url, protocols, { perMessageDeflate: false, ...(origin && { origin }) });
    const early: [Buffer, boolean][] = [];
    server.on("message", (data: Buffer, isBinary) => early.push([data, isBinary]));
    socket.on("error", () => server.terminate());
    server.on("error", () => socket.destroy());
    server.on("unexpected-response", (_, response) => {
      socket.end(`HTTP/1.1 ${response.statusCode} Refused\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`);
    });
    server.on("open", () => {
      this.#upgrades.handleUpgrade(asked, socket, head, (client) => {
        server.removeAllListeners("message");
        // What goes by the relay is between the peers.
        if (path.startsWith("/relay")) joinSockets(client, server);
        else this.#join(path, client, server);
        for (const [data, isBinary] of early) server.emit("message", data, isBinary);
      });
    });
  }

  #join(path: string, client: WebSocket, server: WebSocket): void {
    const number = ++this.#sockets;
    const pair = { number, client, server };
    this.#pairs.add(pair);
    this.#transcript.add({ kind: "opened", socket: number, path });
    joinSockets(client, server, (text) => this.#retold(number, text));
    client.on("message", (data: Buffer) => {
      const text = data.toString();
      this.#transcript.add({ kind: "said", socket: number, text, message: decodeMessage(text) });
    });
    client.on("close", (code) => {
      this.#pairs.delete(pair);
      this.#transcript.add({ kind: "closed", socket: number, code });
    });
  }

  /** What the client is told in the place of this text. */
  #retold(socket: number, text: string): string[] {
    const message = decodeMessage(text);
    if (!message) return [text];
    const told = this.faults.rewrite(this.#withOurPorts(message));
    if (!told) return [];
    this.#transcript.add({ kind: "told", socket, message: told });
    const { method, payload } = told;
    if (!this.faults.isStrange) return [encodeMessage(method, payload)];
    return [
      encodeMessage("lobby_fromTheFuture", { lobbyId: 7, peers: null, ...unknownField }),
      encodeMessage(method, { ...payload, ...unknownField }),
    ];
  }

  #withOurPorts(message: Message): Message {
    const [port, second] = this.datagrams.ports(this.faults.isMoved);
    const { method, payload } = message;
    if (method === "ptpMediation_send" && "port" in payload)
      return { method, payload: { ...payload, port, ...("ports" in payload && { ports: [port, second] }) } };
    if (method === "ptpMediation_peersConnection_start" && Array.isArray(payload.peers)) {
      const peers = payload.peers.map((peer) =>
        peer.relay ? { ...peer, relay: { ...peer.relay, port } } : peer,
      );
      return { method, payload: { ...payload, peers } };
    }
    return message;
  }
}

const unknownField = { fromTheFuture: { list: [1, null, "🎈"], isKnown: false } };

/** Passes on what either says, until one of them closes. */
function joinSockets(
  client: WebSocket,
  server: WebSocket,
  retold: (text: string) => string[] = (text) => [text],
): void {
  client.on("message", (data: Buffer, isBinary) => {
    if (server.readyState === server.OPEN) server.send(data, { binary: isBinary });
  });
  server.on("message", (data: Buffer, isBinary) => {
    if (client.readyState !== client.OPEN) return;
    if (isBinary) client.send(data);
    else for (const text of retold(data.toString())) client.send(text);
  });
  for (const [one, other] of [
    [client, server],
    [server, client],
  ] as const) {
    one.on("error", () => {});
    one.on("close", (code, reason) => {
      if (code === 1006) other.terminate();
      else if (code === 1005) other.close();
      else other.close(code, reason.toString());
    });
  }
}
