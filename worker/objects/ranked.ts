/** Entries of the list in their order: by round, and the newest of each first. Both stay as they are for as long as an entry does. */
export type Placed = { readonly round?: number; readonly order: number };

export class Ranked<Entry extends Placed> {
  /** The last first: most that are added are the newest, and nothing moves for those. */
  readonly #entries: Entry[] = [];

  /** Those of them that pass, in order. */
  *those(passes: (entry: Entry) => boolean): Iterable<Entry> {
    for (let i = this.#entries.length - 1; i >= 0; i--) {
      const entry = this.#entries[i];
      if (entry && passes(entry)) yield entry;
    }
  }

  get size(): number {
    return this.#entries.length;
  }

  get last(): Entry | undefined {
    return this.#entries[0];
  }

  add(entry: Entry): void {
    this.#entries.splice(this.#placeOf(entry), 0, entry);
  }

  /** Puts an entry in the place of one of the same round and order. */
  replace(entry: Entry): void {
    this.#entries[this.#placeOf(entry)] = entry;
  }

  remove(entry: Entry): void {
    this.#entries.splice(this.#placeOf(entry), 1);
  }

  /** Where an entry of this round and order is, or would be. */
  #placeOf({ round = 0, order }: Placed): number {
    let [low, high] = [0, this.#entries.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      const other = this.#entries[middle];
      const isBefore =
        other && ((other.round ?? 0) > round || ((other.round ?? 0) === round && other.order < order));
      if (isBefore) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
