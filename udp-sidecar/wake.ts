/**
 * One timer, for a machine whose deadlines are data: `wakeAt` says when, in the time of
 * `performance.now()`.
 */
export class Wake {
  readonly #wake: () => void;
  #at = Number.POSITIVE_INFINITY;
  #timer: NodeJS.Timeout | null = null;

  constructor(wake: () => void) {
    this.#wake = wake;
  }

  /** Wakes then, instead of when it was told before; never, for infinity. */
  at(at: number): void {
    if (at === this.#at) return;
    if (this.#timer) clearTimeout(this.#timer);
    this.#at = at;
    this.#timer = null;
    if (at === Number.POSITIVE_INFINITY) return;
    // Timers may be early by a part of a millisecond.
    this.#timer = setTimeout(() => this.#ring(), Math.max(0, Math.ceil(at - performance.now())));
  }

  #ring(): void {
    this.#at = Number.POSITIVE_INFINITY;
    this.#timer = null;
    this.#wake();
  }
}
