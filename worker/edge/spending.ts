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

/** `untold`: what its budget has not heard of. `overUntil`: it is refused until then, in milliseconds since 1970. */
type Tally = { untold: Micros; overUntil: number };

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
  const tally = tallies.get(network) ?? { untold: 0, overUntil: 0 };
  remember(tallies, network, tally, edgeLimits.networksTallied);
  tally.untold += micros;
  if (tally.untold < edgeLimits.toldMicros * share) return;
  const told = tally.untold;
  tally.untold = 0;
  const seconds = await drawBudgets(env, [spender], told);
  if (seconds === 0) return;
  tally.untold += told;
  tally.overUntil = Date.now() + seconds * 1000;
  logRefusal("network_over_budget", { from: neighbourhoodOf(network), seconds });
}
