/**
 * Codes that no open lobby has. To ask about one may create an object, which costs time, and a file under `npm start`. So
 * each isolate asks about so many only, whoever guesses. Codes that it knows to be open are not counted.
 */
import { draw, newBucket, type Rate, secondsUntilOne } from "../../core/allowance.ts";
import { limits } from "../../core/limits.ts";
import { type Refusal, refuseFor } from "../../core/problem.ts";

const rate = (): Rate => {
  return { burst: limits.unknownCodeBurst, perSecond: limits.unknownCodesPerSecond };
};
const bucket = newBucket(rate(), 0);
/** Codes of lobbies that were open when they were last asked. The longest known comes first. */
const open = new Set<string>();

/** Counts a code that a lobby object is about to be asked for. A refusal, if this isolate asked for too many lately. */
export function countCode(code: string): Refusal | null {
  if (open.has(code) || draw(bucket, rate(), Date.now())) return null;
  return refuseFor(secondsUntilOne(bucket, rate()));
}

/** Takes note of whether the code turned out to be that of an open lobby. Then it does not count. */
export function noteCode(code: string, isOpen: boolean): void {
  const wasKnown = open.delete(code);
  if (!isOpen) return;
  if (!wasKnown) bucket.left = Math.min(rate().burst, bucket.left + 1);
  const [oldest] = open;
  if (open.size >= limits.codesRemembered && oldest !== undefined) open.delete(oldest);
  open.add(code);
}
