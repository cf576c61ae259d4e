/** The bench's client: as little as a client can be, so that the driver keeps up with the server. */
import { type RawData, WebSocket } from "ws";
import * as z from "zod";
import { patienceMs, within } from "./patience.ts";

type Message = { method: string; body: string };

const registered = z.object({ token: z.string() });

export class Player {
  /** What stands in every request that acts for this client. */
  token = "";
  readonly #socket: WebSocket;
  readonly #heard: Message[] = [];
  #waiting: { method: string; resolve: (body: string) => void; reject: (error: Error) => void } | null = null;
  /** Why nothing more will come. */
  #over: Error | null = null;
  /** The code the WebSocket was closed with, by whomever, once it is. */
  readonly closed: Promise<number>;
  /** Takes every message, instead of `hears`. */
  #listener: ((text: string) => void) | null = null;

  /** Connects, and waits for the first message, whose token it keeps if it has one. `localAddress` is the client's own end. */
  static async connect(base: URL, path: string, localAddress?: string): Promise<Player> {
    const player = new Player(base, path, localAddress);
    const body = decodeBody(await player.hears("client_registered"));
    player.token = registered.parse(JSON.parse(body)).token;
    return player;
  }

  private constructor(base: URL, path: string, localAddress: string | undefined) {
    this.#socket = new WebSocket(new URL(path, base.href.replace(/^http/, "ws")), {
      perMessageDeflate: false,
      skipUTF8Validation: true,
      ...(localAddress === undefined ? {} : { localAddress }),
    });
    this.#socket.on("message", (data: RawData) => this.#take(String(data)));
    this.closed = new Promise((resolve) => {
      this.#socket.on("error", (error) => this.#end(`a WebSocket on ${path} failed: ${error.message}`));
      this.#socket.on("close", (code) => {
        this.#end(`the server closed a client's WebSocket with ${code}`);
        resolve(code);
      });
    });
  }

  /** The payload, as base64, of the next message of this method. What came before it is forgotten. */
  hears(method: string): Promise<string> {
    const index = this.#heard.findIndex((message) => message.method === method);
    const [found] = this.#heard.splice(0, index < 0 ? this.#heard.length : index + 1).slice(-1);
    if (index >= 0 && found) return Promise.resolve(found.body);
    return new Promise((resolve, reject) => {
      const missing = (why: string) => new Error(`no ${method} came: ${why}.`);
      if (this.#over) {
        reject(missing(this.#over.message));
        return;
      }
      const timer = setTimeout(() => {
        this.#waiting = null;
        reject(missing(`${patienceMs / 1000} s have passed`));
      }, patienceMs);
      this.#waiting = {
        method,
        resolve: (body) => {
          clearTimeout(timer);
          resolve(body);
        },
        reject: (error) => {
          clearTimeout(timer);
          reject(missing(error.message));
        },
      };
    });
  }

  /** From now on, every message goes there as it is. */
  listens(listener: (text: string) => void): void {
    this.#listener = listener;
  }

  says(text: string): void {
    this.#socket.send(text);
  }

  /** Leaves the way a player does; resolves when the close is complete. */
  async leave(): Promise<void> {
    this.#socket.close(1000);
    await within(this.closed, `the server did not close a client's WebSocket within ${patienceMs / 1000} s.`);
  }

  #take(text: string): void {
    if (this.#listener) {
      this.#listener(text);
      return;
    }
    const colon = text.indexOf(":");
    const method = text.slice(0, colon);
    const body = text.slice(colon + 1);
    if (this.#waiting?.method === method) {
      const { resolve } = this.#waiting;
      this.#waiting = null;
      resolve(body);
    } else if (this.#waiting === null) {
      this.#heard.push({ method, body });
    }
  }

  #end(why: string): void {
    this.#over ??= new Error(why);
    this.#waiting?.reject(this.#over);
    this.#waiting = null;
  }
}

/** A message of the protocol, for WebSocket and UDP alike. */
export function encode(method: string, payload: object): string {
  return `${method}:${btoa(JSON.stringify(payload))}`;
}

/** The JSON of a payload. The bench's own names and texts are all ASCII. */
export function decodeBody(body: string): string {
  return atob(body);
}
