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

/** `seconds`: until those who were asked may spend again; 0 if it was taken. `refuser`: whose budget gave nothing. */
type Drawn = { seconds: number; refuser?: Spender };

/**
 * Takes so much out of the budgets that a client spends. Null if a budget does not answer. Nobody is refused because of that, and nothing is
 * given: it is asked again later.
 */
export async function drawBudgets(
  env: Env,
  spenders: readonly Spender[],
  micros: Micros,
): Promise<Drawn | null> {
  try {
    return await within(platformLimits.budgetPatienceMs, drawEach(env, spenders, micros), null);
  } catch (error) {
    logFault("budget_unreachable", {}, error);
    return null;
  }
}

/** The narrowest first: what its budget refuses is taken from none, so a household cannot spend what its neighbours have. */
async function drawEach(env: Env, spenders: readonly Spender[], micros: Micros): Promise<Drawn> {
  for (const spender of spenders) {
    const { network, share } = spender;
    const seconds = (await budgetAt(env, network)?.draw(micros, share)) ?? 0;
    if (seconds > 0) return { seconds, refuser: spender };
  }
  return { seconds: 0 };
}

/** Takes so much out of the budget that all relays over WebSocket have together. Returns what `drawBudgets` does, in seconds. */
export async function claimForRelay(env: Env, micros: Micros): Promise<number | null> {
  const { relayCentsPerDay, region } = settingsOf(env);
  const budget = env.BUDGET?.getByName("relay", callOptions(region));
  if (!budget || relayCentsPerDay === 0) return 0;
  try {
    return await within<number | null>(
      platformLimits.budgetPatienceMs,
      budget.claim(micros, relayCentsPerDay),
      null,
    );
  } catch (error) {
    logFault("budget_unreachable", {}, error);
    return null;
  }
}

/** Its name is the platform's own keyed hash of the network: no list of objects shows an address. */
function budgetAt({ BUDGET }: Env, network: string) {
  return BUDGET?.getByName(BUDGET.idFromName(network).toString(), callOptions(null));
}
