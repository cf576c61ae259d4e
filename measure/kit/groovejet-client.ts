/**
 * groovejet's clients, step by step as their sources do it: what they wait for, what they ignore, and what breaks them. Form C is pearl's
 * `GroovejetClient` at its last commit, A its release 0.0.12, B and D are groovejet's texts.
 */
import { WebSocket } from "ws";
import { patienceMs } from "./patience.ts";
import { holderOf } from "./secret.ts";
import { noteFrame, noteSecret } from "./whole-log.ts";
import { decode } from "./wire.ts";

export type GroovejetMessage = { type: string; data?: Record<string, unknown>; [field: string]: unknown };

/** Where the game's page is from: browsers say it in each upgrade. */
export const gamePage = "http://localhost:8080";

export class GroovejetClient {
  readonly socket: WebSocket;
  /** Every message that it could read, in order. */
  readonly heard: GroovejetMessage[] = [];
  /** Texts that are no JSON: in a page they are an error in the console. */
  readonly unreadable: string[] = [];
  readonly closed: Promise<number>;
  #wakers: (() => void)[] = [];
  #isClosed = false;

  constructor(base: URL, path = "/", headers: Record<string, string> = { origin: gamePage }) {
    this.socket = new WebSocket(new URL(path, base.href.replace(/^http/, "ws")), { headers });
    this.closed = new Promise((resolve) => {
      this.socket.on("close", (code) => {
        this.#isClosed = true;
        resolve(code);
        this.#wake();
      });
    });
    this.socket.on("error", () => {});
    this.socket.on("message", (data: Buffer) => {
      const text = data.toString();
      noteFrame(text);
      try {
        this.heard.push(JSON.parse(text));
      } catch {
        this.unreadable.push(text);
      }
      const key = this.heard.at(-1)?.data?.resumeKey;
      if (typeof key === "string") noteSecret({ kind: "client's token", text: key });
      this.#wake();
    });
  }

  /** Form C and D: waits for its identity, whatever else comes before it. */
  static async connect(base: URL, path?: string, headers?: Record<string, string>): Promise<GroovejetClient> {
    const client = new GroovejetClient(base, path, headers);
    await client.hears("identity");
    return client;
  }

  get clientId(): string {
    return String(this.all("identity").at(-1)?.data?.clientId ?? "");
  }

  /** The object that holds its socket, if it was told Orion's token, too. */
  get holder(): string {
    return holderOf(String(decode(this.unreadable[0] ?? "").payload.token));
  }

  get types(): string[] {
    return this.heard.map(({ type }) => type);
  }

  all(type: string): GroovejetMessage[] {
    return this.heard.filter((message) => message.type === type);
  }

  /** Sends a text as it is, and anything else as JSON. */
  say(said: unknown): void {
    this.socket.send(typeof said === "string" ? said : JSON.stringify(said));
  }

  /** The nth message of one of these types. Fails if the socket closes before, or it does not come. */
  async hears(types: string | readonly string[], nth = 1): Promise<GroovejetMessage> {
    const wanted = [types].flat();
    const found = () => this.heard.filter(({ type }) => wanted.includes(type))[nth - 1];
    const giveUpAt = Date.now() + patienceMs;
    for (let message = found(); ; message = found()) {
      if (message) return message;
      if (this.#isClosed || Date.now() > giveUpAt)
        throw new Error(`heard no ${wanted.join(" or ")}, but ${JSON.stringify(this.heard)}`);
      await this.#stirred(giveUpAt - Date.now());
    }
  }

  /** Form C: says so, and waits for exactly this answer, or an error. */
  async createRoom(answer = "createdRoom"): Promise<string> {
    this.say({ type: "createRoom" });
    const { type, data } = await this.hears([answer, "error"]);
    if (type === "error") throw new Error("no room was created");
    return String(data?.roomCode);
  }

  /** The same: with an answer or an error. */
  async joinRoom(roomCode: unknown, more: object = {}, answer = "joinedRoom"): Promise<GroovejetMessage> {
    this.say({ type: "joinRoom", data: { roomCode, ...more } });
    return await this.hears([answer, "error"]);
  }

  /** Waits until the server has taken all that was said, and said all that it had to say about it. */
  async settled(): Promise<void> {
    const pong = new Promise<void>((resolve) => this.socket.once("pong", () => resolve()));
    this.socket.ping();
    await pong;
  }

  /** Vanishes without a close frame. */
  cut(): void {
    this.socket.terminate();
  }

  async leave(code?: number): Promise<void> {
    this.socket.close(code);
    await this.closed;
  }

  #wake(): void {
    for (const wake of this.#wakers.splice(0)) wake();
  }

  #stirred(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#wakers.push(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }
}

/** A code for a room, as forms A and B get it. */
export async function drawRoom(base: URL, path = "/rooms"): Promise<string> {
  const response = await fetch(new URL(path, base), { method: "POST" });
  const { code } = (await response.json()) as { code: string };
  return code;
}
