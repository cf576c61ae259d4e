/** Token buckets: how much somebody may still do. Plain data, filled up by the time that passed. */
import { sharedLimits } from "./limits.ts";

/** `at` is in milliseconds since 1970. */
export type Bucket = { left: number; at: number };
/** What a bucket holds, and what it earns. */
export type Rate = { burst: number; perSecond: number };

/** A full one. */
export function newBucket({ burst }: Rate, now: number): Bucket {
  return { left: burst, at: now };
}

/** Fills the bucket up to what it has by now. */
export function fill(bucket: Bucket, { burst, perSecond }: Rate, now: number): void {
  const earned = ((now - bucket.at) / 1000) * perSecond;
  bucket.left = Math.min(burst, bucket.left + Math.max(0, earned));
  bucket.at = now;
}

/** Takes so much out of the bucket, if there is so much in it. */
export function draw(bucket: Bucket, rate: Rate, now: number, amount = 1): boolean {
  fill(bucket, rate, now);
  if (bucket.left < amount) return false;
  bucket.left -= amount;
  return true;
}

/** Whole seconds until there is one in the bucket; 0 if there is. */
export function secondsUntilOne({ left }: Bucket, { perSecond }: Rate): number {
  return left >= 1 ? 0 : Math.ceil((1 - left) / perSecond);
}

/** Takes one out of the bucket, be it one that it has yet to earn. Returns the milliseconds until it has. */
export function drawAhead(bucket: Bucket, rate: Rate, now: number): number {
  fill(bucket, rate, now);
  bucket.left -= 1;
  return bucket.left >= 0 ? 0 : Math.ceil((-bucket.left / rate.perSecond) * 1000);
}

/** How many messages one socket may still send, by each of its rates. */
export type Allowance = { buckets: Bucket[]; dropped: number };

/** In a moment, and for hours. */
export const frames: readonly Rate[] = [
  { burst: sharedLimits.frameBurst, perSecond: sharedLimits.framesPerSecond },
  { burst: sharedLimits.steadyFrameBurst, perSecond: sharedLimits.steadyFramesPerSecond },
];
/** Of a client in a lobby's object that is in no lobby. */
export const strangerFrames: readonly Rate[] = [
  { burst: sharedLimits.strangerFrames, perSecond: sharedLimits.strangerFramesPerSecond },
];

export function newAllowance(now: number, rates = frames): Allowance {
  return { buckets: rates.map((rate) => newBucket(rate, now)), dropped: 0 };
}

/** Fills it. Messages that may be sent now. */
export function framesLeft({ buckets }: Allowance, now: number, rates = frames): number {
  const left = rates.map((rate, i) => {
    const bucket = buckets[i];
    if (bucket) fill(bucket, rate, now);
    return bucket?.left ?? 0;
  });
  return Math.min(...left);
}

/** What to do with one more message: take it, drop it, or close the socket that goes on although its messages are dropped. */
export function spend(allowance: Allowance, now: number, rates = frames): "take" | "drop" | "close" {
  const left = framesLeft(allowance, now, rates);
  // The flood is over when a whole burst would be taken again.
  if (left >= (rates[0]?.burst ?? 0)) allowance.dropped = 0;
  if (left >= 1) {
    for (const bucket of allowance.buckets) bucket.left -= 1;
    return "take";
  }
  allowance.dropped += 1;
  return allowance.dropped > sharedLimits.framesDropped ? "close" : "drop";
}
