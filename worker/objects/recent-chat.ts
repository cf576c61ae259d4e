/**
 * What was said in a lobby lately, for members that were away. Memory alone: a chat line writes nothing. An object that slept, or was
 * reset, has forgotten what was said before, and says so.
 */
import type { MissedLine, ResumeAnswer } from "../../core/wire/http.ts";
import { wireLimits } from "../../core/wire/limits.ts";

export class RecentChat {
  readonly #lines: MissedLine[] = [];
  /** From this time on, in milliseconds since 1970, it has all lines. */
  #since: number;

  constructor(now: number) {
    this.#since = now;
  }

  add(line: MissedLine): void {
    this.#lines.push(line);
    if (this.#lines.length <= wireLimits.missedChat) return;
    const forgotten = this.#lines.shift();
    if (forgotten) this.#since = forgotten.at + 1;
  }

  /** What was said after that time. */
  after(at: number): ResumeAnswer["missed"] {
    return { lines: this.#lines.filter((line) => line.at > at), isComplete: at + 1 >= this.#since };
  }
}
