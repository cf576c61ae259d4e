/** Sockets that the server has closed and that do not go: their clients read nothing, not even the close. */
import { holderLimits } from "./limits.ts";

type Closed = { since: number; bytes: () => number };

export class Stuck {
  readonly #closed = new Map<WebSocket, Closed>();
  readonly #most: () => number;

  /** `most`: the bytes that may wait for those who have had their time to go. */
  constructor(most: () => number) {
    this.#most = most;
  }

  /** `bytes`: what waits for the socket, whenever it is asked. */
  add(socket: WebSocket, bytes: () => number): void {
    this.#closed.set(socket, { since: Date.now(), bytes });
  }

  gone(socket: WebSocket): void {
    this.#closed.delete(socket);
  }

  /** Whether more waits for them than should: twice as much counts even if they had no time to go yet. */
  get isTooMuch(): boolean {
    const before = Date.now() - holderLimits.closingMs;
    let [all, late] = [0, 0];
    for (const { since, bytes } of this.#closed.values()) {
      const waiting = bytes();
      all += waiting;
      if (since <= before) late += waiting;
    }
    return late > this.#most() || all > 2 * this.#most();
  }
}
