/**
 * Which of a member's candidates another is told. A candidate is a claim: it may be somebody else's address, so
 * that the other's packets hit a third party, and it may say more of the member's home than strangers should
 * know.
 *
 * | candidate | told |
 * | --- | --- |
 * | public, IPv4 | if the sidecar saw the member at that address |
 * | public, IPv6 | at most `v6Candidates` of one /64: that in which the sidecar saw the member, if it did, or else that of its WebSocket |
 * | any other: local networks, VPNs, overlays, carriers (100.64/10) | only if the two share a network |
 *
 * Two share a network if the sidecar saw both at one public address (IPv4), or in one /64 (IPv6), or neither at
 * a public one: then they and the sidecar are in one place. It must be certain that each was where it was seen
 * (sighting.ts): else a stranger who can forge a sender's address would be a neighbour. A carrier puts strangers
 * behind one address. They count as neighbours: nobody can tell them apart.
 */
import { isGlobal, isGlobalV6, isSameNetwork, scopeOf } from "../endpoint.ts";
import type { ClaimedEndpoint } from "../mapping.ts";
import type { Introduced } from "./effect.ts";
import { lobbyLimits } from "./limits.ts";

/** Undefined for a peer whose client tells none. */
export function candidatesTold(peer: Introduced, to: Introduced): ClaimedEndpoint[] | undefined {
  if (!peer.observed?.candidates) return undefined;
  const { endpoint, candidates } = peer.observed;
  const v6 = candidates.filter(({ ip }) => isGlobalV6(ip));
  const network = isGlobalV6(endpoint.ip) ? endpoint.ip : (v6.find(({ proven }) => proven) ?? v6[0])?.ip;
  const toldV6 = v6
    .filter(({ ip }) => network !== undefined && isSameNetwork(ip, network))
    .slice(0, lobbyLimits.v6Candidates);
  return candidates.filter((candidate) => {
    if (isGlobalV6(candidate.ip)) return toldV6.includes(candidate);
    if (isGlobal(candidate.ip)) return candidate.ip === endpoint.ip;
    return shareNetwork(peer, to);
  });
}

/**
 * Whether two players may take each other's private addresses, and names of mDNS: they share a network, or their WebSockets come from one
 * address (of IPv6, one /48), or both from the server's own network. Where the server does not know an address, nobody is near.
 */
export function isNear(a: Introduced, b: Introduced): boolean {
  const [one, other] = [a.member, b.member];
  const isOneNetwork = one.network !== undefined && one.network === other.network;
  return isOneNetwork || (one.isLocal === true && other.isLocal === true) || shareNetwork(a, b);
}

function shareNetwork(a: Introduced, b: Introduced): boolean {
  if (!a.isCertain || !b.isCertain || !a.observed || !b.observed) return false;
  const [ours, theirs] = [a.observed.endpoint.ip, b.observed.endpoint.ip];
  const isPublic = (ip: string) => scopeOf(ip) === "public";
  return isSameNetwork(ours, theirs) || (!isPublic(ours) && !isPublic(theirs));
}
