/** A player for tests: a real WebSocket, a real UDP socket, real HTTP requests. */
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { WebSocket } from "ws";
import { patienceMs } from "./patience.ts";
import { holderOf } from "./secret.ts";
import type { Entry } from "./story.ts";
import { noteFrame } from "./whole-log.ts";
import { decode, encode, type Message } from "./wire.ts";

/** `body` is the JSON object that `text` is, if it is one. */
export type Answer = {
  status: number;
  text: string;
  body: Record<string, unknown> | null;
  headers: Headers;
};

/** Sends a JSON body, or a text as it is. */
export async function post(
  base: URL,
  path: string,
  body: unknown,
  headers: Record<string, string> = {},
): Promise<Answer> {
  return await request(base, path, {
    method: "POST",
    body: typeof body === "string" ? body : JSON.stringify(body),
    headers,
  });
}

export async function request(base: URL, path: string, init: RequestInit = {}): Promise<Answer> {
  const response = await fetch(new URL(path, base), init);
  const text = await response.text();
  return { status: response.status, text, body: parsed(text), headers: response.headers };
}

/** The answer to an upgrade that is refused: a WebSocket that opens is a failure. */
export async function refusedUpgrade(
  base: URL,
  path = "/",
  headers: Record<string, string> = {},
): Promise<Answer> {
  const socket = new WebSocket(new URL(path, base.href.replace(/^http/, "ws")), { headers });
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    socket.on("unexpected-response", (_, answer) => resolve(answer));
    socket.on("open", () => {
      socket.terminate();
      reject(new Error("the upgrade was not refused"));
    });
  });
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk);
  const body = Buffer.concat(chunks).toString();
  return {
    status: response.statusCode ?? 0,
    text: body,
    body: parsed(body),
    headers: new Headers(Object.entries(response.headers).map(([name, value]) => [name, String(value)])),
  };
}

function parsed(text: string): Record<string, unknown> | null {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** What is sent with requests: always the same, or, of a gateway, for each by its method and path. */
type SentHeaders = Record<string, string> | ((method: string, path: string) => Record<string, string>);

/** Hears of every player that begins to connect. */
export const newcomers = new Set<(player: Player) => void>();

export class Player {
  readonly base: URL;
  /** Sent with its upgrade and with each of its requests. */
  readonly #headers: SentHeaders;
  readonly socket: WebSocket;
  /** Every message heard, in order. */
  readonly heard: Message[] = [];
  /** All it heard, said, asked and was answered, in order. */
  readonly story: Entry[] = [];
  /** The UDP ports it has sent from so far. */
  readonly ports = new Set<number>();
  /** What `ptpMediation_send` makes it do; on by default. */
  answersOverUdp = true;
  /** The datagram socket, from the first datagram on. */
  udp: Socket | null = null;
  readonly closed: Promise<{ code: number; reason: string }>;
  #wakers: (() => void)[] = [];
  #asked = 0;
  #pongs = 0;

  /** Connects, and waits for its token. */
  static async connect(base: URL, path = "/", headers: SentHeaders = {}): Promise<Player> {
    const player = new Player(base, path, headers);
    await player.hears("client_registered");
    return player;
  }

  /** As many players as are wanted, all at once. */
  static async crowd(size: number, base: URL, path = "/"): Promise<Player[]> {
    return await Promise.all(Array.from({ length: size }, () => Player.connect(base, path)));
  }

  private constructor(base: URL, path: string, headers: SentHeaders) {
    this.base = base;
    this.#headers = headers;
    const url = new URL(path, base.href.replace(/^http/, "ws"));
    this.socket = new WebSocket(url, { headers: this.headersFor("GET", path) });
    this.closed = new Promise((resolve) => {
      this.socket.on("close", (code, reason) => {
        this.closesPort();
        this.story.push({ at: Date.now(), kind: "closed", code });
        resolve({ code, reason: reason.toString() });
      });
    });
    this.socket.on("error", () => {});
    this.socket.on("message", (data: Buffer) => {
      if (data.toString() === "pong") {
        this.#pongs += 1;
        for (const wake of this.#wakers.splice(0)) wake();
        return;
      }
      noteFrame(data.toString());
      // To a page the server says groovejet's first word as well (docs/dialects.md).
      if (data.toString().startsWith("{")) return;
      const message = decode(data.toString());
      this.heard.push(message);
      this.story.push({ at: Date.now(), kind: "heard", message });
      if (message.method === "ptpMediation_send" && this.answersOverUdp)
        this.sendDatagram(Number(message.payload.port));
      for (const wake of this.#wakers.splice(0)) wake();
    });
    for (const meet of newcomers) meet(this);
  }

  /** What this player sends with such a request. */
  headersFor(method: string, path: string): Record<string, string> {
    return typeof this.#headers === "function" ? this.#headers(method, path) : this.#headers;
  }

  get token(): string {
    return String(this.all("client_registered")[0]?.token ?? "");
  }

  /** What requests need that are not Orion's. */
  get secretToken(): string {
    return String(this.all("client_registered")[0]?.secretToken ?? "");
  }

  get clientId(): string {
    return String(this.all("client_registered")[0]?.clientId ?? "");
  }

  /** The object that holds this player's socket: a lounge, or a lobby by its code. */
  get holder(): string {
    return holderOf(this.token);
  }

  /** The payloads of all messages of this method heard so far. */
  all(method: string): Record<string, unknown>[] {
    return this.heard.filter((message) => message.method === method).map(({ payload }) => payload);
  }

  /** The methods heard so far, after `client_registered`. */
  get methods(): string[] {
    return this.heard.slice(1).map(({ method }) => method);
  }

  /** The chat messages heard so far, of everybody. */
  get chats(): unknown[] {
    return this.all("lobby_messaging_received").map(({ message }) => Object(message).message);
  }

  /** The payload of the `nth` message of this method, once it comes. */
  hears(method: string, nth = 1): Promise<Record<string, unknown>> {
    return this.#until(() => this.all(method)[nth - 1], `${method} (${nth})`);
  }

  /** The payload of the next message of this method, from now on. */
  hearsNext(method: string): Promise<Record<string, unknown>> {
    return this.hears(method, this.all(method).length + 1);
  }

  /** Waits for a chat message. */
  async hearsChat(message: string): Promise<void> {
    await this.#until(() => this.chats.includes(message) || undefined, `"${message}"`);
  }

  async #until<T>(find: () => T | undefined, what: string): Promise<T> {
    const deadline = Date.now() + patienceMs;
    for (;;) {
      const found = find();
      if (found !== undefined) return found;
      const left = deadline - Date.now();
      if (left <= 0) throw new Error(`no ${what} came; heard: ${this.methods.join(", ")}`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left);
        this.#wakers.push(() => {
          clearTimeout(timer);
          resolve();
        });
      });
    }
  }

  async post(path: string, body: object): Promise<Answer> {
    this.#asked += 1;
    const nr = this.#asked;
    this.story.push({ at: Date.now(), kind: "asked", nr, path, body: { ...body } });
    try {
      const token = /\/(leave|host|kick)$/.test(path) ? this.secretToken : this.token;
      const answer = await post(this.base, path, { token, ...body }, this.headersFor("POST", path));
      this.story.push({ at: Date.now(), kind: "answered", nr, status: answer.status, body: answer.body });
      return answer;
    } catch (error) {
      this.story.push({ at: Date.now(), kind: "answered", nr, status: 0, body: null });
      throw error;
    }
  }

  /** Asks with another method than POST: a body is sent as JSON with the token, without one the token goes into the headers. */
  async asks(
    method: string,
    path: string,
    { body, raw, headers = {} }: { body?: object; raw?: Uint8Array; headers?: Record<string, string> } = {},
  ): Promise<Answer> {
    this.#asked += 1;
    const nr = this.#asked;
    const said = raw ? { bytes: Buffer.from(raw).toString("latin1") } : { ...body };
    this.story.push({ at: Date.now(), kind: "asked", nr, path: `${method} ${path}`, body: said });
    const init: RequestInit = {
      method,
      ...(body && { body: JSON.stringify({ token: this.secretToken, ...body }) }),
      ...(raw && { body: new Uint8Array(raw) }),
      headers: {
        ...this.headersFor(method, path),
        ...(!body && { authorization: `Bearer ${this.secretToken}` }),
        ...headers,
      },
    };
    const answered = (status: number, told: Record<string, unknown> | null) =>
      this.story.push({ at: Date.now(), kind: "answered", nr, status, body: told });
    try {
      const answer = await request(this.base, path, init);
      const etag = answer.headers.get("etag");
      answered(answer.status, etag === null ? answer.body : { etag, bytes: answer.text });
      return answer;
    } catch (error) {
      answered(0, null);
      throw error;
    }
  }

  host(
    options: {
      hostName?: string;
      lobbyName?: string;
      isPublic?: boolean;
      maxMembers?: number;
      onLoss?: string | undefined;
      privacy?: string | undefined;
      [addition: string]: unknown;
    } = {},
  ): Promise<Answer> {
    return this.post("/lobbies", {
      hostName: "Host",
      lobbyName: "Lobby",
      isPublic: false,
      maxMembers: 8,
      ...options,
    });
  }

  join(lobbyId: string, peerName: string, additions: object = {}): Promise<Answer> {
    return this.post(`/lobbies/${lobbyId}/join`, { peerName, ...additions });
  }

  start(lobbyId: string): Promise<Answer> {
    return this.post(`/lobbies/${lobbyId}/ptp/start`, {});
  }

  /** As the host: stops the mediation, or has it go on without those who are missing. */
  steer(lobbyId: string, wish: "stop" | "proceed"): Promise<Answer> {
    return this.post(`/lobbies/${lobbyId}/ptp/${wish}`, {});
  }

  /** Sends on the WebSocket. The token is the player's own unless the payload names another. */
  say(method: string, payload: object = {}): void {
    this.story.push({ at: Date.now(), kind: "said", method, payload: { ...payload } });
    this.socket.send(encode(method, { token: this.token, ...payload }));
  }

  /** Says `ping`, and waits for the answer. */
  async pings(): Promise<void> {
    const nth = this.#pongs + 1;
    this.socket.send("ping");
    await this.#until(() => this.#pongs >= nth || undefined, "pong");
  }

  chat(lobbyId: string, message: string): void {
    this.say("lobby_messaging_send", { lobbyId, message });
  }

  reportsSuccess(): void {
    this.say("ptpMediation_peersConnection_success");
  }

  /** Sends `ptpMediation_connect`, or any other bytes, from this player's UDP port. */
  sendDatagram(
    port: number,
    bytes: string | Buffer = encode("ptpMediation_connect", { token: this.token }),
  ): void {
    this.udp ??= this.#openPort();
    this.udp.send(bytes, port, "127.0.0.1");
  }

  #openPort(): Socket {
    const socket = createSocket("udp4");
    socket.on("listening", () => this.ports.add(socket.address().port));
    return socket;
  }

  /** Gives up its UDP port: the next datagram comes from another one. */
  closesPort(): void {
    this.udp?.close();
    this.udp = null;
  }

  /** Waits until everything this player sent on its WebSocket before has been handled: a pong comes after it. */
  async settled(): Promise<void> {
    this.socket.ping();
    await once(this.socket, "pong");
  }

  /** Leaves the way a player does: closes the WebSocket. */
  async leave(code = 1000): Promise<void> {
    this.closesPort();
    this.socket.close(code);
    await this.closed;
  }

  /** Vanishes without a word, like a player whose power fails. */
  vanish(): void {
    this.closesPort();
    this.socket.terminate();
  }
}

/** A lobby of `size` players, the host first, by the plain path or the direct one. */
export async function lobbyOf(
  size: number,
  base: URL,
  options: {
    direct?: boolean;
    isPublic?: boolean;
    maxMembers?: number;
    onLoss?: string | undefined;
    privacy?: string | undefined;
    /** What all of them say that their clients can do. */
    features?: readonly string[] | undefined;
    [addition: string]: unknown;
  } = {},
): Promise<{ lobbyId: string; host: Player; guests: Player[]; all: Player[] }> {
  const { direct = false, isPublic = false, maxMembers = Math.max(size, 2), features, ...rules } = options;
  const connect = async (path: string) => {
    const player = await Player.connect(base, direct ? path : "/");
    if (features) {
      player.say("client_features", { features });
      await player.settled();
    }
    return player;
  };
  const host = await connect("/lobbies");
  const { body } = await host.host({ isPublic, maxMembers, ...rules });
  const lobbyId = String(body?.lobbyId);
  const guests: Player[] = [];
  for (let i = 1; i < size; i++) {
    const guest = await connect(`/lobbies/${lobbyId}`);
    const answer = await guest.join(lobbyId, `Guest ${i}`);
    if (answer.status !== 200) throw new Error(`guest ${i} could not join: ${JSON.stringify(answer.body)}`);
    guests.push(guest);
  }
  return { lobbyId, host, guests, all: [host, ...guests] };
}

let calls = 0;

/**
 * Waits until all that the caller sent on its WebSocket before has been handled, and all that it caused
 * has been heard: a chat message goes the same ways, behind it.
 */
export async function rollCall(lobbyId: string, caller: Player, ...others: Player[]): Promise<void> {
  calls += 1;
  const call = `Is everybody there? ${calls}`;
  caller.chat(lobbyId, call);
  await Promise.all([caller, ...others].map((player) => player.hearsChat(call)));
}
