/**
 * The budgets for posts, counted in calls of an object. Whoever collects tokens or passes, from however many addresses they
 * are sent, the edge is not asked about them more often than this. Those that are proven have one of their own, so that nobody
 * with made-up addresses can spend it. So have those that are wanted: together they stay below what the edge takes of one
 * sidecar, or those who send most would have it refuse what all others say.
 */
import { type Bucket, fill, type Rate } from "../allowance.ts";
import { observingLimits } from "./limits.ts";

const {
  postBurst,
  postsPerSecond,
  provenCallBurst,
  provenCallsPerSecond,
  spareCallBurst,
  spareCallsPerSecond,
  callsCounted,
  callsPerRequest,
  countedBurst,
  countedPerSecond,
  objectsPerPost,
  spareForFresh,
  spareGatherMs,
  wantedCallBurst,
  wantedCallsPerSecond,
} = observingLimits;

/** What clients wait in. `old`: draws on the budget for what is not proven, on its upper part alone. */
export type Lane = "wanted" | "proven" | "fresh" | "old";
export type Budget = "wanted" | "proven" | "spare";

export const paceRate: Rate = { burst: postBurst, perSecond: postsPerSecond };
/** What the edge counts: it takes so much of one sidecar, wanted or not. */
export const countedRate: Rate = { burst: countedBurst, perSecond: countedPerSecond };

export const budgetRates: Readonly<Record<Budget, Rate>> = {
  wanted: { burst: wantedCallBurst, perSecond: wantedCallsPerSecond },
  proven: { burst: provenCallBurst, perSecond: provenCallsPerSecond },
  spare: { burst: spareCallBurst, perSecond: spareCallsPerSecond },
};

/** What some clients in a post drew. `isExtra`: the post would not have gone without them. `places`: which they are. */
export type Draw = {
  readonly lane: Lane;
  isExtra: boolean;
  readonly places: number[];
};

export function budgetOf(lane: Lane): Budget {
  return lane === "wanted" || lane === "proven" ? lane : "spare";
}

/** Calls that a post with so many of these clients causes at most. */
export function costOf(clients: number, isExtra: boolean): number {
  return Math.min(clients, objectsPerPost) + (isExtra ? callsPerRequest : 0);
}

/** What calls count as at the edge, in posts. */
export function countedAs(calls: number): number {
  return Math.min(calls, objectsPerPost) / callsCounted;
}

/** Whether the budget has so much, beyond what is kept for tokens that are not old. */
export function affords(bucket: Bucket, cost: number, lane: Lane): boolean {
  return bucket.left >= cost + keptFrom(lane);
}

/**
 * Milliseconds until the next of so many that wait can be posted. While the budget is short, those of some time go
 * together: else each would cost a request.
 */
export function affordableIn(bucket: Bucket, lane: Lane, waiting: number, now: number): number {
  const rate = budgetRates[budgetOf(lane)];
  fill(bucket, rate, now);
  const together = Math.floor((rate.perSecond * spareGatherMs) / 1000) - callsPerRequest;
  const wanted = costOf(Math.max(1, Math.min(waiting, together)), true) + keptFrom(lane);
  return Math.max(0, Math.ceil(((wanted - bucket.left) / rate.perSecond) * 1000));
}

/** Gives back what was not used, or was used for clients that are wanted. A post that was sent was a request, whatever came of it. */
export function settleDraw(
  bucket: Bucket,
  { lane, isExtra, places }: Draw,
  { calls, wanted }: { calls: number; wanted: number },
): void {
  const drawn = costOf(places.length, isExtra);
  const used = Math.min(drawn, costOf(calls, isExtra));
  const back = drawn - used + (used * wanted) / places.length;
  bucket.left = Math.min(budgetRates[budgetOf(lane)].burst, bucket.left + back);
}

function keptFrom(lane: Lane): number {
  return lane === "old" ? spareForFresh * spareCallBurst : 0;
}
