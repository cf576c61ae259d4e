/**
 * What networks cost in this isolate. A network that has cost more here than a household does is told to its budget, which says whether
 * it may go on; most never are. Memory alone: what an isolate has not told when it ends is forgotten.
 */
import { type Micros, type Spender, spendersOf, spenderText } from "../../core/bill.ts";
import { type Refusal, refuse, refuseGateways } from "../../core/problem.ts";
import { drawBudgets, hasBudgets } from "../platform/budgets.ts";
import type { Env } from "../platform/env.ts";
import { logRefusal } from "../platform/log.ts";
import { addressOf } from "./address.ts";
import { gatewayName, gatewayOf } from "./gateways.ts";
import { edgeLimits } from "./limits.ts";
import { remember } from "./remembered.ts";

/**
 * `untold`: what its budget is not known to have heard of. `askAgainAt`: no other call tells it before, and `overUntil`: the network is refused until
 * then (both in milliseconds since 1970). `overUntil` is 0 unless the budget refused the last time.
 */
type Tally = { untold: Micros; askAgainAt: number; overUntil: number };

/** By network; the one that spent last at the end. */
const tallies = new Map<string, Tally>();

/** Whose budgets a request spends. */
export function spendersOfRequest(request: Request, env: Env): readonly Spender[] {
  return hasBudgets(env) ? spendersOf(addressOf(request, env), gatewayName(gatewayOf(request))) : [];
}

/** A refusal while one of them has spent all that it may. */
export function refuseOverBudget(spenders: readonly Spender[]): Refusal | null {
  const now = Date.now();
  for (const { network, isGateway } of spenders) {
    const seconds = Math.ceil(((tallies.get(network)?.overUntil ?? 0) - now) / 1000);
    if (seconds > 0)
      return isGateway ? refuseGateways(seconds) : { ...refuse("over_budget"), retryAfterS: seconds };
  }
  return null;
}

/** Counts what was spent for a client. */
export async function spend(env: Env, spenders: readonly Spender[], micros: Micros): Promise<void> {
  await Promise.all(spenders.map((spender) => add(env, spender, micros)));
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
  const seconds = (await drawBudgets(env, [spender], told))?.seconds ?? null;
  if (seconds === 0) {
    tally.untold -= told;
    tally.askAgainAt = 0;
    tally.overUntil = 0;
  } else if (seconds !== null) {
    tally.askAgainAt = now + seconds * 1000;
    tally.overUntil = tally.askAgainAt;
    logRefusal("network_over_budget", { from: spenderText(spender), seconds });
  } else if (tally.overUntil > 0) {
    // Only the budget itself lifts a refusal.
    tally.overUntil = tally.askAgainAt;
  }
}
