/** The ports of noray's relays: the one that was free for the longest time is taken first. */
export class Ports {
  /** Free ones. A set keeps the order in which they were added. */
  readonly #free: Set<number>;
  readonly #all: ReadonlySet<number>;

  /** The original takes the last of its range first, and so does this. */
  constructor(ports: readonly number[]) {
    this.#all = new Set(ports);
    this.#free = new Set([...ports].reverse());
  }

  get size(): number {
    return this.#all.size;
  }

  get free(): number {
    return this.#free.size;
  }

  /** Null if none is free. */
  take(): number | null {
    for (const port of this.#free) {
      this.#free.delete(port);
      return port;
    }
    return null;
  }

  giveBack(port: number): void {
    if (this.#all.has(port)) this.#free.add(port);
  }
}
