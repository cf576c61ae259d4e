/** Which counters of the peer's packets have come: each counts once, and one that is too old not at all (RFC 6479). */

/** Counters below the highest that can still come. A game that sends 60 packets a second has 17 s of them. */
const size = 1_024;
const bitsPerWord = 32;
/** One word more than the window, so that a word can be cleared before it is used again. */
const words = size / bitsPerWord + 1;

export class CounterWindow {
  #highest = -1;
  readonly #bits = new Uint32Array(words);

  /** Whether it has not come, and is not too old to tell. */
  isNew(counter: number): boolean {
    if (counter > this.#highest) return true;
    if (counter <= this.#highest - size) return false;
    return ((this.#bits[wordOf(counter)] ?? 0) & bitOf(counter)) === 0;
  }

  /** It has come. To be called for genuine packets alone. */
  take(counter: number): void {
    if (counter > this.#highest) {
      const before = Math.floor(this.#highest / bitsPerWord);
      const now = Math.floor(counter / bitsPerWord);
      const cleared = Math.min(words, now - before);
      for (let i = 0; i < cleared; i++) this.#bits[(now - i) % words] = 0;
      this.#highest = counter;
    }
    const word = wordOf(counter);
    this.#bits[word] = (this.#bits[word] ?? 0) | bitOf(counter);
  }
}

function wordOf(counter: number): number {
  return Math.floor(counter / bitsPerWord) % words;
}

function bitOf(counter: number): number {
  return 1 << (counter % bitsPerWord);
}
