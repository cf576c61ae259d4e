/** All that happened in one run, in order, and waiting for what is to happen. */
import type { Message } from "../core/wire/codec.ts";
import type { SignedKind } from "../core/wire/peer-packet.ts";

/** How a packet of a link came to the kit's peer. */
export type Via = "direct" | "relay";

export type Happening =
  /** The client under test opened a WebSocket on this path. */
  | { kind: "opened"; socket: number; path: string }
  | { kind: "closed"; socket: number; code: number }
  /** It said this on a WebSocket. `message` is null if the text is none. */
  | { kind: "said"; socket: number; text: string; message: Message | null }
  /** It was told this. */
  | { kind: "told"; socket: number; message: Message }
  | { kind: "asked"; nr: number; method: string; path: string; token: string; body: Asked }
  | { kind: "answered"; nr: number; path: string; status: number; body: Asked }
  /** It sent this to one of the sidecar's ports: `port` counts them from 0. */
  | { kind: "datagram"; from: number; port: number; bytes: Buffer }
  /** A peer of the kit heard this from it, in the clear, as Orion's plain clients talk. */
  | { kind: "greeted"; from: number; text: string }
  /** A peer of the kit had a packet of their link. `number`: -1 where there is none. */
  | { kind: SignedKind | "data" | "reliable"; via: Via; from: number; number: number; payload: Buffer }
  /** The client under test has ended by itself. */
  | { kind: "ended" }
  /** A peer of the kit has heard a message of the reliable stream. */
  | { kind: "message"; bytes: Buffer };
/** A JSON body, or null for anything else. */
export type Asked = Readonly<Record<string, unknown>> | null;
export type Entry = Happening & { readonly at: number };

export class Transcript {
  readonly entries: Entry[] = [];
  readonly #listeners = new Set<(entry: Entry) => void>();

  add(happening: Happening): void {
    const entry = { ...happening, at: performance.now() };
    this.entries.push(entry);
    for (const listener of [...this.#listeners]) listener(entry);
  }

  /** Calls the listener for every entry from now on. */
  listen(listener: (entry: Entry) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** How many entries there are: what comes later is after this. */
  get now(): number {
    return this.entries.length;
  }

  /** What the first entry from there on gives that gives something; null if none does in time. */
  async until<T>(find: (entry: Entry) => T | undefined, after: number, forMs: number): Promise<T | null> {
    for (const entry of this.entries.slice(after)) {
      const found = find(entry);
      if (found !== undefined) return found;
    }
    return await new Promise((resolve) => {
      const finish = (value: T | null) => {
        clearTimeout(timer);
        forget();
        resolve(value);
      };
      const timer = setTimeout(() => finish(null), forMs);
      const forget = this.listen((entry) => {
        const found = find(entry);
        if (found !== undefined) finish(found);
      });
    });
  }
}
