/**
 * Checks to addresses that nothing has proved to be the peer's. A peer may claim any address, and a lobby of
 * liars may claim the same one to many: then honest clients would shoot at a third party. So one client sends
 * only so many of these checks a minute, over all its links and mediations together.
 *
 * What does not count: the IP at which the peer has proved to be, by a cookie of the sidecar, with all its ports
 * (it hits nobody but the peer, and whoever shares its address), an address from which a check of ours was
 * answered before, and the relay.
 */
import { type Bucket, draw, newBucket, type Rate } from "../allowance.ts";
import { isGlobal } from "../endpoint.ts";
import { isNear } from "./candidates.ts";
import type { LinkConfig } from "./config.ts";
import { linkLimits } from "./limits.ts";
import type { Candidate } from "./state.ts";

/** Where an unproven check goes: to the Internet, or into a network that we are in. */
export type Unproven = "public" | "near";

/** How many of each may still be sent. Changed in place; one for all links of a client. */
export type CheckAllowance = { readonly [Where in Unproven]: Bucket };

/** Half at once and half in a minute: no minute has more than the limit. */
const rates: { readonly [Where in Unproven]: Rate } = {
  public: { burst: linkLimits.unprovenChecks / 2, perSecond: linkLimits.unprovenChecks / 120 },
  near: { burst: linkLimits.nearChecks / 2, perSecond: linkLimits.nearChecks / 120 },
};

/** `now` is in milliseconds, of a clock that does not go back, here and below. */
export function newCheckAllowance(now: number): CheckAllowance {
  return { public: newBucket(rates.public, now), near: newBucket(rates.near, now) };
}

/** Takes one from the allowance; false if there is none. */
export function mayCheck(allowance: CheckAllowance, where: Unproven, now: number): boolean {
  return draw(allowance[where], rates[where], now);
}

/** Undefined for a check that does not count. */
export function unprovenAt(
  config: LinkConfig,
  { kind, remote, roundTripMs }: Readonly<Candidate>,
): Unproven | undefined {
  const { peer } = config;
  if (kind === "relay" || roundTripMs !== null) return undefined;
  if (peer.proven && remote.ip === peer.endpoint?.ip) return undefined;
  return isGlobal(remote.ip) && !isNear(config, remote.ip) ? "public" : "near";
}
