/**
 * The introduction: what each member is told of the others when they are to connect. A rule, as a table of two questions:
 *
 * | a member is told of each of its peers | if it does not know the additions | if it alone does | if both do |
 * | --- | --- | --- | --- |
 * | in any lobby | the endpoint | name, id, endpoints, mapping, candidates | these, a link, and a ticket for the relay |
 * | in one that is relay-only | nothing | name and id | these, a link, and a ticket for the relay |
 *
 * The host's peers are all others, and theirs is the host alone (a star). Whoever tells local addresses, though it be none,
 * knows the additions to Orion (docs/links.md); every other member gets Orion's own message, whoever else is in the lobby.
 *
 * What it promises:
 *
 * - Each member is told once, the host first. The host hears of the others in their order.
 * - In a relay-only lobby no message has an address or a port of any peer. `you` is the receiver's own, which it knows.
 * - A link's id and key are told to its two ends and to nobody else. Each end's ticket names both ends, its own side, and a time
 *   that is the same for all tickets of one introduction: by it a relay knows which of two mediations is the later.
 *
 * Pure, and without crypto: the ids and keys of links are random and come in, and tickets leave without their keys. The shell
 * adds those, and encodes.
 */
import type { Endpoint } from "../endpoint.ts";
import type { RelayPlace } from "../fleet.ts";
import { limits } from "../limits.ts";
import { mappingOf, type Observed } from "../mapping.ts";
import { type Side, ticketText } from "../relay/ticket.ts";
import type { Introduction as FullIntroduction, IntroducedPeer } from "../wire/introduction.ts";
import type { Introduced, Introduction } from "./effect.ts";
import type { Member } from "./state.ts";

/** What one pair shares: secrets, drawn for each introduction, and remembered by nobody but the two. */
export type LinkSecrets = {
  /** 12 hex digits. */
  readonly id: string;
  /** 16 bytes, base64url. */
  readonly key: string;
};

/** Where a ticket is good, without the key that proves whose it is. */
export type UnsignedRelay = RelayPlace & { ticket: string };
export type UnsignedPeer = Omit<IntroducedPeer, "relay"> & { relay?: UnsignedRelay | undefined };

/** What these members are told. */
export type Told = { to: Member[] } & (
  | { kind: "plain"; peers: Endpoint[] }
  | { kind: "full"; peers: UnsignedPeer[]; you: NonNullable<FullIntroduction["you"]> }
);

/** What an introduction needs besides its members. */
export type IntroductionParts = {
  lobbyId: string;
  /** As many as `linkCount` says. */
  links: readonly LinkSecrets[];
  /** In milliseconds since 1970. */
  now: number;
};

/** How many pairs get a link: those in which both know the additions. */
export function linkCount({ host, others }: Introduction): number {
  return knows(host) ? others.filter(knows).length : 0;
}

/** What all members are told, in the order in which they are. */
export function introduce(introduction: Introduction, { lobbyId, links, now }: IntroductionParts): Told[] {
  const { host, others } = introduction;
  const left = [...links];
  const pairs = others.map((other) => ({
    other,
    link: knows(host) && knows(other) ? takeFirst(left) : null,
  }));
  const lasts = { lobbyId, expiresAt: now + limits.relayTicketMs };
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

/** Orion's own message. Where endpoints may not be told there is nobody to connect to. */
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
  lasts: { lobbyId: string; expiresAt: number },
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
