/** How a sidecar stands with the edge: told when it changes, but not at the pace at which a bad network can change it. */
import { draw, newBucket, type Rate } from "../core/allowance.ts";
import { sidecarLimits } from "./limits.ts";
import type { Line } from "./log.ts";

const rate: Rate = {
  burst: sidecarLimits.standingLineBurst,
  perSecond: sidecarLimits.standingLinesPerSecond,
};

export class Standing {
  #told = "";
  readonly #lines;

  /** Times are in milliseconds, and never set back. */
  constructor(now: number) {
    this.#lines = newBucket(rate, now);
  }

  /** The line if it is news. What is held back, for there have been too many, is news when it comes again. */
  news(line: Line, now: number): Line | null {
    const text = JSON.stringify(line);
    if (text === this.#told || !draw(this.#lines, rate, now)) return null;
    this.#told = text;
    return line;
  }
}
