/**
 * One flight per pair: between two objects each direction has one call under way at most; what arrives
 * meanwhile goes in the next, together. Order is kept, idle traffic pays no delay, busy traffic batches itself.
 *
 * Calls are paced: after a burst there are only so many a second to each peer, and, of what goes from one to many, to all
 * peers together. Otherwise a stranger could spread a few sockets over many objects, and each line of chat would be a call to
 * every one of them. What waits for its turn goes in one call.
 */
import { type Bucket, drawAhead, fill, newBucket, type Rate } from "../../core/allowance.ts";
import { platformLimits } from "./limits.ts";
import { logFault } from "./log.ts";
import { retry } from "./retry.ts";

/** Items that travel together. The id tells the receiver a repeated batch from a new one. */
export type Batch<Item> = { id: string; items: Item[] };

/** What the one who sends does, and hears. */
export type Dispatch<Item, Reply> = {
  /** Sends a batch to a peer. It is repeated when it fails. */
  call(peer: string, batch: Batch<Item>): Promise<Reply>;
  /** A batch has arrived, and was answered with this. */
  arrived(reply: Reply, items: Item[]): void;
  /** A batch never arrived, as far as is known. */
  lost(peer: string, items: Item[], error: unknown): void;
};

/** What is sent: what a lobby tells its members elsewhere, or what a member's holder tells its lobby. */
export type Kind = "delivery" | "news";

/** Calls to each peer, by what goes with them. */
const paces: Readonly<Record<Kind, Rate>> = {
  delivery: { burst: platformLimits.callBurst, perSecond: platformLimits.callsPerSecond },
  news: { burst: platformLimits.newsBurst, perSecond: platformLimits.newsPerSecond },
};
/** Calls with deliveries, to all peers together. */
const paceOfAll: Rate = { burst: platformLimits.allCallBurst, perSecond: platformLimits.allCallsPerSecond };

/** The flights of one object, by the name of the object they go to. */
export class Flights<Item, Reply> {
  readonly #dispatch: Dispatch<Item, Reply>;
  readonly #lines = new Map<string, Line<Item>>();
  /** Calls that may still go to each peer at once, the one called last at the end. A peer not called lately has none. */
  readonly #left: Readonly<Record<Kind, Map<string, Bucket>>> = { delivery: new Map(), news: new Map() };
  readonly #leftToAll = newBucket(paceOfAll, Date.now());

  constructor(dispatch: Dispatch<Item, Reply>) {
    this.#dispatch = dispatch;
  }

  /** Sends the item after all that went to this peer before. True once it is acknowledged, false if it is lost. */
  push(peer: string, item: Item, kind: Kind): Promise<boolean> {
    const line = this.#lines.get(peer) ?? this.#newLine(peer);
    if (line.items.length >= platformLimits.flightQueue) {
      // Later, not in the middle of what pushed it.
      queueMicrotask(() => this.#lose(peer, [item], new Error("too much is waiting for this object")));
      return Promise.resolve(false);
    }
    line.items.push(item);
    if (kind === "delivery") line.kind = kind;
    return line.next.promise;
  }

  /** Whether the next item for this peer needs a call of its own: nothing waits that it can go with. */
  opensCall(peer: string): boolean {
    return (this.#lines.get(peer)?.items.length ?? 0) === 0;
  }

  /** Whether nothing is on its way to this peer, or waits to be. */
  isIdle(peer: string): boolean {
    return !this.#lines.has(peer);
  }

  /** Done when this batch has arrived there, and its answer here, or it is lost; null if it is not under way. */
  underWay(peer: string, id: string): Promise<unknown> | null {
    const flight = this.#lines.get(peer)?.flight;
    return flight?.id === id ? flight.done : null;
  }

  #newLine(peer: string): Line<Item> {
    const line: Line<Item> = { items: [], kind: "news", next: Promise.withResolvers(), flight: null };
    this.#lines.set(peer, line);
    // What is pushed in the same turn goes with the first batch.
    queueMicrotask(() => this.#fly(peer, line));
    return line;
  }

  async #fly(peer: string, line: Line<Item>): Promise<void> {
    while (line.items.length > 0) {
      const waitMs = this.#draw(peer, line.kind, Date.now());
      if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
      const { items, next } = line;
      line.items = [];
      line.kind = "news";
      line.next = Promise.withResolvers();
      const id = crypto.randomUUID();
      line.flight = { id, done: next.promise };
      next.resolve(await this.#arrive(peer, { id, items }));
      line.flight = null;
    }
    line.next.resolve(true);
    this.#lines.delete(peer);
  }

  /** Milliseconds until the next call to this peer. */
  #draw(peer: string, kind: Kind, now: number): number {
    const left = this.#left[kind];
    const pace = paces[kind];
    const bucket = left.get(peer) ?? newBucket(pace, now);
    left.delete(peer);
    left.set(peer, bucket);
    for (const [idle, one] of left) {
      fill(one, pace, now);
      // This one's turn is still to come.
      if (idle === peer || one.left < pace.burst) break;
      left.delete(idle);
    }
    const waitMs = drawAhead(bucket, pace, now);
    return kind === "news" ? waitMs : Math.max(waitMs, drawAhead(this.#leftToAll, paceOfAll, now));
  }

  async #arrive(peer: string, batch: Batch<Item>): Promise<boolean> {
    try {
      const call = () => this.#dispatch.call(peer, batch);
      const reply = await retry(call, platformLimits.retryDelaysMs, { evenOverloaded: true });
      this.#undisturbed(peer, () => this.#dispatch.arrived(reply, batch.items));
      return true;
    } catch (error) {
      this.#lose(peer, batch.items, error);
      return false;
    }
  }

  #lose(peer: string, items: Item[], error: unknown): void {
    this.#undisturbed(peer, () => this.#dispatch.lost(peer, items, error));
  }

  /** A flight goes on, whatever the one that hears of it makes of it. */
  #undisturbed(peer: string, tell: () => void): void {
    try {
      tell();
    } catch (fault) {
      logFault("flight_failed", { peer }, fault);
    }
  }
}

type Line<Item> = {
  items: Item[];
  /** A delivery, if one of them is. */
  kind: Kind;
  next: PromiseWithResolvers<boolean>;
  /** The batch under way. */
  flight: { id: string; done: Promise<boolean> } | null;
};

/** What an object answered to the last batch of each peer, so that a repeated one is answered and not done again. */
export class Answers<Answer> {
  readonly #last = new Map<string, { id: string; answer: Answer; at: number }>();
  #askedAt = 0;

  /** `now` is in milliseconds since 1970. */
  once(peer: string, { id }: { id: string }, now: number, answer: () => Answer): Answer {
    // After so long a pause, or a jump of the clock, everything is remembered for one more interval.
    const pauseMs = now - this.#askedAt;
    if (pauseMs < 0 || pauseMs > platformLimits.batchRememberedMs)
      for (const last of this.#last.values()) last.at = now;
    this.#askedAt = now;
    const last = this.#last.get(peer);
    if (last?.id === id) return last.answer;
    const fresh = answer();
    // The one that is silent for longest comes first.
    this.#last.delete(peer);
    this.#last.set(peer, { id, answer: fresh, at: now });
    for (const [silent, { at }] of this.#last) {
      if (at + platformLimits.batchRememberedMs > now) break;
      this.#last.delete(silent);
    }
    return fresh;
  }

  /** The last batch of this peer that is remembered, and its answer. */
  last(peer: string): { id: string; answer: Answer } | undefined {
    return this.#last.get(peer);
  }
}
