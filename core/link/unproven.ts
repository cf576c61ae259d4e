/**
 * Packets to addresses that nothing has proved to be the peer's. A peer may claim any address, and a lobby of
 * liars may claim the same one to many: then honest clients would shoot at a third party. So one client sends
 * only so many of these checks and answers a minute, over all its links and mediations together. More to addresses in the IPv6
 * network that the peer's WebSocket comes from, because they are the peer's or its neighbour's.
 *
 * What does not count: the IP at which the peer has proved to be, by a cookie of the sidecar, with all its ports
 * (it hits nobody but the peer, and whoever shares its address), an address from which a check of ours was
 * answered before, the relay, and a channel.
 */
import { type Bucket, draw, fill, newBucket, type Rate } from "../allowance.ts";
import { isSameEndpoint, scopeOf } from "../endpoint.ts";
import { isNear } from "./candidates.ts";
import type { LinkConfig } from "./config.ts";
import { linkLimits } from "./limits.ts";
import { channelEnd } from "./path.ts";
import type { Candidate, Worth } from "./state.ts";

/** Where an unproven packet goes: to the Internet, to a claimed address in the peer's own IPv6 network, or into a network that we are in. */
type Where = "public" | "home" | "near";
export type Unproven = { readonly where: Where; readonly worth: Worth };

/** How many of each may still be sent. Changed in place; one for all links of a client. */
export type CheckAllowance = { readonly [W in Where]: Bucket };

/** Half at once and half in a minute: no minute has more than the limit. */
const rates: { readonly [W in Where]: Rate } = {
  public: { burst: linkLimits.unprovenChecks / 2, perSecond: linkLimits.unprovenChecks / 120 },
  home: { burst: linkLimits.homeChecks / 2, perSecond: linkLimits.homeChecks / 120 },
  near: { burst: linkLimits.nearChecks / 2, perSecond: linkLimits.nearChecks / 120 },
};

/** The part of the burst that each leaves to what is worth more. */
const kept: { readonly [W in Worth]: number } = { heard: 0, first: 1 / 5, rest: 1 / 2 };

/** `now` is in milliseconds, of a clock that does not go back, here and below. */
export function newCheckAllowance(now: number): CheckAllowance {
  return {
    public: newBucket(rates.public, now),
    home: newBucket(rates.home, now),
    near: newBucket(rates.near, now),
  };
}

/** Takes one from the allowance; false if there is none. */
export function mayCheck(allowance: CheckAllowance, { where, worth }: Unproven, now: number): boolean {
  const [bucket, rate] = [allowance[where], rates[where]];
  fill(bucket, rate, now);
  return bucket.left >= 1 + rate.burst * kept[worth] && draw(bucket, rate, now);
}

/** Undefined for a packet that does not count. */
export function unprovenAt(
  config: LinkConfig,
  { kind, remote, roundTripMs }: Pick<Candidate, "kind" | "remote" | "roundTripMs">,
  worth: Worth,
): Unproven | undefined {
  const { peer } = config;
  if (kind === "relay" || isSameEndpoint(remote, channelEnd) || roundTripMs !== null) return undefined;
  if (peer.proven && remote.ip === peer.endpoint?.ip) return undefined;
  // Not `isGlobal`: tunnels and NAT64 lead from other IPv6 addresses to any IPv4 address.
  if (scopeOf(remote.ip) !== "public" || isNear(config, remote.ip)) return { where: "near", worth };
  const isHome = peer.candidates.some((claim) => claim.proven && isSameEndpoint(claim, remote));
  return { where: isHome ? "home" : "public", worth };
}
