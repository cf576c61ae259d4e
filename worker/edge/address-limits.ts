/**
 * What one address may do in a minute: the numbers are in limits.ts beside this and in wrangler.toml. The platform counts, in each of
 * its places apart, and not exactly. Whatever is wrong with its counting, nobody is refused for it.
 */
import { neighbourhoodOf, networkOf } from "../../core/network.ts";
import { type Refusal, refuseFor } from "../../core/problem.ts";
import type { Counted, Env } from "../platform/env.ts";
import { logRefusal, reason } from "../platform/log.ts";
import { within } from "../platform/retry.ts";
import { addressOf } from "./address.ts";
import { edgeLimits } from "./limits.ts";

/** What the request is counted under; null where nobody knows where it comes from. */
export function networkOfRequest(request: Request, env: Env): string | null {
  const address = addressOf(request, env);
  return address === null ? null : networkOf(address);
}

/** Counts one more; a refusal if that is too many. */
export async function count(env: Env, what: Counted, network: string | null): Promise<Refusal | null> {
  if (network === null || (await isWithin(env, what, network))) return null;
  logRefusal("address_over_limit", { counted: what, from: neighbourhoodOf(network) });
  return refuseFor(edgeLimits.addressPeriodS);
}

async function isWithin(env: Env, what: Counted, network: string): Promise<boolean> {
  try {
    const counting = env[what]?.limit({ key: network });
    if (!counting) throw new Error("not bound");
    return (await within(edgeLimits.addressPatienceMs, counting, { success: true })).success;
  } catch (error) {
    const why = reason(error).replaceAll(network, "(an address)");
    logRefusal("address_not_counted", { counted: what, why });
    return true;
  }
}

/** Until when an address that has tried too many codes gets no answer, in milliseconds since 1970. The longest known comes first. */
const guessers = new Map<string, number>();

/**
 * Whether this address has tried too many codes of no lobby lately. Then it is told nothing of any: a guesser who was
 * only refused when it guessed wrong would still learn of those that are right.
 */
export function refuseGuesser(network: string | null): Refusal | null {
  const until = network === null ? undefined : guessers.get(network);
  if (network === null || until === undefined) return null;
  const seconds = Math.ceil((until - Date.now()) / 1000);
  // A longer wait than any that was ever set: the clock was set back.
  if (seconds > 0 && seconds <= edgeLimits.addressPeriodS) return refuseFor(seconds);
  guessers.delete(network);
  return null;
}

/** Counts a code of no lobby. */
export async function countFailedJoin(env: Env, network: string | null): Promise<Refusal | null> {
  const refusal = await count(env, "FAILED_JOINS", network);
  if (refusal && network !== null) {
    const [oldest] = guessers.keys();
    if (guessers.size >= edgeLimits.addressesRemembered && oldest !== undefined) guessers.delete(oldest);
    guessers.set(network, Date.now() + edgeLimits.addressPeriodS * 1000);
  }
  return refusal;
}
