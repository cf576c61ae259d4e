/**
 * The introduction: what each member is told of its peers when they are to connect.
 *
 * Two things decide it: whether the clients know the additions to Orion, and whether the lobby is
 * relay-only. A client knows the additions if it told local addresses, even an empty list (docs/links.md).
 *
 * | the receiver | of each peer it is told | the same, relay-only |
 * | --- | --- | --- |
 * | does not know the additions | the endpoint, in Orion's own message | nothing |
 * | knows them, but the peer does not | name, id, endpoints, mapping, candidates | name and id |
 * | knows them, and so does the peer | the same, with a link and a ticket | name, id, link and ticket |
 *
 * The host's peers are all the others. Everybody else's only peer is the host (a star).
 *
 * Promises:
 *
 * - Each member is told once, the host first. The host hears of the others in their order.
 * - In a relay-only lobby, no message has an address or a port of a peer. `you` is the receiver's own.
 * - Only the two ends of a link are told its id and key. Each end gets its own ticket, with its side and
 *   both ends' ids. All tickets of one introduction expire at the same time: a relay tells by that time
 *   which of two mediations is the later one.
 *
 * Pure, and without crypto. The ids and keys of links are random, so they come in. Tickets leave without
 * their keys: the shell computes those and encodes the messages.
 */
import type { Endpoint } from "../endpoint.ts";
import type { RelayPlace } from "../fleet.ts";
import { limits } from "../limits.ts";
import { mappingOf, type Observed } from "../mapping.ts";
import { type Side, ticketText } from "../relay/ticket.ts";
import type { Introduction as FullIntroduction, IntroducedPeer } from "../wire/introduction.ts";
import type { Introduced, Introduction } from "./effect.ts";
import type { Member } from "./state.ts";

/** The secrets that one pair shares, drawn for each introduction. Only the two keep them. */
export type LinkSecrets = {
  /** 12 hex digits. */
  readonly id: string;
  /** 16 bytes, base64url. */
  readonly key: string;
};

/** A relay and a ticket for it, without the ticket's key. */
export type UnsignedRelay = RelayPlace & { ticket: string };
export type UnsignedPeer = Omit<IntroducedPeer, "relay"> & { relay?: UnsignedRelay | undefined };

/** A message to these members: Orion's own, or the full one (core/wire/introduction.ts) without keys. */
export type Told = { to: Member[] } & (
  | { kind: "plain"; peers: Endpoint[] }
  | { kind: "full"; peers: UnsignedPeer[]; you: NonNullable<FullIntroduction["you"]> }
);

/** The rest of what an introduction needs. */
export type IntroductionParts = {
  lobbyTag: string;
  /** As many as `linkCount` says. */
  links: readonly LinkSecrets[];
  /** In milliseconds since 1970. */
  now: number;
};

/** How many pairs get a link: those in which both know the additions. */
export function linkCount({ host, others }: Introduction): number {
  return knows(host) ? others.filter(knows).length : 0;
}

/** The messages to all members, in this order. */
export function introduce(introduction: Introduction, { lobbyTag, links, now }: IntroductionParts): Told[] {
  const { host, others } = introduction;
  const left = [...links];
  const pairs = others.map((other) => ({
    other,
    link: knows(host) && knows(other) ? takeFirst(left) : null,
  }));
  const lasts = { lobbyTag, expiresAt: now + limits.relayTicketMs };
  const describe = (to: Introduced, peer: Introduced, link: LinkSecrets | null) =>
    about(introduction, lasts, { to, peer, link });

  const told = knows(host)
    ? [
        full(
          host,
          pairs.map(({ other, link }) => describe(host, other, link)),
        ),
      ]
    : [plain([host], others, introduction)];
  for (const { other, link } of pairs) {
    if (knows(other)) told.push(full(other, [describe(other, host, link)]));
  }
  const rest = others.filter((other) => !knows(other));
  // One message for all of them.
  if (rest.length > 0) told.push(plain(rest, [host], introduction));
  return told;
}

function knows({ observed }: { observed: Observed }): boolean {
  return observed.candidates !== undefined;
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
    peers: relayOnly ? [] : peers.map(({ observed }) => observed.endpoint),
  };
}

function full({ member, observed }: Introduced, peers: UnsignedPeer[]): Told {
  return { kind: "full", to: [member], peers, you: { ...observed.endpoint, mapping: mappingOf(observed) } };
}

/** One peer, as another is told of it. */
function about(
  { host, relay, relayOnly }: Introduction,
  lasts: { lobbyTag: string; expiresAt: number },
  { to, peer, link }: { to: Introduced; peer: Introduced; link: LinkSecrets | null },
): UnsignedPeer {
  const side: Side = to === host ? "a" : "b";
  const who = { clientId: peer.member.clientId, name: peer.member.name };
  const told = relayOnly ? who : { ...whereabouts(peer.observed), ...who };
  if (!link) return told;
  const ends = { clientId: to.member.clientId, peerId: peer.member.clientId };
  const ticket = ticketText({ link: link.id, side, ...lasts, ...ends });
  return { ...told, link: { ...link, side }, relay: relay && { ...relay, ticket } };
}

function whereabouts(observed: Observed) {
  const { endpoint, second, candidates, proven = false } = observed;
  return {
    ...endpoint,
    ports: [endpoint.port, ...(second ? [second.port] : [])],
    mapping: mappingOf(observed),
    proven,
    candidates: candidates ? [...candidates] : undefined,
  };
}
