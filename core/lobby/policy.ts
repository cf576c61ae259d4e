/**
 * What a mediation is to do: who is introduced to whom, what becomes of it when a member is lost, and what
 * its success means.
 */
import type { Introduced, Introduction } from "./effect.ts";
import type { Connecting, Gathering, LobbyState, MediationPolicy, Member } from "./state.ts";

/** Orion's start: everyone to the host, and the lobby is over when they are connected. */
export function orionPolicy({ hostId, goesOn }: LobbyState): MediationPolicy {
  return {
    members: "all",
    topology: { kind: "star", center: hostId },
    onLoss: goesOn ? "continue" : "abort",
    onSuccess: "close",
    locks: true,
  };
}

/** Everyone to everyone, otherwise as Orion's: Rabid Hole Punch's start. */
export function meshPolicy(state: LobbyState): MediationPolicy {
  return { ...orionPolicy(state), topology: { kind: "mesh" } };
}

/**
 * One who came when the others were connected already: it to its peers. The others play on, and more may
 * join.
 */
export function lateJoinerPolicy(clientId: string, peerIds: readonly string[]): MediationPolicy {
  return {
    members: [clientId, ...peerIds],
    topology: { kind: "star", center: clientId },
    onLoss: "continue",
    onSuccess: "stay",
    locks: false,
  };
}

/** Two, and nobody else hears of it: noray's connect. */
export function pairPolicy(clientId: string, peerId: string): MediationPolicy {
  return { ...lateJoinerPolicy(clientId, [peerId]), onLoss: "abort" };
}

/** Whether the mediation counts on this client. */
export function takesPart({ policy, lost }: Gathering | Connecting, clientId: string): boolean {
  return (policy.members === "all" || policy.members.includes(clientId)) && !lost.includes(clientId);
}

/** The members that the mediation counts on, in order of arrival. */
export function participants({ members }: LobbyState, phase: Gathering | Connecting): readonly Member[] {
  // The same list where it can be: the shell need not group it by holder again.
  if (phase.policy.members === "all" && phase.lost.length === 0) return members;
  return members.filter(({ clientId }) => takesPart(phase, clientId));
}

/** Whether a mediation can go on with these: two at least, and the center of a star among them. */
export function isEnough({ topology }: MediationPolicy, members: readonly Member[]): boolean {
  if (members.length < 2) return false;
  return topology.kind === "mesh" || members.some(({ clientId }) => clientId === topology.center);
}

/**
 * Which of those seen can be connected. Who is relay-only, or is to connect to one who is, needs links, because
 * only these go through relays (docs/links.md), and a relay. In a lobby that is relay-only all need links. The
 * center of a star stays: of a pair that cannot be, the other one goes.
 */
export function fitness(
  { relayOnly }: LobbyState,
  { policy: { topology }, relay }: Gathering,
  seen: readonly Introduced[],
): { fit: Introduced[]; unfit: Member[] } {
  const center = topology.kind === "star" ? topology.center : null;
  const isImpossible = (a: Introduced, b: Introduced) =>
    (a.member.relayOnly || b.member.relayOnly) && !(a.links && b.links && relay);
  const isFit = (each: Introduced) => {
    if (relayOnly) return each.links;
    if (each.member.clientId === center) return true;
    return !seen.some(
      (other) =>
        other !== each &&
        isImpossible(each, other) &&
        (center === null ? each.member.relayOnly || !each.links : other.member.clientId === center),
    );
  };
  const fit = seen.filter(isFit);
  return { fit, unfit: seen.filter((each) => !fit.includes(each)).map(({ member }) => member) };
}

/** Who is introduced to whom: each pair once. */
export function pairsOf({ topology, host, others }: Introduction): (readonly [Introduced, Introduced])[] {
  if (topology === "star") return others.map((other) => [host, other]);
  const all = [host, ...others];
  return all.flatMap((one, i) => all.slice(i + 1).map((other) => [one, other] as const));
}
