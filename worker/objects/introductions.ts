/** What members are told of each other when they are to connect: endpoints, and for clients that know more, all that helps. */

import { limits } from "../../core/limits.ts";
import type { Introduced, Introduction } from "../../core/lobby/effect.ts";
import type { Member } from "../../core/lobby/state.ts";
import { mappingOf } from "../../core/mapping.ts";
import { linkIdBytes, type Side, type Ticket, ticketText } from "../../core/relay/ticket.ts";
import { macBytes } from "../../core/token.ts";
import { encodeBase64Url } from "../../core/wire/base64.ts";
import { type IntroducedPeer, introductionMessage } from "../../core/wire/introduction.ts";
import { serverMessage } from "../../core/wire/server-message.ts";
import type { Env } from "../platform/env.ts";
import { ticketKey } from "../platform/keys.ts";

/** A frame, and who gets it. */
export type MemberFrame = { to: Member[]; frame: string };

/** What one pair shares. Drawn anew for every mediation, and remembered by nobody but the two. */
type Link = { id: string; key: string };

/** The frames for all of them: at once if they are Orion's clients, later if keys are to be made. */
export function introductions(
  env: Env,
  lobbyId: string,
  introduction: Introduction,
): MemberFrame[] | Promise<MemberFrame[]> {
  const { host, others } = introduction;
  const knowing = others.filter(knows);
  const plain = plainFrame(
    others.filter((other) => !knowing.includes(other)).map(({ member }) => member),
    [host],
    introduction,
  );
  if (!knows(host) && knowing.length === 0) {
    return [plainFrame([host.member], others, introduction), plain];
  }
  return fullFrames(env, lobbyId, introduction, knowing).then((frames) => [...frames, plain]);
}

/** Whether it knows the additions to Orion. */
function knows({ links }: Introduced): boolean {
  return links;
}

/** Orion's own message. Where endpoints may not be told there is nobody to connect to. */
function plainFrame(to: Member[], peers: readonly Introduced[], { relayOnly }: Introduction): MemberFrame {
  const endpoints = relayOnly ? [] : peers.map(({ sighting }) => sighting.endpoint);
  return { to, frame: serverMessage("ptpMediation_peersConnection_start", { peers: endpoints }) };
}

async function fullFrames(
  env: Env,
  lobbyId: string,
  introduction: Introduction,
  knowing: readonly Introduced[],
): Promise<MemberFrame[]> {
  const { host, others } = introduction;
  const pairs = others.map((other) => ({
    other,
    link: knows(host) && knowing.includes(other) ? drawLink() : null,
  }));
  // The same for all: the relay knows by it which tickets are of one mediation, and which of a later one.
  const expiresAt = Date.now() + limits.relayTicketMs;
  const describe = (to: Introduced, peer: Introduced, link: Link | null) =>
    about(env, { lobbyId, expiresAt }, introduction, { to, peer, link });
  const hosts = knows(host)
    ? fullFrame(host, await Promise.all(pairs.map(({ other, link }) => describe(host, other, link))))
    : plainFrame([host.member], others, introduction);
  const theirs = pairs
    .filter(({ other }) => knowing.includes(other))
    .map(async ({ other, link }) => fullFrame(other, [await describe(other, host, link)]));
  return [hosts, ...(await Promise.all(theirs))];
}

function fullFrame({ member, sighting }: Introduced, peers: IntroducedPeer[]): MemberFrame {
  const you = { ...sighting.endpoint, mapping: mappingOf(sighting) };
  return { to: [member], frame: introductionMessage({ peers, you }) };
}

/** One peer, as another is told of it. */
async function about(
  env: Env,
  ticket: Pick<Ticket, "lobbyId" | "expiresAt">,
  { host, relay, relayOnly }: Introduction,
  { to, peer, link }: { to: Introduced; peer: Introduced; link: Link | null },
): Promise<IntroducedPeer> {
  const { endpoint, second, candidates, proven = false } = peer.sighting;
  const side: Side = to === host ? "a" : "b";
  const who = { clientId: peer.member.clientId, name: peer.member.name };
  const where = {
    ...endpoint,
    ports: [endpoint.port, ...(second ? [second.port] : [])],
    mapping: mappingOf(peer.sighting),
    proven,
    candidates: candidates ? [...candidates] : undefined,
  };
  const told = relayOnly ? who : { ...where, ...who };
  if (!link) return told;
  const ends = { clientId: to.member.clientId, peerId: peer.member.clientId };
  return {
    ...told,
    link: { ...link, side },
    relay: relay && {
      ...relay,
      ...(await drawTicket(env, { link: link.id, side, ...ticket, ...ends })),
    },
  };
}

async function drawTicket(env: Env, about: Ticket): Promise<{ ticket: string; key: string }> {
  const ticket = ticketText(about);
  return { ticket, key: await ticketKey(env, ticket) };
}

function drawLink(): Link {
  const id = crypto.getRandomValues(new Uint8Array(linkIdBytes));
  return {
    id: Array.from(id, (byte) => byte.toString(16).padStart(2, "0")).join(""),
    key: encodeBase64Url(crypto.getRandomValues(new Uint8Array(macBytes))),
  };
}
