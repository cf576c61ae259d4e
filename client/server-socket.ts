/** The WebSocket, which to the server is the client: it ends with it. */
import { draw, fill, newBucket } from "../core/allowance.ts";
import { limits } from "../core/limits.ts";
import { encodeMessage } from "../core/wire/codec.ts";
import { type Heard, type HeardMessage, readHeardMessage } from "../core/wire/heard-message.ts";
import { pingText } from "../core/wire/ping.ts";
import { ownError } from "./error.ts";
import { abortable } from "./patience.ts";
import { Pulse } from "./pulse.ts";

/** Messages that wait for the lobby they belong to. A lobby's whole chat of a second fits. */
const mostWaiting = 1_000;
/** How many messages the server takes from one client, a little less than it does: some may catch up with others on the way. */
const frames = { burst: limits.frameBurst, perSecond: 0.9 * limits.framesPerSecond };
/** Messages kept for what the SDK itself has to say, whatever the game chats. */
const keptFrames = 20;
/** Milliseconds the server has to answer our farewell. */
const farewellMs = 2_000;

export class ServerSocket {
  readonly clientId: string;
  readonly #token: string;
  readonly #socket: WebSocket;
  readonly #closed: Promise<void>;
  readonly #pulse: Pulse;
  readonly #frames = newBucket(frames, performance.now());
  #waiting: HeardMessage[] = [];
  #heed: ((message: HeardMessage) => void) | null = null;

  /** Opens it, and waits for the token. Throws `unreachable` or what the signal was aborted with. */
  static async open(url: URL, signal: AbortSignal): Promise<ServerSocket> {
    const address = new URL(url);
    address.protocol = url.protocol.replace("http", "ws");
    const socket = new WebSocket(address);
    const registered = new Promise<ServerSocket>((resolve, reject) => {
      // Until there is a token, nothing is said; the first message has it.
      socket.onmessage = ({ data }) => {
        const message = typeof data === "string" ? readHeardMessage(data) : null;
        if (message?.method !== "client_registered") return reject(ownError("not_orion"));
        resolve(new ServerSocket(socket, message.payload));
      };
      socket.onerror = () => reject(ownError("unreachable"));
      socket.onclose = () => reject(ownError("unreachable"));
    });
    try {
      return await abortable(registered, signal);
    } catch (error) {
      socket.onmessage = null;
      socket.close();
      throw error;
    }
  }

  private constructor(socket: WebSocket, { token, clientId = "", pingMs }: Heard<"client_registered">) {
    this.#socket = socket;
    this.#token = token;
    this.clientId = clientId;
    let end = () => {};
    this.#closed = new Promise((resolve) => {
      end = resolve;
    });
    this.#pulse = new Pulse(pingMs, {
      ping: () => socket.send(pingText),
      stopped: () => {
        socket.onmessage = null;
        socket.close();
        // The close waits for an answer as well.
        end();
      },
    });
    socket.onclose = () => {
      this.#pulse.stop();
      end();
    };
    socket.onmessage = ({ data }) => {
      this.#pulse.beat();
      const message = typeof data === "string" ? readHeardMessage(data) : null;
      if (message) this.#take(message);
    };
    if (pingMs !== undefined) this.say("client_pings");
  }

  /** The client's secret. No property: what prints an object prints those. */
  token(): string {
    return this.#token;
  }

  /** Done when the connection has ended, however it did. */
  get closed(): Promise<void> {
    return this.#closed;
  }

  /**
   * Hears every message from the first on, and the end. Not at once, but when the caller's callers had their turn to
   * listen too: messages may come before the HTTP answer that they belong to.
   */
  heed(heed: (message: HeardMessage) => void, ended: () => void): void {
    setTimeout(() => {
      this.#heed = heed;
      for (const message of this.#waiting.splice(0)) heed(message);
      this.#closed.then(ended);
    });
  }

  /** Whether the game may send one more message: the server drops too many, and then closes the socket. */
  get hasRoom(): boolean {
    fill(this.#frames, frames, performance.now());
    return this.#frames.left > keptFrames;
  }

  /** Says something in this client's name. What is said after the end is lost, as on the way. */
  say(method: string, payload: object = {}): void {
    if (this.#socket.readyState !== WebSocket.OPEN) return;
    draw(this.#frames, frames, performance.now());
    this.#socket.send(encodeMessage(method, { token: this.#token, ...payload }));
  }

  /** Says farewell, and waits a moment for the answer. */
  async close(): Promise<void> {
    this.#pulse.stop();
    this.#socket.close(1000);
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, farewellMs);
    });
    await Promise.race([this.#closed, late]);
    clearTimeout(timer);
  }

  #take(message: HeardMessage): void {
    if (this.#heed) this.#heed(message);
    else if (this.#waiting.length < mostWaiting) this.#waiting.push(message);
    else this.#socket.close(1000);
  }
}
