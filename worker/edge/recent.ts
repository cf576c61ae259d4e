/** Counts how often each of many strangers does something in a minute. Memory of one isolate. It forgets those who did it longest ago. */
import { edgeLimits } from "./limits.ts";
import { remember } from "./remembered.ts";

/** `since`: when its minute began, in milliseconds since 1970. */
type Count = { since: number; times: number };

export class Recent {
  readonly #counts = new Map<string, Count>();

  /** Counts once more. Returns how often that was in this minute, which begins with the first time. `most`: entries to remember. */
  count(who: string, most: number): number {
    const now = Date.now();
    const known = this.#counts.get(who);
    const isRecent = known !== undefined && Math.abs(now - known.since) < edgeLimits.addressPeriodS * 1000;
    const count = isRecent ? known : { since: now, times: 0 };
    count.times += 1;
    remember(this.#counts, who, count, most);
    return count.times;
  }
}
