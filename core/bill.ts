/**
 * What a client's acts cost at Cloudflare, and what one network may cost in a day. Prices are fixed: a little more than what is
 * billed for the act (test/bench/bill.test.ts counts it), so that nobody costs more than what was counted.
 */
import { type Bucket, fill, newBucket, type Rate } from "./allowance.ts";
import { sharedLimits } from "./limits.ts";
import { neighbourhoodOf, networksOf } from "./network.ts";

/** Millionths of a dollar. */
export type Micros = number;

/** What each act costs, in millionths of a dollar. The request itself is not in it: Cloudflare bills that before any code runs. */
export const prices = {
  /** A WebSocket: a call to the object that takes it, or to two, its close, and the 16 that its session may spend (`purseMicros`). */
  connect: 16.5,
  /** The room that a groovejet client names in its query is asked before its socket is taken: a call more, for which two objects are awake. */
  roomInQuery: 0.1,
  /** Opening a lobby and its end: calls, and the rows of a public one that is held elsewhere. */
  host: 10,
  /** Joining and leaving: the same two rows each, and calls to the lobby and to the directory. Those to other members have their own price. */
  join: 7,
  /** A start, an alarm every 30 s as long as the players connect, and its end. */
  start: 25,
  /** The host stops a mediation, or goes on without some: a row, and that the others hear of it. */
  steer: 5,
  /** The host changes something of the lobby: a row or two, and the directory. The calls that tell others of it have their own price. */
  change: 3.5,
  /** A member changes something of itself: a row. */
  changeMember: 2,
  /** A member comes back: two rows, and that the others hear of it. */
  resume: 9,
  /** A snapshot that is written: two calls, and a row, or the alarm that writes it later. */
  snapshot: 2.5,
  /** The whole picture, or a snapshot: one call, or two. */
  picture: 0.7,
  /** The servers of ICE: two calls, of which the second waits for the API of TURN, and the row of a credential and of its end. */
  ice: 4,
  /** Finding a lobby for a player, besides opening or joining it: calls to the directory, and the half second that both may wait for another. */
  match: 3,
  /** A request that was not done: one call, or two. */
  refused: 0.6,
  /** Each shard of the directory that a list is read from. */
  listing: 0.2,

  /** A WebSocket message that comes in. */
  frame: 0.03,
  /** One that a relay over WebSocket passes on. A client sends thousands, so hardly more than is billed. */
  relayFrame: 0.018,
  /** A call from one object to another: both are awake for it. */
  call: 0.32,
  /** A member's report, which its lobby may write into its row. */
  report: 1.3,
  /** An endpoint that a sidecar has seen: the post, a call to the holder, one to the lobby. */
  observation: 0.6,
  /** A frame of one member's own, that asks for its endpoint or introduces it: a share of the lobby's alarm, its rows and a call to the fleet. */
  ownFrame: 1.4,
  /** To ask a member's holder whether it is still there: the lobby's alarm and rows, which one that is alone pays for. */
  audit: 3.8,
  /** A look for those that stopped pinging: an alarm, and the row of the next. */
  look: 1.3,
  /** To ask a budget, which writes a row. */
  draw: 1.4,
} as const satisfies Record<string, Micros>;

/** What one network may still cost. Plain data: an object keeps it. */
export type Budget = Bucket;

const microsPerCent = 10_000;
const secondsPerDay = 86_400;

/** Half a day's cents at once, and the other half over the day: so no 24 hours cost more than the whole. */
export function budgetRate(cents: number): Rate {
  const half = (cents * microsPerCent) / 2;
  return { burst: half, perSecond: half / secondsPerDay };
}

export function newBudget(cents: number, now: number): Budget {
  return newBucket(budgetRate(cents), now);
}

/**
 * Takes so much out of the budget, if anything is left in it: what was spent is spent. Returns the seconds until the network may
 * spend again; 0 if it was taken. `least`: what must be back in it by then.
 */
export function drawFrom(budget: Budget, cents: number, micros: Micros, least: Micros, now: number): number {
  const rate = budgetRate(cents);
  fill(budget, rate, now);
  if (budget.left > 0) {
    budget.left -= micros;
    return 0;
  }
  return Math.max(1, Math.ceil((Math.min(least, rate.burst) - budget.left) / rate.perSecond));
}

/** A network with a budget, and how many budgets of a household it has. `isGateway`: it is the gateways of one sidecar. */
export type Spender = { readonly network: string; readonly share: number; readonly isGateway?: true };

/**
 * Whose budgets a client spends: its own network's, and of IPv6 that of the /48 it is in, of which one owner may have all; and that of the
 * gateways that it comes through: their sidecar's name, and the number of its key. A network has a budget for itself, and another one for each
 * sidecar whose gateways name it: whoever has the key must not spend the first. None for this machine itself.
 */
export function spendersOf(address: string | null | undefined, gateway?: string): Spender[] {
  const networks = networksOf(address ?? "", gateway)
    .filter(({ name }, index) => index === 0 || name.endsWith("/48"))
    .map(({ name, shares }) => ({ network: name, share: shares }));
  if (gateway === undefined) return networks;
  const { sharesOfGateways: share } = sharedLimits;
  return [...networks, { network: `gateways of ${gateway}`, share, isGateway: true }];
}

/** Who it is, for a log. */
export function spenderText({ network, isGateway }: Spender): string {
  return isGateway ? network : neighbourhoodOf(network);
}
