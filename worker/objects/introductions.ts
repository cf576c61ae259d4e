/**
 * Encodes what members are told of their sidecar, with their passes, and of each other (core/lobby/introduction.ts), with
 * the keys of their tickets.
 */
import { orionText } from "../../core/dialects/orion.ts";
import type { Asking, Introduction } from "../../core/lobby/effect.ts";
import {
  introduce,
  type LinkSecrets,
  linkCount,
  type Told,
  type UnsignedPeer,
} from "../../core/lobby/introduction.ts";
import { type Member, sessionOf } from "../../core/lobby/state.ts";
import { linkIdBytes } from "../../core/relay/ticket.ts";
import { macBytes } from "../../core/token.ts";
import { encodeBase64Url } from "../../core/wire/base64.ts";
import { type IntroducedPeer, introductionMessage } from "../../core/wire/introduction.ts";
import { serverMessage } from "../../core/wire/server-message.ts";
import type { Env } from "../platform/env.ts";
import { issuePass } from "../platform/keys.ts";
import { keyOfTicket, sidecarId } from "../platform/sidecar-id.ts";

/** A frame, and who gets it. */
export type MemberFrame = { to: Member[]; frame: string };

/**
 * The frames for all of them: at once if they are Orion's clients, later if there are tickets whose keys
 * must be computed.
 */
export function introductions(
  env: Env,
  lobbyTag: string,
  introduction: Introduction,
): MemberFrame[] | Promise<MemberFrame[]> {
  const links = Array.from({ length: linkCount(introduction) }, drawLink);
  const frames = introduce(introduction, { lobbyTag, links, now: Date.now() }).map((told) =>
    frameOf(env, told),
  );
  return frames.every((frame): frame is MemberFrame => !(frame instanceof Promise))
    ? frames
    : Promise.all(frames);
}

/** The frames that ask members for their endpoints: each has a pass of its own. */
export async function askings(
  env: Env,
  lobbyId: string,
  { to, message, sidecar, expiresAt }: Asking,
): Promise<MemberFrame[]> {
  const { mediation } = message;
  const id = sidecarId(env, sidecar);
  return await Promise.all(
    to.map(async (member) => {
      const { holder } = member;
      const clientId = sessionOf(member);
      const pass = await issuePass(env, id, { holder, clientId, mediation, expiresAt });
      return { to: [member], frame: orionText({ ...message, pass }, lobbyId) ?? "" };
    }),
  );
}

function frameOf(env: Env, told: Told): MemberFrame | Promise<MemberFrame> {
  const { to } = told;
  if (told.kind === "plain") {
    return { to, frame: serverMessage("ptpMediation_peersConnection_start", { peers: told.peers }) };
  }
  const { you } = told;
  const signed = told.peers.map((peer) => withKey(env, peer));
  return Promise.all(signed).then((peers) => ({ to, frame: introductionMessage({ peers, you }) }));
}

async function withKey(env: Env, { relay, webSocket, ...peer }: UnsignedPeer): Promise<IntroducedPeer> {
  const [key, otherKey] = await Promise.all(
    [relay, webSocket].map((one) => (one ? keyOfTicket(env, one.ticket) : "")),
  );
  return {
    ...peer,
    ...(relay && key && { relay: { ...relay, key } }),
    ...(webSocket && otherKey && { webSocket: { ...webSocket, key: otherKey } }),
  };
}

function drawLink(): LinkSecrets {
  const id = crypto.getRandomValues(new Uint8Array(linkIdBytes));
  return {
    id: Array.from(id, (byte) => byte.toString(16).padStart(2, "0")).join(""),
    key: encodeBase64Url(crypto.getRandomValues(new Uint8Array(macBytes))),
  };
}
