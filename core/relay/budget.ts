/** Token buckets, in bytes: what a link, a lobby and the whole relay may still send. Plain data, filled up by the time that passed. */
import { relayLimits } from "./limits.ts";

export type Bucket = {
  /** What it is filled up by, in bytes a second. */
  readonly rate: number;
  /** What it holds at most, in bytes. */
  readonly capacity: number;
  /** Bytes in it at the time `at`, in milliseconds. */
  left: number;
  at: number;
  /** When it was last full: tells how fast it is emptied. */
  fullAt: number;
};

/** A full one. */
export function newBucket(rate: number, now: number): Bucket {
  const capacity = (rate * relayLimits.relayBurstMs) / 1000;
  return { rate, capacity, left: capacity, at: now, fullAt: now };
}

/** Adds what has been earned since the last time. A clock that was set back earns nothing, and costs nothing. */
export function fillUp(bucket: Bucket, now: number): void {
  if (now !== bucket.at) {
    if (now > bucket.at) bucket.left += ((now - bucket.at) * bucket.rate) / 1000;
    bucket.at = now;
  }
  if (bucket.left >= bucket.capacity) {
    bucket.left = bucket.capacity;
    bucket.fullAt = now;
  }
}

/** Whether it is time to say that the bucket may soon be empty. */
export function isLow({ left, capacity }: Bucket): boolean {
  return left < capacity / 2;
}

export function isFull({ left, capacity }: Bucket): boolean {
  return left >= capacity;
}

/** Milliseconds until it is empty, but for a reserve, if it goes on as it has since it was last full. */
export function emptyInMs({ left, capacity, at, fullAt }: Bucket, reserve = 0): number {
  return Math.max(0, Math.floor(((left - reserve) * (at - fullAt)) / (capacity - left)));
}
