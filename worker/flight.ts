/**
 * One flight per pair: between two objects each direction has one call under way at most; what arrives
 * meanwhile goes in the next, together. Order is kept, idle traffic pays no delay, busy traffic batches itself.
 */
import { limits } from "../core/limits.ts";
import { logFault } from "./log.ts";
import { retry } from "./retry.ts";

/** Items that travel together. The id tells the receiver a repeated batch from a new one. */
export type Batch<Item> = { id: string; items: Item[] };

type Call<Item> = (peer: string, batch: Batch<Item>) => Promise<void>;

/** The flights of one object, by the name of the object they go to. */
export class Flights<Item> {
  readonly #call: Call<Item>;
  readonly #lost: (peer: string, items: Item[], error: unknown) => void;
  readonly #lines = new Map<string, Line<Item>>();

  /** `call` sends a batch to a peer and is repeated when it fails; `lost` hears of a batch that never arrived. */
  constructor(call: Call<Item>, lost: (peer: string, items: Item[], error: unknown) => void) {
    this.#call = call;
    this.#lost = lost;
  }

  /** Sends the item after all that went to this peer before. True once it is acknowledged, false if it is lost. */
  push(peer: string, item: Item): Promise<boolean> {
    const line = this.#lines.get(peer) ?? this.#newLine(peer);
    if (line.items.length >= limits.flightQueue) {
      // Later, not in the middle of what pushed it.
      queueMicrotask(() => this.#lose(peer, [item], new Error("too much is waiting for this object")));
      return Promise.resolve(false);
    }
    line.items.push(item);
    return line.next.promise;
  }

  /** Done once everything pushed so far is acknowledged or lost. */
  async settled(): Promise<void> {
    await Promise.all(Array.from(this.#lines.values(), (line) => line.next.promise));
  }

  /** A flight goes on, whatever the one that is told of a loss makes of it. */
  #lose(peer: string, items: Item[], error: unknown): void {
    try {
      this.#lost(peer, items, error);
    } catch (fault) {
      logFault("a loss was not dealt with", { peer }, fault);
    }
  }

  #newLine(peer: string): Line<Item> {
    const line: Line<Item> = { items: [], next: Promise.withResolvers() };
    this.#lines.set(peer, line);
    // What is pushed in the same turn goes with the first batch.
    queueMicrotask(() => this.#fly(peer, line));
    return line;
  }

  async #fly(peer: string, line: Line<Item>): Promise<void> {
    while (line.items.length > 0) {
      const { items, next } = line;
      line.items = [];
      line.next = Promise.withResolvers();
      next.resolve(await this.#arrive(peer, items));
    }
    line.next.resolve(true);
    this.#lines.delete(peer);
  }

  async #arrive(peer: string, items: Item[]): Promise<boolean> {
    const batch = { id: crypto.randomUUID(), items };
    try {
      await retry(() => this.#call(peer, batch), limits.retryDelaysMs, { evenOverloaded: true });
      return true;
    } catch (error) {
      this.#lose(peer, items, error);
      return false;
    }
  }
}

type Line<Item> = { items: Item[]; next: PromiseWithResolvers<boolean> };

/** What an object answered to the last batches it received, so that a repeated one is answered and not done again. */
export class Answers<Answer> {
  readonly #answers = new Map<string, Answer>();

  once(batch: { id: string }, answer: () => Answer): Answer {
    const known = this.#answers.get(batch.id);
    if (known !== undefined) return known;
    const fresh = answer();
    this.#answers.set(batch.id, fresh);
    if (this.#answers.size > limits.batchesRemembered) {
      const [oldest = ""] = this.#answers.keys();
      this.#answers.delete(oldest);
    }
    return fresh;
  }
}
