/** What networks may cost in a day, as isolates and holders ask for it (docs/decisions/020). */
import type { Micros, Spender } from "../../core/bill.ts";
import { type Env, settingsOf } from "./env.ts";
import { platformLimits } from "./limits.ts";
import { logFault } from "./log.ts";
import { within } from "./retry.ts";
import { callOptions } from "./stubs.ts";

/** Whether this deployment bounds what a network may cost. */
export function hasBudgets(env: Env): boolean {
  return env.BUDGET !== undefined && settingsOf(env).networkCentsPerDay > 0;
}

/**
 * Takes so much out of the budgets of a client's networks. Returns the seconds until they may spend again; 0 if it was taken, and
 * null if a budget does not answer. Nobody is refused because of that, and nothing is given: it is asked again later.
 */
export async function drawBudgets(
  env: Env,
  spenders: readonly Spender[],
  micros: Micros,
): Promise<number | null> {
  try {
    return await within(platformLimits.budgetPatienceMs, drawEach(env, spenders, micros), null);
  } catch (error) {
    logFault("budget_unreachable", {}, error);
    return null;
  }
}

/** The narrowest first: what its budget refuses is taken from none, so a household cannot spend what its neighbours have. */
async function drawEach(env: Env, spenders: readonly Spender[], micros: Micros): Promise<number> {
  for (const { network, share } of spenders) {
    const wait = (await budgetAt(env, network)?.draw(micros, share)) ?? 0;
    if (wait > 0) return wait;
  }
  return 0;
}

/** Its name is the platform's own keyed hash of the network: no list of objects shows an address. */
function budgetAt({ BUDGET }: Env, network: string) {
  return BUDGET?.getByName(BUDGET.idFromName(network).toString(), callOptions(null));
}
