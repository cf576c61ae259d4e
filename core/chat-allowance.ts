/**
 * How much of its members' chat one lobby delivers. What a message costs is the number of members it goes to, more often
 * if it is long. Without this a few members of a large lobby could keep its object, and those its members are held by, busy all the time.
 */
import { type Bucket, draw, fill, newBucket, type Rate } from "./allowance.ts";
import { sharedLimits } from "./limits.ts";
import { wireLimits } from "./wire/limits.ts";

const encoder = new TextEncoder();
/** Bytes of JSON around a text. */
const quotes = 2;

/** Plain data, in memory alone: a lobby that slept was silent. */
export type ChatAllowance = { all: Bucket; bySender: Map<string, Bucket> };

export function newChatAllowance(now: number): ChatAllowance {
  return { all: newBucket(lobbyRate(sharedLimits.chatDeliveriesPerSecond), now), bySender: new Map() };
}

/** How often a message counts: JSON makes six bytes of some characters. */
export function weightOf(text: string): number {
  const bytes = encoder.encode(JSON.stringify(text)).length - quotes;
  return Math.max(1, bytes / wireLimits.chatLength);
}

/**
 * Whether one more message of this weight is delivered, to so many members. Each member has an equal share of what a lobby delivers in the
 * long run, and a burst of its own. The more of that it has used, the more of the lobby's it leaves to the others, up to
 * half: a few who flood do not silence the rest.
 */
export function mayChat(
  { all, bySender }: ChatAllowance,
  sender: string,
  members: number,
  now: number,
  {
    perSecond = sharedLimits.chatDeliveriesPerSecond,
    weight = 1,
  }: { perSecond?: number; weight?: number } = {},
): boolean {
  const rate = lobbyRate(perSecond);
  const burst = Math.max(sharedLimits.chatBurst, rate.burst / members ** 2);
  const share = { burst, perSecond: perSecond / members ** 2 };
  const own = bySender.get(sender) ?? newBucket(share, now);
  // Of those who have left nobody tells: once in a while all begin anew.
  if (bySender.size >= 2 * wireLimits.seats) bySender.clear();
  bySender.set(sender, own);
  fill(own, share, now);
  fill(all, rate, now);
  const kept = (1 - own.left / share.burst) * (rate.burst / 2);
  if (all.left - members * weight < kept) return false;
  return draw(own, share, now, weight) && draw(all, rate, now, members * weight);
}

function lobbyRate(perSecond: number): Rate {
  return { burst: Math.max(sharedLimits.chatDeliveryBurst, perSecond), perSecond };
}
