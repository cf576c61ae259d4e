/** Whether the server still answers: a connection that is cut somewhere on the way says nothing of it. */
import { limits } from "../core/limits.ts";

/** Milliseconds that a timer comes late only where nothing else was done meanwhile. */
const lateMs = 1_000;

export type Heart = {
  ping(): void;
  /** No answer came in time. */
  stopped(): void;
};

/** Pings now and again, until it is stopped or not answered. A server that does not say how often gets no pings. */
export class Pulse {
  readonly #heart: Heart;
  readonly #timer: ReturnType<typeof setInterval> | undefined;
  #late: ReturnType<typeof setTimeout> | undefined;

  constructor(everyMs: number | undefined, heart: Heart) {
    this.#heart = heart;
    if (everyMs !== undefined) this.#timer = setInterval(() => this.#ping(), everyMs);
  }

  /** An answer has come, or anything else: what is on its way already may be long. */
  beat(): void {
    clearTimeout(this.#late);
    this.#late = undefined;
  }

  stop(): void {
    clearInterval(this.#timer);
    this.beat();
  }

  #ping(): void {
    this.#heart.ping();
    // One that is out already is not given more time.
    if (this.#late !== undefined) return;
    const due = performance.now() + limits.pongMs;
    this.#late = setTimeout(() => {
      this.beat();
      // Who has slept meanwhile, or been busy, may have an answer that it has not heard yet.
      if (performance.now() > due + lateMs) return this.#ping();
      this.stop();
      this.#heart.stopped();
    }, limits.pongMs);
  }
}
