/**
 * What a mediation is to do: who is introduced to whom, what becomes of it when a member is lost, and what
 * its success means.
 */
import type { Introduced, Introduction } from "./effect.ts";
import { bothHave } from "./features.ts";
import {
  type Connecting,
  type Gathering,
  isAway,
  type LobbyState,
  type MediationPolicy,
  type Member,
  memberOf,
} from "./state.ts";

/**
 * A start: everyone to the host, or in a mesh everyone to everyone. Then the lobby is over (Orion), or stays for
 * as long as it is played. One that stays lets others join meanwhile, so its members are listed.
 */
export function startPolicy({ hostId, goesOn, members, lifetime, topology }: LobbyState): MediationPolicy {
  const stays = lifetime === "session";
  return {
    members: stays ? members.map(({ clientId }) => clientId) : "all",
    topology: topology === "mesh" ? { kind: "mesh" } : { kind: "star", center: hostId },
    onLoss: goesOn ? "continue" : "abort",
    onSuccess: stays ? "stay" : "close",
    locks: !stays,
  };
}

/** Of a mediation for newcomers. */
export type NewcomerPolicy = MediationPolicy & { readonly members: readonly string[] };

/**
 * Those who came when the others were connected already: they to their peers, and to each other in a mesh. The
 * others play on, and more may join. Undefined if there is nobody to connect.
 */
export function newcomerPolicy(state: LobbyState, newcomers: readonly string[]): NewcomerPolicy | undefined {
  const { hostId, playing = [], topology } = state;
  const isThere = (clientId: string) =>
    memberOf(state, clientId) !== undefined && !isAway(state, clientId) && !newcomers.includes(clientId);
  const players = playing.map(({ clientId }) => clientId).filter(isThere);
  const isHostNew = newcomers.includes(hostId);
  const peers = topology === "mesh" || isHostNew ? players : players.filter((one) => one === hostId);
  if (newcomers.length === 0 || peers.length === 0) return undefined;
  return {
    members: [...newcomers, ...peers],
    topology: topology === "mesh" ? { kind: "mesh" } : { kind: "star", center: hostId },
    onLoss: "continue",
    onSuccess: "stay",
    locks: false,
    newcomers,
  };
}

/** One that plays, to those of these that it is to be connected to: it has lost its links to them. Undefined if there is nobody to connect. */
export function peersPolicy(
  state: LobbyState,
  clientId: string,
  peers: readonly string[],
): NewcomerPolicy | undefined {
  const { playing = [] } = state;
  const all = newcomerPolicy(state, [clientId]);
  if (!all || !playing.some((one) => one.clientId === clientId)) return undefined;
  const missed = all.members.filter((one) => one !== clientId && peers.includes(one));
  return missed.length > 0 ? { ...all, members: [clientId, ...missed] } : undefined;
}

/** Two, and nobody else hears of it: noray's connect. */
export function pairPolicy(clientId: string, peerId: string): MediationPolicy {
  return {
    members: [clientId, peerId],
    topology: { kind: "star", center: clientId },
    onLoss: "abort",
    onSuccess: "stay",
    locks: false,
  };
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
export function isEnough({ topology, newcomers }: MediationPolicy, members: readonly Member[]): boolean {
  if (members.length < 2) return false;
  if (newcomers && !members.some(({ clientId }) => newcomers.includes(clientId))) return false;
  return topology.kind === "mesh" || members.some(({ clientId }) => clientId === topology.center);
}

/**
 * Which of those seen can be connected. Who is relay-only, or is to connect to one who is, needs links, because
 * only these go through relays (docs/links.md), and a relay. In a lobby that is relay-only, or requires encryption, all
 * need links. The
 * center of a star stays: of a pair that cannot be, the other one goes.
 */
export function fitness(
  { relayOnly, encryption }: LobbyState,
  { policy, relay }: Gathering,
  seen: readonly Introduced[],
): { fit: Introduced[]; unfit: Member[] } {
  const { topology } = policy;
  const center = topology.kind === "star" ? topology.center : null;
  const isNew = ({ member }: Introduced) => policy.newcomers?.includes(member.clientId) ?? false;
  const isImpossible = (a: Introduced, b: Introduced) =>
    (a.member.relayOnly || b.member.relayOnly) &&
    !(a.links && b.links && (relay || bothHave("ws-relay", a.member, b.member)));
  const isFit = (each: Introduced) => {
    if (relayOnly || encryption) return each.links;
    if (each.member.clientId === center) return true;
    return !seen.some(
      (other) =>
        other !== each &&
        isPaired(policy, each.member.clientId, other.member.clientId) &&
        isImpossible(each, other) &&
        // A player that is connected already stays.
        (policy.newcomers === undefined || isNew(each)) &&
        (center === null ? each.member.relayOnly || !each.links : other.member.clientId === center),
    );
  };
  const fit = seen.filter(isFit);
  return { fit, unfit: seen.filter((each) => !fit.includes(each)).map(({ member }) => member) };
}

/** Whether a mediation connects these two. */
export function isPaired(
  { topology, newcomers }: Pick<MediationPolicy, "topology" | "newcomers">,
  one: string,
  other: string,
): boolean {
  if (one === other) return false;
  if (topology.kind === "star" && one !== topology.center && other !== topology.center) return false;
  return newcomers === undefined || newcomers.includes(one) || newcomers.includes(other);
}

/** Who is introduced to whom: each pair once. */
export function pairsOf({ policy, host, others }: Introduction): (readonly [Introduced, Introduced])[] {
  const all = [host, ...others];
  return all.flatMap((one, i) =>
    all
      .slice(i + 1)
      .filter((other) => isPaired(policy, one.member.clientId, other.member.clientId))
      .map((other) => [one, other] as const),
  );
}
