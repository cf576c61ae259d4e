/**
 * A client of Rabid Hole Punch that does what the Godot plugin does, state by state, with real UDP sockets: it reads one packet a frame, repeats
 * and gives up after the same times, closes its socket after the start, and binds the port that it was told. Its peers are RabidPeers.
 */
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { patienceMs } from "./patience.ts";
import { type Peer, type PeerTimes, RabidPeers, type Reached } from "./rabid-peers.ts";

/** Milliseconds of one frame of the game. */
export const frameMs = 1_000 / 60;
/** Milliseconds between two requests to the server, and until the plugin gives up. */
const requestMs = 500;
const giveUpMs = 15_000;
/** Milliseconds for which it is silent after the start. */
const finishMs = 2_000;

export type PluginState = "none" | "requesting" | "in-session" | "finishing" | "peers" | "done";

/** How it ended: the ports to play on, or the plugin's own text for what went wrong. */
export type Outcome = Reached | { error: string };

export type PluginOptions = {
  /** Where the server is: the port of a gateway. */
  server: { address: string; port: number };
  session: string;
  name: string;
  /** The local address that it sends from. The plugin binds all of them. */
  from?: string;
  /** Faster than the plugin among peers, by this. Towards the server it always has the plugin's times. */
  haste?: number;
};

export class RabidPlugin {
  readonly name: string;
  readonly session: string;
  /** The local address that it sends from. */
  readonly from: string;
  state: PluginState = "none";
  /** The names that the server told last. */
  names: readonly string[] = [];
  isHost = false;
  /** All that came from the server, in order, and all that was sent to it; `at` in milliseconds. */
  readonly heard: { at: number; text: string }[] = [];
  readonly said: { at: number; text: string }[] = [];
  /** Done when it has met its peers, or given up. */
  readonly outcome: Promise<Outcome>;
  /** The local port, towards the server. */
  port = 0;
  #socket: Socket | null = null;
  #peers: RabidPeers | null = null;
  readonly #options: PluginOptions;
  readonly #queue: string[] = [];
  readonly #frames: NodeJS.Timeout;
  #end: (outcome: Outcome) => void = () => {};
  /** What it repeats. */
  #request = "";
  #sentAt = 0;
  #heardAt = 0;
  #finishAt = 0;
  #told: { ownPort: number; others: Peer[] } | null = null;

  constructor(options: PluginOptions) {
    this.#options = options;
    this.name = options.name;
    this.session = options.session;
    this.from = options.from ?? "0.0.0.0";
    this.outcome = new Promise((resolve) => {
      this.#end = resolve;
    });
    this.#frames = setInterval(() => this.#frame(performance.now()), frameMs);
  }

  async createSession(maxPlayers: number, password?: string): Promise<void> {
    this.isHost = true;
    await this.#begin(["h", this.session, this.name, maxPlayers, ...(password ? [password] : [])].join(":"));
  }

  async joinSession(password?: string): Promise<void> {
    await this.#begin(["c", this.session, this.name, ...(password ? [password] : [])].join(":"));
  }

  /** Repeats `s` instead of pings. */
  startSession(): void {
    this.#request = `s:${this.session}:${this.name}`;
    this.#say(this.#request);
  }

  /** Works for the host alone: guests just stop. */
  exitSession(): void {
    if (!this.isHost) {
      this.close();
      return;
    }
    this.#request = `x:${this.session}:${this.name}`;
    this.#say(this.#request);
  }

  /** Once, without a repeat. */
  kickPlayer(name: string): void {
    this.#say(`k:${this.session}:${name}`);
  }

  /** Sends anything. The plugin never does. */
  say(text: string | Uint8Array): void {
    this.#say(text);
  }

  /** Waits until it is so, looked at in each frame. */
  async until(what: string, isSo: () => boolean, ms = patienceMs): Promise<void> {
    const giveUpAt = performance.now() + ms;
    while (!isSo()) {
      if (performance.now() > giveUpAt)
        throw new Error(
          `${this.name} waited in vain: ${what}; ${JSON.stringify(this.heard.slice(-5))} ${this.state}`,
        );
      await new Promise((resolve) => setTimeout(resolve, frameMs));
    }
  }

  /** Until the server has told it exactly these names, in this order. */
  async hasNames(...names: string[]): Promise<void> {
    await this.until(`the names ${names}`, () => this.names.join() === names.join());
  }

  /** Stops, as a game that crashes does: it says nothing. */
  close(): void {
    clearInterval(this.#frames);
    this.#closeSocket();
    this.#peers?.close();
    this.state = "none";
  }

  /** Another port, as a router gives one after a while: the plugin does not notice. */
  async rebind(): Promise<void> {
    this.#closeSocket();
    await this.#open();
  }

  async #begin(request: string): Promise<void> {
    await this.#open();
    this.#request = request;
    this.#heardAt = performance.now();
    this.state = "requesting";
    this.#say(request);
  }

  async #open(): Promise<void> {
    const socket = createSocket("udp4");
    socket.on("message", (bytes) => this.#queue.push(bytes.toString()));
    socket.on("error", () => {});
    socket.bind({ port: 0, address: this.from });
    await once(socket, "listening");
    this.#socket = socket;
    this.port = socket.address().port;
  }

  #closeSocket(): void {
    this.#socket?.close();
    this.#socket = null;
    this.#queue.length = 0;
  }

  #say(text: string | Uint8Array): void {
    const { address, port } = this.#options.server;
    this.#sentAt = performance.now();
    this.said.push({ at: this.#sentAt, text: String(text) });
    this.#socket?.send(text, port, address);
  }

  #frame(now: number): void {
    const text = this.#queue.shift();
    if (text !== undefined) this.heard.push({ at: now, text });
    switch (this.state) {
      case "requesting":
        if (text?.startsWith("error")) this.#fail(text);
        else if (text?.startsWith("i")) this.#enter(text, now);
        else this.#repeat(now);
        break;
      case "in-session":
        if (text !== undefined) this.#heardAt = now;
        if (text === undefined) this.#repeat(now);
        else if (text.startsWith("error")) this.#hearError(text);
        else if (text.startsWith("i")) this.#hearNames(text);
        else if (text.startsWith("s")) this.#hearStart(text, now);
        break;
      case "finishing":
        if (now >= this.#finishAt) void this.#meet();
        break;
      default:
    }
  }

  #repeat(now: number): void {
    if (now - this.#heardAt > giveUpMs) this.#fail("server_timeout");
    else if (now - this.#sentAt >= requestMs) this.#say(this.#request);
  }

  #enter(text: string, now: number): void {
    this.state = "in-session";
    this.#heardAt = now;
    this.#sentAt = now;
    this.#request = `p:${this.session}:${this.name}`;
    this.#hearNames(text);
  }

  #hearNames(text: string): void {
    this.names = text.slice(text.indexOf(":") + 1).split(":");
    if (this.names[0] === this.name) this.isHost = true;
  }

  #hearError(text: string): void {
    const [, code] = text.split(":");
    if (code === "non_host_player" || code === "only_one_player_in_session")
      this.#request = `p:${this.session}:${this.name}`;
    else this.#fail(text);
  }

  #hearStart(text: string, now: number): void {
    const [, own = "", ...rest] = text.split(":");
    const others = rest
      .join(":")
      .split(";")
      .flatMap((entry): Peer[] => {
        const [name, ip, port, ...more] = entry.split(":");
        return name && ip && port && more.length === 0 ? [{ name, ip, port: Number(port) }] : [];
      });
    if (others.length === 0) return;
    this.#told = { ownPort: Number(own), others };
    this.#closeSocket();
    this.state = "finishing";
    this.#finishAt = now + finishMs;
  }

  async #meet(): Promise<void> {
    if (!this.#told) return;
    this.state = "peers";
    const { from, haste = 1 } = this.#options;
    const times: PeerTimes = { haste, frameMs };
    this.#peers = new RabidPeers({ ...this.#told, name: this.name, isHost: this.isHost, from, times });
    const outcome = await this.#peers.outcome;
    this.state = "done";
    clearInterval(this.#frames);
    this.#end(outcome);
  }

  #fail(text: string): void {
    const error = text.replace(/^error:/, "");
    this.close();
    this.#end({ error });
  }
}
