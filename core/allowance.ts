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

/** How many messages one socket may still send. */
export type Allowance = Bucket & { dropped: number };

export const frames: Rate = { burst: sharedLimits.frameBurst, perSecond: sharedLimits.framesPerSecond };
/** Of a client in a lobby's object that is in no lobby. */
export const strangerFrames: Rate = {
  burst: sharedLimits.strangerFrames,
  perSecond: sharedLimits.strangerFramesPerSecond,
};

export function newAllowance(now: number, rate = frames): Allowance {
  return { ...newBucket(rate, now), dropped: 0 };
}

/** What to do with one more message: take it, drop it, or close the socket that has been flooding for seconds. */
export function spend(allowance: Allowance, now: number, rate = frames): "take" | "drop" | "close" {
  fill(allowance, rate, now);
  if (allowance.left >= rate.burst) allowance.dropped = 0;
  if (draw(allowance, rate, now)) return "take";
  allowance.dropped += 1;
  return allowance.dropped > sharedLimits.framesDropped ? "close" : "drop";
}
