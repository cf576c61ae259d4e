/**
 * Links that have died while both players are in the lobby: a tab was suspended for a minute, and its WebSocket lived. The server is asked to
 * connect them again, later each time, until there is a link or nothing to wait for.
 */

/** Milliseconds until the first question, and until the second, which is answered by then. Each pause is twice as long as the one before. */
const firstMs = 500;
const secondMs = 5_000;
const longestMs = 30_000;

/** `missed`: it is to be asked for. `later`: not now. `over`: there is a link, or no such player any more. */
export type Miss = "missed" | "later" | "over";

export class MissedLinks {
  readonly #ask: (peers: string[]) => void;
  readonly #missOf: (clientId: string) => Miss;
  readonly #peers = new Set<string>();
  #timer: ReturnType<typeof setTimeout> | null = null;
  #pauseMs = secondMs;
  #isOver = false;

  constructor(ask: (peers: string[]) => void, missOf: (clientId: string) => Miss) {
    this.#ask = ask;
    this.#missOf = missOf;
  }

  /** The link to this peer has died. */
  add(clientId: string): void {
    this.#peers.add(clientId);
    this.#pauseMs = secondMs;
    this.#lookIn(firstMs);
  }

  /** The lobby is over: nobody is asked any more. */
  stop(): void {
    this.#isOver = true;
    if (this.#timer) clearTimeout(this.#timer);
  }

  #lookIn(ms: number): void {
    if (this.#timer) clearTimeout(this.#timer);
    if (this.#isOver) return;
    // Both ends miss the link. Rarely do they ask at the same time.
    this.#timer = setTimeout(() => this.#look(), ms * (0.5 + Math.random()));
  }

  #look(): void {
    this.#timer = null;
    const misses = [...this.#peers].map((peer) => [peer, this.#missOf(peer)] as const);
    for (const [peer, miss] of misses) if (miss === "over") this.#peers.delete(peer);
    if (this.#peers.size === 0) return;
    const missed = misses.filter(([, miss]) => miss === "missed").map(([peer]) => peer);
    if (missed.length > 0) this.#ask(missed);
    this.#lookIn(this.#pauseMs);
    this.#pauseMs = Math.min(2 * this.#pauseMs, longestMs);
  }
}
