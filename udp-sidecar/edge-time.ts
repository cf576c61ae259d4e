/**
 * The edge's time, in milliseconds since 1970. The sidecar signs posts with it, and compares tickets and cookies with it. The edge
 * tells it with every heartbeat that it takes, and the sidecar carries it on by the time that passes. Before the first one it is the
 * machine's clock. If the edge refuses the time that was carried on, its own clock has jumped, and the machine's counts until it tells
 * its time again.
 *
 * An edge of a version before tells nothing. Then it is the machine's clock, until that is set back or the edge refuses its time. Then
 * the clock has jumped, and the sidecar carries on the time that the edge took last.
 */
export class EdgeTime {
  readonly #clock: () => number;
  readonly #elapsed: () => number;
  #source: "clock" | "carried" = "clock";
  /** What the edge told or took last, and when that was, as time elapses. */
  #taken: { at: number; elapsed: number } | null = null;
  #signed = 0;

  /** `elapsed` never jumps. */
  constructor(clock: () => number, elapsed: () => number) {
    this.#clock = clock;
    this.#elapsed = elapsed;
  }

  now(): number {
    const clock = this.#clock();
    if (!this.#taken) return clock;
    if (clock < this.#taken.at - closeMs) this.#source = "carried";
    if (this.#source === "clock") return clock;
    return this.#taken.at + Math.floor(this.#elapsed() - this.#taken.elapsed);
  }

  /** The time for the next heartbeat: later than the one before, because an edge does not take an old one again. */
  next(): number {
    this.#signed = Math.max(this.now(), this.#signed + 1);
    return this.#signed;
  }

  /** The edge has taken a heartbeat of this time, and told its own. */
  take(at: number, told?: number | undefined): void {
    this.#taken = { at: told ?? at, elapsed: this.#elapsed() };
    if (told !== undefined) {
      this.#source = "carried";
      return;
    }
    if (Math.abs(this.#clock() - at) < closeMs) this.#source = "clock";
  }

  /** The edge takes no heartbeat of this time, now or later. */
  refuse(): void {
    if (this.#source === "carried") this.#taken = null;
    this.#source = this.#taken ? "carried" : "clock";
    // What was signed with a clock that was ahead is no measure.
    this.#signed = this.#taken?.at ?? 0;
  }
}

/** Milliseconds between two times that count as one: the clock is right again. */
const closeMs = 1_000;
