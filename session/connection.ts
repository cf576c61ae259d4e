/** One WebSocket. To the server it is the client: both end together. */
import { framesLeft, newAllowance, frames as serverFrames, spend } from "../core/allowance.ts";
import type { Feature } from "../core/lobby/features.ts";
import { encodeMessage } from "../core/wire/codec.ts";
import { pingText } from "../core/wire/ping.ts";
import { type Heard, type HeardMessage, readServerMessage } from "../core/wire/server-message.ts";
import { sessionError } from "./error.ts";
import { KeepAlive } from "./keep-alive.ts";
import { abortable } from "./retry.ts";
import { plainTransport, type Transport } from "./transport.ts";

/** Messages kept until somebody listens. The chat that a lobby delivers in a second fits. */
const mostWaiting = 1_000;
/** A little less than the server takes of one client: messages may catch up with one another on the way. */
const frames = serverFrames.map(({ burst, perSecond }) => ({ burst, perSecond: 0.9 * perSecond }));
/** Messages that chat may not use up: reports of a mediation must get through. */
const keptFrames = 20;
/** Milliseconds to wait for the server's close frame. */
const closeMs = 2_000;
/** Close codes (RFC 6455, 7.4). Who closes with the first leaves its lobby; with the second it may come back. */
const [leaving, dropping] = [1000, 4000];

export class Connection {
  readonly clientId: string;
  /**
   * Done when the connection has ended, with the WebSocket's close code, or null if the server fell silent.
   */
  readonly closed: Promise<number | null>;
  /** Whether the server knows the additions to Orion. */
  readonly knowsAdditions: boolean;
  /** What the client can do: it has told the server so, if that knows the additions. */
  readonly features: readonly Feature[];
  /** How it reaches the server, over HTTP too. */
  readonly transport: Transport;
  readonly #token: string;
  /** For HTTP. A server that does not know the additions has none. */
  readonly #secretToken: string;
  readonly #socket: WebSocket;
  readonly #keepAlive: KeepAlive;
  readonly #frames = newAllowance(performance.now(), frames);
  #waiting: HeardMessage[] = [];
  #listener: ((message: HeardMessage) => void) | null = null;

  /** Connects, and waits for the token. `features`: what the client can do, besides to ping. Throws `unreachable`, `not_orion`, or the signal's reason. */
  static async open(
    url: URL,
    signal: AbortSignal,
    features: readonly Feature[] = [],
    transport = plainTransport,
  ): Promise<Connection> {
    const address = new URL(url);
    address.protocol = url.protocol.replace("http", "ws");
    const socket = transport.socket(address);
    const registered = new Promise<Connection>((resolve, reject) => {
      // The server's first message has the token. The client says nothing before.
      socket.onmessage = ({ data }) => {
        const message = read(data);
        if (message?.method !== "client_registered") return reject(sessionError("not_orion"));
        resolve(new Connection(socket, message.payload, features, transport));
      };
      socket.onerror = () => reject(sessionError("unreachable"));
      socket.onclose = () => reject(sessionError("unreachable"));
    });
    try {
      return await abortable(registered, signal);
    } catch (error) {
      socket.onmessage = null;
      socket.close();
      throw error;
    }
  }

  private constructor(
    socket: WebSocket,
    { token, clientId = "", pingMs, secretToken = token }: Heard<"client_registered">,
    features: readonly Feature[],
    transport: Transport,
  ) {
    this.#socket = socket;
    this.transport = transport;
    this.#token = token;
    this.#secretToken = secretToken;
    this.clientId = clientId;
    // A server that says how often knows them.
    this.knowsAdditions = pingMs !== undefined;
    this.features = ["pings", ...features];
    let end: (closeCode: number | null) => void = () => {};
    this.closed = new Promise((resolve) => {
      end = resolve;
    });
    this.#keepAlive = new KeepAlive({
      everyMs: this.knowsAdditions ? (transport.pingMs ?? pingMs) : undefined,
      ping: () => {
        if (socket.readyState === WebSocket.OPEN) socket.send(pingText);
      },
      lost: () => {
        socket.onmessage = null;
        socket.close(dropping);
        // The close event waits for a silent server too.
        end(null);
      },
    });
    socket.onclose = ({ code }) => {
      this.#keepAlive.stop();
      end(code);
    };
    socket.onmessage = ({ data }) => {
      this.#keepAlive.heard();
      const message = read(data);
      if (message) this.#take(message);
    };
    if (!this.knowsAdditions) return;
    this.say("client_pings");
    this.say("client_features", { features: this.features });
  }

  /** The client's secret. No property: printing an object prints its properties. */
  token(): string {
    return this.#token;
  }

  /** What it proves itself with over HTTP. Never to be sent over UDP. */
  secretToken(): string {
    return this.#secretToken;
  }

  /**
   * Passes on every message since the connection opened, then the end. It begins in the next turn of the
   * event loop: a message may come before the HTTP answer that it follows from, and the caller's callers may
   * want to listen as well.
   */
  listen(heard: (message: HeardMessage) => void, ended: (closeCode: number | null) => void): void {
    inNextTurn(() => {
      this.#listener = heard;
      for (const message of this.#waiting.splice(0)) heard(message);
      void this.closed.then(ended);
    });
  }

  /** Whether chat may be sent now. The server drops what is too much, and then closes the WebSocket. */
  get hasRoom(): boolean {
    return framesLeft(this.#frames, performance.now(), frames) > keptFrames;
  }

  /** Sends a message in this client's name. After the end it does nothing. */
  say(method: string, payload: object = {}): void {
    if (this.#socket.readyState !== WebSocket.OPEN) return;
    spend(this.#frames, performance.now(), frames);
    this.#socket.send(encodeMessage(method, { token: this.#token, ...payload }));
  }

  /** Gives the connection up, but not the place in the lobby. */
  drop(): void {
    this.#keepAlive.stop();
    this.#socket.close(dropping);
  }

  /** Closes, and waits a moment for the server's answer: the client has left. May be called again. */
  async close(): Promise<void> {
    this.#keepAlive.stop();
    this.#socket.close(leaving);
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, closeMs);
    });
    await Promise.race([this.closed, late]);
    clearTimeout(timer);
  }

  #take(message: HeardMessage): void {
    if (this.#listener) this.#listener(message);
    else if (this.#waiting.length < mostWaiting) this.#waiting.push(message);
    else this.drop();
  }
}

/** No timer: a page would first paint what it shows of the lobby, and a mediation that waits for this member with it. */
function inNextTurn(work: () => void): void {
  const { port1, port2 } = new MessageChannel();
  const heard = () => {
    port1.close();
    work();
  };
  port1.addEventListener("message", heard, { once: true });
  port1.start();
  port2.postMessage(null);
}

/** The message, or null: binary data, and texts that are unknown or broken, are ignored. */
function read(data: unknown): HeardMessage | null {
  return typeof data === "string" ? readServerMessage(data) : null;
}
