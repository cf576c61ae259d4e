/**
 * Whether a client that pings is still there. Signs of life are times of the wall clock, which may jump, and nobody
 * listens while an object sleeps. So a client is not gone at the first look that finds it silent: it has one more interval,
 * and the look that ends it has to come in time. A look that comes late shows that the clock jumped, or that the machine
 * stood still: then the interval begins again.
 */
import { sharedLimits } from "./limits.ts";

export type Presence =
  | { kind: "here" }
  /** Silent, and found so first at `since`, in milliseconds since 1970. */
  | { kind: "doubted"; since: number }
  | { kind: "gone" };

/** Milliseconds of silence after which a client is doubted: more than its pings are apart. */
export function doubtAfterMs(): number {
  return 0.4 * sharedLimits.pinglessMs;
}

/** Milliseconds that a doubted client has to say something: as often wake browsers a page that nobody looks at, or more. */
export function doubtLastsMs(): number {
  return sharedLimits.pinglessMs - doubtAfterMs();
}

/** `signs`: when it said something, by each way that there is. `doubtedSince`: as the look before found it, or null. */
export function presenceOf(signs: readonly number[], doubtedSince: number | null, now: number): Presence {
  // What is of the future is of before the clock was set back.
  const latest = now + sharedLimits.clockSlackMs;
  const last = Math.max(0, ...signs.filter((at) => at <= latest));
  if (now - last <= doubtAfterMs()) return { kind: "here" };
  const isDoubted = doubtedSince !== null && doubtedSince >= last && doubtedSince <= latest;
  const endsAt = isDoubted ? doubtedSince + doubtLastsMs() : 0;
  if (!isDoubted || now > endsAt + sharedLimits.clockSlackMs) return { kind: "doubted", since: now };
  return now >= endsAt ? { kind: "gone" } : { kind: "doubted", since: doubtedSince };
}
