/**
 * Links take turns at probing for ports: a home router takes the packets of a few, not of seven. Most are done in a second or
 * two; one whose peer cannot be reached holds up the others for no longer than that, and gives up its turn when as many others
 * have had theirs as may at once: else four liars would keep all others from any.
 */

/** Milliseconds after which the next has its turn, whether or not the one before is done: two of three are by then. */
const holdMs = 1_500;
/** Links that have a turn at once. */
const mostHolders = 4;

type Waiting<Asker> = { asker: Asker; give: () => void; takeBack: () => void };

export class Turns<Asker> {
  #waiting: Waiting<Asker>[] = [];
  /** And how each is told that its turn is over, the oldest first. */
  readonly #holders = new Map<Asker, () => void>();
  /** Of the turn that was given last. */
  #last: Asker | null = null;
  #timer: ReturnType<typeof setTimeout> | null = null;

  /** Calls `give` when it is the asker's turn, and `takeBack` when it is over, never before this returns to the event loop. Who waits or has it already asks in vain. */
  ask(asker: Asker, give: () => void, takeBack: () => void): void {
    if (this.#holders.has(asker) || this.#waiting.some((other) => other.asker === asker)) return;
    this.#waiting.push({ asker, give, takeBack });
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
    const first = this.#waiting.shift();
    if (!first) return;
    const [oldest] = this.#holders;
    if (oldest && this.#holders.size >= mostHolders) {
      this.#holders.delete(oldest[0]);
      queueMicrotask(oldest[1]);
    }
    const { asker, give, takeBack } = first;
    this.#holders.set(asker, takeBack);
    this.#last = asker;
    this.#timer = setTimeout(() => this.#next(), holdMs);
    queueMicrotask(() => {
      if (this.#holders.has(asker)) give();
    });
  }
}
