/**
 * How often somebody may try a key of the operator. Only wrong keys count, and they count in the turn in which the key is looked at, so tries that come
 * together are no way around it. From a network with too many wrong ones no key is looked at for a minute, not even a right one: else a guess
 * would still tell something.
 */
import { type Network, neighbourhoodOf } from "../../core/network.ts";
import { accept, type Outcome, type Refusal, refuse, refuseFor } from "../../core/problem.ts";
import type { Env } from "../platform/env.ts";
import { logRefusal, reason } from "../platform/log.ts";
import { type Rights, rightsOf } from "../platform/operator-keys.ts";
import { random } from "../platform/random.ts";
import { within } from "../platform/retry.ts";
import { networksOfRequest } from "./address-limits.ts";
import { edgeLimits } from "./limits.ts";
import { remember } from "./remembered.ts";

/** Wrong keys of this minute. Times are in milliseconds since 1970. */
type Tries = { since: number; wrong: number; lockedUntil: number };
const byNetwork = new Map<string, Tries>();
/** Where nobody knows the address: this machine itself, and proxies that are not configured. All of them share one count. */
const unknown: readonly Network[] = [{ name: "unknown", shares: 1 }];
/** The name for all networks together. No network has it. */
const everybody = "everybody";

const periodMs = edgeLimits.addressPeriodS * 1000;

/** What the holder of the key may do. */
export async function tryKey(request: Request, env: Env, key: string): Promise<Outcome<Rights>> {
  const known = networksOfRequest(request, env);
  const networks = known.length > 0 ? known : unknown;
  const now = Date.now();
  const lockedUntil = Math.max(...networks.map(({ name }) => triesOf(name, now).lockedUntil));
  if (lockedUntil > now) return tooMany(lockedUntil - now);
  const all = triesOf(everybody, now);
  const share = all.wrong >= edgeLimits.operatorTriesOfAll ? 1 : edgeLimits.operatorTries;
  if (networks.some(({ name, shares }) => triesOf(name, now).wrong >= share * shares))
    return tooMany(periodMs);
  const rights = rightsOf(env, key);
  if (rights !== null) return accept(rights);
  for (const { name } of [...networks, { name: everybody }]) {
    const tries = triesOf(name, now);
    remember(byNetwork, name, { ...tries, wrong: tries.wrong + 1 }, edgeLimits.operatorTriersRemembered);
  }
  logRefusal("operator_key_refused", { from: known[0] ? neighbourhoodOf(known[0].name) : "unknown" });
  const counted = within(edgeLimits.addressPatienceMs, countEverywhere(env, networks), null);
  const full = await counted;
  if (full === null) return refuse("wrong_operator_key");
  remember(
    byNetwork,
    full.name,
    { ...triesOf(full.name, now), lockedUntil: now + periodMs },
    edgeLimits.operatorTriersRemembered,
  );
  return tooMany(periodMs);
}

function tooMany(ms: number): Refusal {
  return refuseFor(Math.ceil(Math.min(ms, periodMs) / 1000));
}

function triesOf(name: string, now: number): Tries {
  const known = byNetwork.get(name);
  return known && Math.abs(now - known.since) < periodMs ? known : { since: now, wrong: 0, lockedUntil: 0 };
}

/** Counts it for all isolates of a data center, too. The network that may try no more; null if all may. */
async function countEverywhere(env: Env, networks: readonly Network[]): Promise<Network | null> {
  const counting = env.OPERATOR_TRIES;
  if (!counting) return null;
  for (const network of networks) {
    try {
      // The platform's counters have one bound. A wider network has several shares, and so as many counters.
      const share = Math.floor(random() * network.shares);
      if (!(await counting.limit({ key: `${network.name} ${share}` })).success) return network;
    } catch (error) {
      logRefusal("address_not_counted", { counted: "OPERATOR_TRIES", why: reason(error) });
      return null;
    }
  }
  return null;
}
