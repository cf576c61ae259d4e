/** The queue of all who want to connect to the edge, for all gateways of a sidecar (core/dialects/connect-pace.ts). */
import { type ConnectOutcome, ConnectPace, type Turn } from "../../core/dialects/connect-pace.ts";

type Waiting = { go: (turn: Turn) => void };

/**
 * Who goes first, in this order. `hurried`: sessions that come back, and look-ups, which give up soon. `unproven`: for new players who may be made
 * up. These are so few a second that those after them get on. `patient`: they wait for as long as it takes.
 */
export const ranks = ["hurried", "unproven", "patient"] as const;
export type Rank = (typeof ranks)[number];

export class Turns {
  readonly #pace = new ConnectPace();
  readonly #elapsed: () => number;
  readonly #queues: Readonly<Record<Rank, Set<Waiting>>> = {
    hurried: new Set(),
    unproven: new Set(),
    patient: new Set(),
  };
  #timer: NodeJS.Timeout | null = null;

  /** `elapsed`: milliseconds since any moment, never set back. */
  constructor(elapsed: () => number) {
    this.#elapsed = elapsed;
  }

  /** Whether the edge does not serve the gateways now, and they wait. */
  get isHeld(): boolean {
    return !this.#pace.isOpen;
  }

  /** Those who wait for their turn. */
  get waiting(): number {
    return ranks.reduce((sum, rank) => sum + this.#queues[rank].size, 0);
  }

  /** Done when it is the caller's turn, who must say how it ended. Rejects with the signal's reason. */
  take(signal: AbortSignal, rank: Rank): Promise<Turn> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason);
      const queue = this.#queues[rank];
      const giveUp = () => {
        queue.delete(waiting);
        reject(signal.reason);
        this.#wake();
      };
      const waiting: Waiting = {
        go: (turn) => {
          signal.removeEventListener("abort", giveUp);
          resolve(turn);
        },
      };
      signal.addEventListener("abort", giveUp, { once: true });
      queue.add(waiting);
      this.#wake();
    });
  }

  /** Whether trouble of this turn is news. Otherwise nobody needs to find out more about it. */
  isNews(turn: Turn): boolean {
    return this.#pace.isNews(turn);
  }

  /** A turn has ended. `askedMs`: how long the edge asks all to wait. */
  ended(turn: Turn, outcome: ConnectOutcome, askedMs?: number): void {
    this.#pace.ended(turn, outcome, this.#elapsed(), Math.random(), askedMs);
    this.#wake();
  }

  /** Lets go who may, and sets the timer for the next. */
  #wake(): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
    for (;;) {
      const now = this.#elapsed();
      const waiting = ranks.filter((rank) => this.#queues[rank].size > 0);
      const rank = waiting.find((one) => this.#nextAt(one) <= now);
      const [first] = rank ? this.#queues[rank] : [];
      if (!rank || !first) {
        const nextAt = Math.min(...waiting.map((one) => this.#nextAt(one)));
        if (nextAt < Number.POSITIVE_INFINITY)
          this.#timer = setTimeout(() => this.#wake(), Math.ceil(nextAt - now));
        return;
      }
      this.#queues[rank].delete(first);
      first.go(this.#pace.begin(now, rank !== "unproven"));
    }
  }

  #nextAt(rank: Rank): number {
    return rank === "unproven" ? this.#pace.nextUnprovenAt : this.#pace.nextAt;
  }
}
