/**
 * The budget for posts of clients of which nobody knows whether they are wanted, counted in calls of an object. Whoever
 * collects tokens, from however many addresses they are sent, the edge is not asked about them more often than this.
 */
import { type Bucket, fill, type Rate } from "../allowance.ts";
import { observingLimits } from "./limits.ts";

const { spareCallBurst, spareCallsPerSecond, callsPerRequest, objectsPerPost, spareForFresh } =
  observingLimits;

export const spareRate: Rate = { burst: spareCallBurst, perSecond: spareCallsPerSecond };

/** Calls that a post with so many of these clients causes at most. `isExtra`: it would not go without them. */
export function costOf(clients: number, isExtra: boolean): number {
  if (clients === 0) return 0;
  return Math.min(clients, objectsPerPost) + (isExtra ? callsPerRequest : 0);
}

/** Whether the budget has so much, beyond what is kept for tokens that are not old. */
export function affords(spare: Bucket, cost: number, isOld: boolean): boolean {
  return spare.left >= cost + (isOld ? spareForFresh * spareCallBurst : 0);
}

/** Milliseconds until one such client can be posted. */
export function affordableIn(spare: Bucket, isOld: boolean, now: number): number {
  fill(spare, spareRate, now);
  const wanted = costOf(1, true) + (isOld ? spareForFresh * spareCallBurst : 0);
  return Math.max(0, Math.ceil(((wanted - spare.left) / spareCallsPerSecond) * 1000));
}

/** Gives back what was not used, or was used for clients that are wanted. */
export function refund(spare: Bucket, calls: number): void {
  spare.left = Math.min(spareCallBurst, spare.left + calls);
}
