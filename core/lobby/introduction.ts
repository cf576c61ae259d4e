/**
 * The introduction: what each member is told of its peers when they are to connect.
 *
 * Four things decide it: who is to connect to whom (policy.ts), which of the clients know links
 * (features.ts), whether the lobby or one of a pair is relay-only, and which candidates may be told
 * (told-candidates.ts).
 *
 * | the receiver | of each peer it is told | the same, if one of the two, or the lobby, is relay-only |
 * | --- | --- | --- |
 * | does not know links | the endpoint, in Orion's own message | nothing |
 * | the same, in a mesh, but has said what it can do | name, id, endpoints, mapping, candidates | name and id |
 * | knows them, but the peer does not | name, id, endpoints, mapping, candidates | name and id |
 * | knows them, and so does the peer | the same, with a link and a ticket | name, id, link and ticket |
 *
 * With a link come, besides: a ticket for the relay over WebSocket, how to connect by WebRTC, and the commitment to the peer's
 * key, each if both clients have that feature. A member that cannot use UDP has no endpoint that anybody could be told.
 *
 * In a star the host's peers are all the others, and everybody else's only peer is the host. In a mesh each
 * member's peers are all the others.
 *
 * Promises:
 *
 * - Each member is told once, the host first. The host hears of the others in their order.
 * - In a relay-only lobby, no message has an address or a port of a peer. `you` is the receiver's own. The same
 *   is true of what a relay-only member is told, and of what others are told of it.
 * - Only the two ends of a link are told its id and key. Each end gets its own ticket, with its side and
 *   both ends' ids. All tickets of one introduction say the same time at which it was: a relay tells by
 *   that which of two mediations is the later one.
 *
 * Pure, and without crypto. The ids and keys of links are random, so they come in. Tickets leave without
 * their keys: the shell computes those and encodes the messages.
 */
import type { Endpoint } from "../endpoint.ts";
import type { RelayPlace } from "../fleet.ts";
import { regionAt } from "../lounges.ts";
import { mappingOf } from "../mapping.ts";
import { relayLimits } from "../relay/limits.ts";
import { type Side, ticketText, webSocketRelay } from "../relay/ticket.ts";
import type { Introduction as FullIntroduction, IntroducedPeer } from "../wire/introduction.ts";
import type { Introduced, Introduction } from "./effect.ts";
import { bothHave } from "./features.ts";
import { pairsOf } from "./policy.ts";
import { relayNumber } from "./relays.ts";
import type { Member } from "./state.ts";
import { candidatesTold, isNear } from "./told-candidates.ts";

/** The secrets that one pair shares, drawn for each introduction. Only the two keep them. */
export type LinkSecrets = {
  /** 12 hex digits. */
  readonly id: string;
  /** 16 bytes, base64url. */
  readonly key: string;
};

/** A relay and a ticket for it, without the ticket's key. */
export type UnsignedRelay = RelayPlace & { ticket: string; lifeMs: number };
export type UnsignedWebSocket = { ticket: string; lifeMs: number };
export type UnsignedPeer = Omit<IntroducedPeer, "relay" | "webSocket"> & {
  relay?: UnsignedRelay | undefined;
  webSocket?: UnsignedWebSocket | undefined;
};

/** A message to these members: Orion's own, or the full one (core/wire/introduction.ts) without keys. */
export type Told = { to: Member[] } & (
  | { kind: "plain"; peers: Endpoint[] }
  | { kind: "full"; peers: UnsignedPeer[]; you: FullIntroduction["you"] }
);

/** The rest of what an introduction needs. */
export type IntroductionParts = {
  lobbyTag: string;
  /** As many as `linkCount` says. */
  links: readonly LinkSecrets[];
  /** In milliseconds since 1970. */
  now: number;
};

/** How many pairs get a link: those in which both know links. */
export function linkCount(introduction: Introduction): number {
  return pairsOf(introduction).filter(isLinked).length;
}

/** The messages to all members, in this order. */
export function introduce(introduction: Introduction, { lobbyTag, links, now }: IntroductionParts): Told[] {
  const { host, others } = introduction;
  const left = [...links];
  const pairs = pairsOf(introduction).map((ends) => ({
    ends,
    link: isLinked(ends) ? takeFirst(left) : null,
  }));
  const time = { lobbyTag, now };
  const peersOf = (to: Introduced) =>
    pairs.flatMap(({ ends: [a, b], link }) =>
      a === to ? [{ peer: b, link }] : b === to ? [{ peer: a, link }] : [],
    );
  const isMesh = introduction.policy.topology.kind === "mesh";
  // In a star all have one peer, whom they know. In a mesh nobody could tell whose endpoint is whose.
  const isToldNames = ({ links, member }: Introduced) => links || (isMesh && member.features !== undefined);
  const tell = (to: Introduced): Told =>
    isToldNames(to)
      ? full(
          to,
          peersOf(to).map(({ peer, link }) => about(introduction, time, { to, peer, link, pairs })),
        )
      : plain(
          [to],
          peersOf(to).map(({ peer }) => peer),
          introduction,
        );
  const rest = others.filter((other) => !isToldNames(other));
  const told = [host, ...others.filter(isToldNames)].map(tell);
  // In a star all of them have one peer: one message for all.
  if (!isMesh && rest.length > 0) told.push(plain(rest, [host], introduction));
  else told.push(...rest.map(tell));
  return told;
}

function isLinked([a, b]: readonly [Introduced, Introduced]): boolean {
  return a.links && b.links;
}

function takeFirst(links: LinkSecrets[]): LinkSecrets {
  const link = links.shift();
  if (!link) throw new Error("fewer links than pairs that get one");
  return link;
}

/** Orion's own message. Without endpoints there is nobody to connect to. */
function plain(to: readonly Introduced[], peers: readonly Introduced[], { relayOnly }: Introduction): Told {
  return {
    kind: "plain",
    to: to.map(({ member }) => member),
    peers: peers
      .filter((peer) => !relayOnly && !peer.member.relayOnly && !to.some(({ member }) => member.relayOnly))
      .flatMap(({ observed }) => observed?.endpoint ?? []),
  };
}

function full({ member, observed }: Introduced, peers: UnsignedPeer[]): Told {
  const you = observed && { ...observed.endpoint, mapping: mappingOf(observed) };
  return { kind: "full", to: [member], peers, you };
}

/** One peer, as another is told of it. */
function about(
  introduction: Introduction,
  { lobbyTag, now }: { lobbyTag: string; now: number },
  {
    to,
    peer,
    link,
    pairs,
  }: {
    to: Introduced;
    peer: Introduced;
    link: LinkSecrets | null;
    pairs: readonly { ends: readonly [Introduced, Introduced] }[];
  },
): UnsignedPeer {
  const side: Side = pairs.some(({ ends: [a, b] }) => a === to && b === peer) ? "a" : "b";
  const who = { clientId: peer.member.clientId, name: peer.member.name };
  const { relay } = introduction;
  const isHidden = introduction.relayOnly || to.member.relayOnly === true || peer.member.relayOnly === true;
  const told = isHidden ? who : { ...whereabouts(peer, to), ...who };
  if (!link) return told;
  const lifeMs = relayLimits.relayTicketMs;
  const ends = { clientId: to.member.clientId, peerId: peer.member.clientId };
  const lasts = { begunAt: now, expiresAt: now + lifeMs };
  const ticketFor = (sidecar: string) =>
    ticketText({ link: link.id, side, ...lasts, lobbyTag, ...ends, sidecar });
  const { name = "", ...place } = relay ?? {};
  const number = relayNumber(introduction.policy, to, peer);
  const region = regionAt(introduction.place);
  return {
    ...told,
    link: { ...link, side },
    // It is of no use to one that has no UDP, nor is one that leads to it.
    ...(relay &&
      to.observed &&
      peer.observed && { relay: { ...place, port: relay.port, ticket: ticketFor(name), lifeMs } }),
    ...(number !== null && { webSocket: { ticket: ticketFor(webSocketRelay({ number, region })), lifeMs } }),
    ...(bothHave("webrtc", to.member, peer.member) && {
      webrtc: { polite: side === "b", near: !isHidden && isNear(peer, to), relayOnly: isHidden },
    }),
    ...(bothHave("encrypted", to.member, peer.member) && {
      commitment: peer.commitment,
      features: [...(peer.member.features ?? [])],
    }),
  };
}

function whereabouts(peer: Introduced, to: Introduced) {
  const { observed } = peer;
  if (!observed) return {};
  const { endpoint, second, proven = false } = observed;
  return {
    ...endpoint,
    ports: [endpoint.port, ...(second ? [second.port] : [])],
    mapping: mappingOf(observed),
    proven,
    candidates: candidatesTold(peer, to),
  };
}
