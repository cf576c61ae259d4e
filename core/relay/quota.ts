/** How often something may be done in a span of time, for each of many: counted anew when the span is over, in bounded memory. */
export class Quota {
  readonly #most: number;
  readonly #spanMs: number;
  readonly #keys: number;
  readonly #counts = new Map<string, number>();
  #since = Number.NEGATIVE_INFINITY;

  /** `keys`: of how many it is counted. Whoever comes when there are as many is not counted. */
  constructor({ most, spanMs, keys }: { most: number; spanMs: number; keys: number }) {
    this.#most = most;
    this.#spanMs = spanMs;
    this.#keys = keys;
  }

  isSpent(key: string, now: number): boolean {
    // A clock that was set back begins anew, too.
    if (now < this.#since || now - this.#since >= this.#spanMs) {
      this.#since = now;
      this.#counts.clear();
    }
    return (this.#counts.get(key) ?? 0) >= this.#most;
  }

  /** Does it once. False if it is spent. */
  spend(key: string, now: number): boolean {
    if (this.isSpent(key, now)) return false;
    const count = this.#counts.get(key);
    if (count !== undefined || this.#counts.size < this.#keys) this.#counts.set(key, (count ?? 0) + 1);
    return true;
  }
}
