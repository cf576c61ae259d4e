/**
 * Links take turns at probing for ports: a home router takes the packets of a few, not of seven. Most are done in a second or
 * two; one whose peer cannot be reached holds up the others for no longer than that.
 */

/** Milliseconds after which the next has its turn, whether or not the one before is done: two of three are by then. */
const holdMs = 1_500;
/** Links that have a turn at once. */
const mostHolders = 4;

type Waiting<Asker> = { asker: Asker; give: () => void };

export class Turns<Asker> {
  #waiting: Waiting<Asker>[] = [];
  readonly #holders = new Set<Asker>();
  /** Of the turn that was given last. */
  #last: Asker | null = null;
  #timer: ReturnType<typeof setTimeout> | null = null;

  /** Calls `give` when it is the asker's turn, never before this returns to the event loop. Who waits or has it already asks in vain. */
  ask(asker: Asker, give: () => void): void {
    if (this.#holders.has(asker) || this.#waiting.some((other) => other.asker === asker)) return;
    this.#waiting.push({ asker, give });
    if (this.#last === null) this.#next();
  }

  /** Gives up the turn, or the wait for it. */
  end(asker: Asker): void {
    this.#waiting = this.#waiting.filter((other) => other.asker !== asker);
    const hadTurn = this.#holders.delete(asker);
    if (this.#last === asker || (hadTurn && this.#last === null)) this.#next();
  }

  #next(): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
    this.#last = null;
    if (this.#holders.size >= mostHolders) return;
    const first = this.#waiting.shift();
    if (!first) return;
    const { asker, give } = first;
    this.#holders.add(asker);
    this.#last = asker;
    this.#timer = setTimeout(() => this.#next(), holdMs);
    queueMicrotask(() => {
      if (this.#holders.has(asker)) give();
    });
  }
}
