/**
 * What one address may do in a minute. The numbers are in limits.ts beside this file and in wrangler.toml. The platform counts: in each of
 * its data centers separately, and not exactly. If its counting fails, nobody is refused.
 */
import { type Network, neighbourhoodOf, networksOf } from "../../core/network.ts";
import { type Refusal, refuseFor } from "../../core/problem.ts";
import type { Counted, Env } from "../platform/env.ts";
import { logRefusal, reason } from "../platform/log.ts";
import { random } from "../platform/random.ts";
import { within } from "../platform/retry.ts";
import { addressOf } from "./address.ts";
import { gatewayName, gatewayOf, guessedIn } from "./gateways.ts";
import { edgeLimits } from "./limits.ts";
import { Recent } from "./recent.ts";

/** The networks that a request is counted for, the narrowest first. Empty if its address is not known. */
export function networksOfRequest(request: Request, env: Env): readonly Network[] {
  const address = addressOf(request, env);
  return address === null ? [] : networksOf(address, gatewayName(gatewayOf(request)));
}

/** The same for codes of no lobby: names of each dialect are counted apart. */
export function guessingNetworks(request: Request, env: Env): readonly Network[] {
  const address = addressOf(request, env);
  return address === null ? [] : networksOf(address, guessedIn(request));
}

/** Requests with a counter of their own, as large as the ordinary one. Neither uses up the other. */
export type Apart = "without a token" | "drawn rooms" | "pages";

/**
 * Counts one request. Returns a refusal if that is too many for the address, or for a wider network around it. A request that the
 * address is refused does not count for the wider networks: one address never uses up what its neighbours have.
 */
export async function count(
  env: Env,
  what: Counted,
  networks: readonly Network[],
  apart?: Apart,
): Promise<Refusal | null> {
  return (await countFull(env, what, networks, apart)) ? refuseFor(edgeLimits.addressPeriodS) : null;
}

/** Counts one request. Returns the network that may not make it, or null. */
export async function countFull(
  env: Env,
  what: Counted,
  networks: readonly Network[],
  apart?: Apart,
): Promise<Network | null> {
  if (networks.length === 0) return null;
  const full = await within(edgeLimits.addressPatienceMs, firstFull(env, what, networks, apart), null);
  if (full) logRefusal("address_over_limit", { counted: what, from: neighbourhoodOf(full.name) });
  return full;
}

/**
 * A few addresses can use up what a wider network may do. Then a quiet address in it goes on. Quiet addresses have counters of their own,
 * and only dozens of them together can fill these.
 */
async function firstFull(
  env: Env,
  what: Counted,
  networks: readonly Network[],
  apart?: Apart,
): Promise<Network | null> {
  let busy: Network | null = null;
  for (const network of networks) {
    if (!(await countIn(env, what, network, apart))) {
      if (network === networks[0]) return network;
      if (busy) return busy;
      if (!(await countIn(env, what, restOf(network), apart))) return network;
    }
    // A busy network does not make the wider ones busy.
    if (!busy && !isQuiet(what, network, apart)) busy = network;
  }
  return null;
}

/** The counters of a network's quiet addresses. */
function restOf({ name, shares }: Network): Network {
  return { name: `${name} quiet`, shares: Math.ceil(shares / 2) };
}

const perAddress = {
  CONNECTS: "addressConnects",
  REQUESTS: "addressRequests",
  FAILED_JOINS: "addressFailedJoins",
  LISTINGS: "addressListings",
} as const satisfies Record<Counted, keyof typeof edgeLimits>;

const recent = new Recent();

/**
 * Counts one code that is drawn for a room of groovejet. It has passed the keyed check, so it is worth 36 that are made up. An isolate
 * allows few; over all isolates the platform bounds them, by a counter of `FAILED_JOINS`.
 */
export async function countDrawnRoom(env: Env, networks: readonly Network[]): Promise<Refusal | null> {
  for (const { name, shares } of networks) {
    const times = recent.count(`drawn rooms ${name}`, edgeLimits.networksRemembered);
    if (times > edgeLimits.addressDrawnRooms * shares) return refuseFor(edgeLimits.addressPeriodS);
  }
  return await count(env, "FAILED_JOINS", networks, "drawn rooms");
}

/** Counts one request of the network, and says whether it has made few in this minute. Memory of one isolate. */
function isQuiet(what: Counted, { name, shares }: Network, apart?: Apart): boolean {
  const times = recent.count(`${what} ${name} ${apart ?? ""}`, edgeLimits.networksRemembered);
  return times <= edgeLimits[perAddress[what]] * edgeLimits.quietShare * shares;
}

/** Counts one request, and says whether the network may make it. All counters of the platform have one bound, so a network with several shares has several counters. */
export async function countIn(
  env: Env,
  what: Counted,
  { name, shares }: Network,
  apart?: Apart,
): Promise<boolean> {
  const share = shares === 1 ? name : `${name} ${Math.floor(random() * shares)}`;
  const key = apart ? `${share} ${apart}` : share;
  try {
    const counting = env[what]?.limit({ key });
    if (!counting) throw new Error("not bound");
    return (await counting).success;
  } catch (error) {
    logRefusal("address_not_counted", { counted: what, why: reason(error).replaceAll(name, "(an address)") });
    return true;
  }
}
