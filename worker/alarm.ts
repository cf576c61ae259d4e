/** A home's one alarm: it comes by the earliest time that anything in the home has asked for. */
export class Alarm {
  readonly #storage: DurableObjectStorage;
  /** An alarm will come by then, or earlier. */
  #at = Number.POSITIVE_INFINITY;
  /** Whether that is all there is: after a sleep there may be an earlier one. */
  #isKnown = false;

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
  }

  /** Sees to it that the alarm comes in time. One that comes early costs less than setting it again. */
  wakeBy(at: number): void {
    if (at >= this.#at) return;
    this.#at = at;
    this.#isKnown = true;
    this.#storage.setAlarm(at);
  }

  /** Takes up, after a sleep, what was asked for before it. */
  wasToWakeBy(at: number): void {
    this.#at = Math.min(this.#at, at);
  }

  /** The same of what may well have been asked for before a sleep: to look costs a thousandth of setting it. */
  async isSetBy(at: number): Promise<void> {
    if (at >= this.#at) return;
    if (!this.#isKnown) {
      const set = await this.#storage.getAlarm();
      if (set !== null) this.wasToWakeBy(set);
      this.#isKnown = true;
    }
    this.wakeBy(at);
  }

  /** It has come: whoever waits for more asks again. */
  rang(): void {
    this.#at = Number.POSITIVE_INFINITY;
    this.#isKnown = true;
  }
}
