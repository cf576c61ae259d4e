/**
 * What networks cost in this isolate. A network that has cost more here than a household does is told to its budget, which says whether
 * it may go on; most never are. Memory alone: what an isolate has not told when it ends is forgotten.
 */
import { type Micros, type Spender, spendersOf } from "../../core/bill.ts";
import { neighbourhoodOf } from "../../core/network.ts";
import { type Refusal, refuse } from "../../core/problem.ts";
import { drawBudgets, hasBudgets } from "../platform/budgets.ts";
import type { Env } from "../platform/env.ts";
import { logRefusal } from "../platform/log.ts";
import { edgeLimits } from "./limits.ts";
import { remember } from "./remembered.ts";

/**
 * `untold`: what its budget is not known to have heard of. `askAgainAt`: no other call tells it before, and `overUntil`: the network is refused until
 * then (both in milliseconds since 1970). `overUntil` is 0 unless the budget refused the last time.
 */
type Tally = { untold: Micros; askAgainAt: number; overUntil: number };

/** By network; the one that spent last at the end. */
const tallies = new Map<string, Tally>();

/** A refusal while one of the client's networks has spent all that it may. */
export function refuseOverBudget(env: Env, address: string | null): Refusal | null {
  if (address === null || !hasBudgets(env)) return null;
  const now = Date.now();
  const until = Math.max(
    0,
    ...spendersOf(address).map(({ network }) => tallies.get(network)?.overUntil ?? 0),
  );
  return until > now ? { ...refuse("over_budget"), retryAfterS: Math.ceil((until - now) / 1000) } : null;
}

/** Counts what was spent for a client. */
export async function spend(env: Env, address: string | null, micros: Micros): Promise<void> {
  if (address === null || !hasBudgets(env)) return;
  await Promise.all(spendersOf(address).map((spender) => add(env, spender, micros)));
}

async function add(env: Env, spender: Spender, micros: Micros): Promise<void> {
  const { network, share } = spender;
  const tally = tallies.get(network) ?? { untold: 0, askAgainAt: 0, overUntil: 0 };
  remember(tallies, network, tally, edgeLimits.networksTallied);
  tally.untold += micros;
  // What is spent while the budget is asked is told after that.
  while (isWorthTelling(tally, share) && Date.now() >= tally.askAgainAt) await tell(env, spender, tally);
}

function isWorthTelling({ untold }: Tally, share: number): boolean {
  return untold > 0 && untold >= edgeLimits.toldMicros * share;
}

async function tell(env: Env, spender: Spender, tally: Tally): Promise<void> {
  const told = tally.untold;
  const now = Date.now();
  tally.askAgainAt = now + edgeLimits.budgetAgainMs;
  const seconds = await drawBudgets(env, [spender], told);
  if (seconds === 0) {
    tally.untold -= told;
    tally.askAgainAt = 0;
    tally.overUntil = 0;
  } else if (seconds !== null) {
    tally.askAgainAt = now + seconds * 1000;
    tally.overUntil = tally.askAgainAt;
    logRefusal("network_over_budget", { from: neighbourhoodOf(spender.network), seconds });
  } else if (tally.overUntil > 0) {
    // Only the budget itself lifts a refusal.
    tally.overUntil = tally.askAgainAt;
  }
}
