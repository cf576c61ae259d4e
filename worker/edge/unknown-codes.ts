/**
 * Codes that no lobby has. To ask about one may create an object, which costs time, and a file under `npm start`. So each
 * isolate asks about so many only, whoever guesses. Codes that it has met as those of lobbies do not count.
 */
import { draw, newBucket, type Rate, secondsUntilOne } from "../../core/allowance.ts";
import { limits } from "../../core/limits.ts";
import { type Refusal, refuseFor } from "../../core/problem.ts";

const rate = (): Rate => {
  return { burst: limits.unknownCodeBurst, perSecond: limits.unknownCodesPerSecond };
};
const bucket = newBucket(rate(), 0);
/** Codes of lobbies that were open some time: their objects were made by hosts. The longest known comes first. */
const known = new Set<string>();

/** Counts a code that a lobby object is about to be asked for. A refusal, if this isolate asked for too many lately. */
export function countCode(code: string): Refusal | null {
  if (known.has(code) || draw(bucket, rate(), Date.now())) return null;
  return refuseFor(secondsUntilOne(bucket, rate()));
}

/** The code turned out to be that of an open lobby: it does not count, now and later. */
export function knowCode(code: string): void {
  if (!known.delete(code)) bucket.left = Math.min(rate().burst, bucket.left + 1);
  const [oldest] = known;
  if (known.size >= limits.codesRemembered && oldest !== undefined) known.delete(oldest);
  known.add(code);
}
