/** One link at a time may probe for ports: a home router takes the packets of one, not of seven. */
export class Turns<Asker> {
  #waiting: { asker: Asker; give: () => void }[] = [];
  #holder: Asker | null = null;

  /** Calls `give` when it is the asker's turn, never before this returns to the event loop. Who waits or has it already asks in vain. */
  ask(asker: Asker, give: () => void): void {
    if (this.#holder === asker || this.#waiting.some((other) => other.asker === asker)) return;
    this.#waiting.push({ asker, give });
    this.#next();
  }

  /** Gives up the turn, or the wait for it. */
  end(asker: Asker): void {
    this.#waiting = this.#waiting.filter((other) => other.asker !== asker);
    if (this.#holder !== asker) return;
    this.#holder = null;
    this.#next();
  }

  #next(): void {
    if (this.#holder !== null) return;
    const first = this.#waiting.shift();
    if (!first) return;
    this.#holder = first.asker;
    queueMicrotask(() => {
      if (this.#holder === first.asker) first.give();
    });
  }
}
