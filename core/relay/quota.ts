/** How often something may be done in a span of time, for each key. All counts start again at 0 after the span. Bounded memory. */
export class Quota {
  readonly #most: number;
  readonly #spanMs: number;
  readonly #keys: number;
  readonly #counts = new Map<string, number>();
  #since = Number.NEGATIVE_INFINITY;

  /** `keys`: the most keys that are counted. Further ones are not counted, and not refused. */
  constructor({ most, spanMs, keys }: { most: number; spanMs: number; keys: number }) {
    this.#most = most;
    this.#spanMs = spanMs;
    this.#keys = keys;
  }

  isSpent(key: string, now: number): boolean {
    // If the clock was set back, start again too.
    if (now < this.#since || now - this.#since >= this.#spanMs) {
      this.#since = now;
      this.#counts.clear();
    }
    return (this.#counts.get(key) ?? 0) >= this.#most;
  }

  /** Counts one. False if the key has none left. */
  spend(key: string, now: number): boolean {
    if (this.isSpent(key, now)) return false;
    const count = this.#counts.get(key);
    if (count !== undefined || this.#counts.size < this.#keys) this.#counts.set(key, (count ?? 0) + 1);
    return true;
  }
}
