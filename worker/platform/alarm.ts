/** An object's one alarm: it comes by the earliest time that anything in the object has asked for. */
export class Alarm {
  readonly #storage: DurableObjectStorage;
  /** An alarm will come by then, or earlier. */
  #at = Number.POSITIVE_INFINITY;
  /** Whether that is what storage has. After a sleep an earlier alarm may be set. */
  #isKnown = false;
  #isStored = false;
  #deletions = 0;

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
  }

  /** Whether storage may have something of it: even an alarm that has come leaves a table behind. */
  get isStored(): boolean {
    return this.#isStored;
  }

  /** Whether an alarm was asked for since the object woke, and has not come. */
  get isAskedFor(): boolean {
    return this.#at !== Number.POSITIVE_INFINITY;
  }

  /** Whether an alarm may come. After a sleep nobody knows before storage is read. */
  get isPending(): boolean {
    return this.isAskedFor || (this.#isStored && !this.#isKnown);
  }

  /** Sees to it that the alarm comes in time. One that comes early costs less than setting it again. */
  wakeBy(at: number): void {
    if (at >= this.#at) return;
    this.#at = at;
    this.#isKnown = true;
    this.#isStored = true;
    this.#storage.setAlarm(at);
  }

  /** The object has slept, so alarms may have been set before. */
  mayBeStored(): void {
    this.#isStored = true;
  }

  /** Takes up, after a sleep, what was asked for before it. */
  wasToWakeBy(at: number): void {
    this.#at = Math.min(this.#at, at);
  }

  /**
   * Like `wakeBy`, for a time that was probably asked for before a sleep: to look costs a thousandth of setting it. If all is deleted
   * meanwhile, so is this.
   */
  async isSetBy(at: number): Promise<void> {
    if (at >= this.#at) return;
    if (!this.#isKnown) {
      const before = this.#deletions;
      const set = await this.#storage.getAlarm();
      if (this.#deletions !== before) return;
      // What was read is old if an alarm was set or came meanwhile.
      if (!this.#isKnown && set !== null) this.wasToWakeBy(set);
      this.#isKnown = true;
    }
    this.wakeBy(at);
  }

  /** It has come: whoever waits for more asks again. */
  rang(): void {
    this.#at = Number.POSITIVE_INFINITY;
    this.#isKnown = true;
    this.#isStored = true;
  }

  /** All of the object's storage was deleted, and the alarm with it. */
  deleted(): void {
    this.#at = Number.POSITIVE_INFINITY;
    this.#isKnown = true;
    this.#isStored = false;
    this.#deletions += 1;
  }
}
