/**
 * Which of two sightings of a member counts.
 *
 * Orion's datagram carries the client's token in clear, so whoever reads one can send it from elsewhere. What
 * the lobby knows better is the IP of the member's WebSocket, which nobody else can have. So a sighting there
 * replaces one at another IP, and is not replaced by one. Where the two cannot be compared (WebSocket over IPv6
 * and UDP over IPv4) or never agree (a carrier that has several addresses), the first IP counts, and may change
 * once in a mediation. Ports change freely: routers give a socket another one.
 *
 * An endpoint that was proven is never replaced by one that was not. Only a client that knows links can prove
 * one: its token never goes over UDP. For any other a proof shows no more than a datagram does.
 */
import { isGlobalV6, isSameFamily, isSameNetwork } from "../endpoint.ts";
import type { Observed } from "../mapping.ts";
import type { LobbyEvent } from "./event.ts";
import type { Member, Seen } from "./state.ts";

export type Sighting = Extract<LobbyEvent, { kind: "endpoint-seen" }>;

/**
 * Whether a datagram came from the IP of the client's WebSocket; of IPv6, from its /64. Undefined where the two
 * cannot be compared.
 */
export function isAtSocket(address: string | undefined, { endpoint: { ip } }: Observed): boolean | undefined {
  if (address === undefined || !isSameFamily(address, ip)) return undefined;
  return isSameNetwork(address, ip);
}

/** What was seen of a client, at the IP of its WebSocket if any of its datagrams came from there. */
export function likeliest(address: string | undefined, { others = [], ...observed }: Observed): Observed {
  if (isAtSocket(address, observed)) return observed;
  const found = others.find((endpoint) => isAtSocket(address, { endpoint }));
  return found ? { endpoint: found, candidates: observed.candidates } : observed;
}

/**
 * The same, with the candidates marked that are in the IPv6 /64 of the client's WebSocket. Peers may check those more often than a
 * mere claim: they can be no third party's, but for a neighbour's in that network.
 */
export function withProven(address: string | undefined, observed: Observed): Observed {
  if (address === undefined || !isGlobalV6(address) || !observed.candidates) return observed;
  const candidates = observed.candidates.map((candidate) =>
    isSameNetwork(address, candidate.ip) ? { ...candidate, proven: true } : candidate,
  );
  return { ...observed, candidates };
}

/** What is known of the member after a sighting: the same object if it does not count. */
export function seenAfter(
  before: Seen | undefined,
  { observed, isAtSocket }: Sighting,
  member: Member,
  now: number,
): Seen {
  const after: Seen = {
    observed,
    at: now,
    ...(isAtSocket && { isAtSocket }),
    ...(before?.hasMoved && { hasMoved: true }),
  };
  if (!before) return after;
  const isProven = isProof(member, observed);
  if (isProof(member, before.observed) && !isProven) return before;
  if (isProven || isAtSocket || isSameNetwork(before.observed.endpoint.ip, observed.endpoint.ip))
    return after;
  if (before.isAtSocket || before.hasMoved) return before;
  return { ...after, hasMoved: true };
}

/** Whether the member is where it was seen, whoever has read its datagrams. */
export function isCertain(member: Member, { observed, isAtSocket }: Seen): boolean {
  return isAtSocket === true || isProof(member, observed);
}

function isProof({ features }: Member, { proven }: Observed): boolean {
  return proven === true && features?.includes("links") === true;
}
