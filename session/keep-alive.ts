/** Whether the server still answers. TCP does not tell when a connection is cut somewhere on the way. */
import { sharedLimits } from "../core/limits.ts";

/** Milliseconds by which a timer is late only if the program slept or was busy. */
const lateMs = 1_000;

export type KeepAliveOptions = {
  /** Milliseconds between two pings, as the server said. Without it there are no pings. */
  everyMs: number | undefined;
  ping(): void;
  /** A ping was not answered in time. Said once, and nothing is pinged after it. */
  lost(): void;
};

/** Pings at intervals until it is stopped, or the server does not answer. */
export class KeepAlive {
  readonly #options: KeepAliveOptions;
  readonly #timer: ReturnType<typeof setInterval> | undefined;
  #late: ReturnType<typeof setTimeout> | undefined;

  constructor(options: KeepAliveOptions) {
    this.#options = options;
    if (options.everyMs !== undefined) this.#timer = setInterval(() => this.#ping(), options.everyMs);
  }

  /** Something came from the server. It counts as an answer: the answer itself may wait behind much else. */
  heard(): void {
    clearTimeout(this.#late);
    this.#late = undefined;
  }

  stop(): void {
    clearInterval(this.#timer);
    this.heard();
  }

  #ping(): void {
    this.#options.ping();
    // A newer ping gives an older one no more time.
    if (this.#late !== undefined) return;
    const due = performance.now() + sharedLimits.pongMs;
    this.#late = setTimeout(() => {
      this.heard();
      // The program slept or was busy: an answer may have come that it has not read yet.
      if (performance.now() > due + lateMs) return this.#ping();
      this.stop();
      this.#options.lost();
    }, sharedLimits.pongMs);
  }
}
