/**
 * What a player's datagram does. The checks of each request are in the original's order (the first that fails answers), but for what made
 * honest players fail there:
 *
 * - A repeated `c` of a player who is in is answered with the names before anything else is looked at.
 * - Who does not send from the player's own address cannot leave, confirm or ping for it. A ping from another port of the player's IP
 *   address counts once the player has been silent for a while: its router has given it another port. A ping from the port before takes
 *   that back.
 * - The repeat of a request that was answered with an error is answered with the same error.
 *
 * Whether a session exists is known here if one of its players is here. If none is, the edge is asked by the attempt itself, and only by
 * `h` and `c`: all else is answered from memory.
 */
import { draw } from "../../allowance.ts";
import { type Endpoint, isSameEndpoint } from "../../endpoint.ts";
import type { Standing } from "../admission.ts";
import { rabidLimits } from "./limits.ts";
import { confirm, repeatStart } from "./starting.ts";
import {
  forget,
  formerAt,
  isPlayerAt,
  isReady,
  isStarting,
  keyOf,
  move,
  noteUse,
  openingRate,
  openingsOf,
  type Player,
  playerOf,
  playersOf,
  type RabidDrops,
  type RabidState,
  type Source,
} from "./state.ts";
import { answerPing, type Draft, dismiss, farewellTo, inform, refuse, say } from "./telling.ts";
import type { HostRequest, JoinRequest, PlayerRequest, RabidError, RabidRequest } from "./texts.ts";

/** Where a request came from, and what that address has shown. */
type Sender = { readonly from: Source; readonly standing: Standing };

export function take(draft: Draft, request: RabidRequest, from: Source, standing: Standing): void {
  const error = refusalOf(draft, request, { from, standing });
  if (error) refuse(draft, from, request.session, error);
}

/** Does what is asked, or says why not. */
function refusalOf(draft: Draft, request: RabidRequest, by: Sender): RabidError | null {
  switch (request.kind) {
    case "host":
      return host(draft, request, by);
    case "join":
      return join(draft, request, by);
    case "ping":
      return ping(draft, request, by);
    case "kick":
      return kick(draft, request, by);
    case "exit":
      return exit(draft, request, by);
    case "start":
      return start(draft, request, by);
    case "confirm":
      return confirmed(draft, request, by);
  }
}

function host(draft: Draft, request: HostRequest, by: Sender): RabidError | null {
  const { state } = draft;
  const { session } = request;
  const leader = hostAt(state, session, by.from);
  if (isStarting(state, session)) return "session_exists";
  if (leader) {
    hear(draft, leader, by, "asks to be in");
    inform(draft, leader);
    return null;
  }
  if (state.inside.has(session)) return "session_exists";
  open(draft, request, by, request.maxMembers);
  return null;
}

function join(draft: Draft, request: JoinRequest, by: Sender): RabidError | null {
  const { state } = draft;
  const { session, player: name } = request;
  const player = playerOf(state, session, name);
  if (player && isSameEndpoint(player.at, by.from)) {
    hear(draft, player, by, "asks to be in");
    inform(draft, player);
    return null;
  }
  if (isStarting(state, session)) return "session_non_existent";
  open(draft, request, by, null);
  return null;
}

function ping(draft: Draft, request: PlayerRequest, by: Sender): RabidError | null {
  const player = ownPlayer(draft, request, by);
  if (!player) return isAnswered(draft, request, by) ? null : reasonFor(draft.state, request.session);
  if (player.phase.kind === "started") repeatStart(draft, player, player.phase);
  else answerPing(draft, player);
  return null;
}

function kick(draft: Draft, { session, player: name }: PlayerRequest, by: Sender): RabidError | null {
  const { state, effects } = draft;
  const leader = hostAt(state, session, by.from);
  // Of those whom a start waits for, the host may still remove one.
  const isOpen = leader?.phase.kind === "gathering" || !isStarting(state, session);
  if (!state.inside.has(session) || !isOpen) return "session_non_existent";
  if (!leader) {
    const mayTell = isNameOf(state, session, name) || isPlayerAt(state, session, by.from);
    return mayTell ? "non_host_player" : "non_existent_player";
  }
  hear(draft, leader, by);
  const member = leader.members.find((one) => one.name === name);
  if (name === leader.name) dismiss(draft, leader, "kicked_by_host");
  else if (member) effects.push({ kind: "kick", player: leader.id, clientId: member.clientId });
  // It has left a moment ago, or was removed: no reason to end the host's session.
  else inform(draft, leader);
  return null;
}

function exit(draft: Draft, request: PlayerRequest, by: Sender): RabidError | null {
  const { state, effects } = draft;
  const { session, player: name } = request;
  const player = playerOf(state, session, name);
  if (!player || !isSameEndpoint(player.at, by.from))
    return isAnswered(draft, request, by) ? null : reasonFor(state, session);
  forget(state, player);
  effects.push({ kind: "leave", player: player.id });
  const error = "player_exited_session";
  say(draft, by.from, { session, name, error, answers: "none", times: 1 });
  return null;
}

function start(draft: Draft, request: PlayerRequest, by: Sender): RabidError | null {
  const { state, now, effects } = draft;
  const { session } = request;
  const leader = hostAt(state, session, by.from);
  if (leader) hear(draft, leader, by);
  if (isStarting(state, session)) {
    if (leader?.phase.kind === "started") repeatStart(draft, leader, leader.phase);
    else if (leader) answerPing(draft, leader);
    return null;
  }
  if (!state.inside.has(session)) return isAnswered(draft, request, by) ? null : "session_non_existent";
  if (!leader) return "non_host_player";
  const { phase } = leader;
  if (leader.members.length < 2) return "only_one_player_in_session";
  if (phase.kind !== "waiting") return null;
  // The plugin repeats `s` instead of pings, and gives up if it hears nothing.
  if (phase.startAskedAt !== null) answerPing(draft, leader);
  if (phase.startAskedAt !== null && now < phase.startAskedAt + rabidLimits.rabidStartAgainMs) return null;
  phase.startAskedAt = now;
  effects.push({ kind: "start", player: leader.id });
  return null;
}

function confirmed(draft: Draft, { session, player: name }: PlayerRequest, by: Sender): RabidError | null {
  const { state } = draft;
  const player = playerOf(state, session, name);
  if (!isStarting(state, session)) return "session_not_started";
  if (!player) return "non_existent_player";
  if (player.phase.kind === "started" && isSameEndpoint(player.at, by.from))
    confirm(draft, player, player.phase);
  return null;
}

/** Asks the edge for a session, or waits for its answer. One datagram alone opens nothing. */
function open(
  draft: Draft,
  { kind, session, player: name, password }: HostRequest | JoinRequest,
  { from, standing }: Sender,
  maxMembers: number | null,
): void {
  const { state, now, effects } = draft;
  const key = keyOf(from, session, name);
  const known = state.opening.get(key);
  const last = farewellTo(draft, from, session, name, kind);
  if (known) hear(draft, known, { from, standing }, "asks to be in");
  else if (last) refuse(draft, from, session, last);
  if (known || last) return;
  if (standing === "new") return;
  const refusal = admit(draft, from.ip, session);
  if (refusal) {
    state.drops[refusal] += 1;
    return;
  }
  state.lastId += 1;
  const player: Player = {
    id: state.lastId,
    session,
    name,
    at: from,
    formers: [],
    heardAt: now,
    isSteady: standing === "steady",
    knowsItIsIn: false,
    phase: { kind: "opening", how: kind },
    members: [],
    isHost: false,
    awaitsNews: false,
  };
  state.players.set(player.id, player);
  state.occupancy.enter(player, from.ip);
  state.opening.set(key, player);
  state.farewells.delete(key);
  effects.push({ kind: "open", player: player.id, session, name, from, password, maxMembers });
}

/**
 * Counts a newcomer of this address, or says why it cannot come in now. Where all places are taken, a player whom nobody plays with makes
 * room, but never in the session that the newcomer asks for.
 */
function admit(draft: Draft, ip: string, session: string): keyof RabidDrops | null {
  const { state, now } = draft;
  const { admission, occupancy, drops } = state;
  if (!occupancy.mayOpen(ip)) return "openings_full";
  const full = admission.enter(ip);
  const yielding = full && occupancy.yieldsTo(ip, full, now, (player) => player.session === session);
  if (full && !yielding) return full;
  const bucket = openingsOf(state, ip, now);
  if (bucket && !draw(bucket, openingRate, now)) {
    if (!full) admission.leave(ip);
    return "openings_rate";
  }
  if (!yielding) return null;
  drops.made_room += 1;
  // As the original says to those who stay too long.
  dismiss(draft, yielding, "session_timeout");
  return admission.enter(ip);
}

/** The player that is named, if it is the sender, or may be. */
function ownPlayer(draft: Draft, request: PlayerRequest, by: Sender): Player | null {
  const player = playerOf(draft.state, request.session, request.player);
  if (!player) return null;
  if (!isSameEndpoint(player.at, by.from)) {
    if (!isBack(player, by.from) && !hasMoved(draft, player, by.from)) return null;
    move(draft.state, player, by.from);
    // The edge is told again: it takes the newest until all are seen.
    if (player.phase.kind === "gathering") player.phase.isObserved = false;
  }
  hear(draft, player, by);
  return player;
}

/** Whether the player never left the port that it had: another program of its IP address took its place while it was silent. */
function isBack(player: Player, from: Endpoint): boolean {
  const { kind } = player.phase;
  return (kind === "waiting" || kind === "gathering") && formerAt(player, from) >= 0;
}

/** Whether the player's router may have given it another port. Once it was seen for its peers it must stay where it is. */
function hasMoved({ now }: Draft, { at, heardAt, phase }: Player, from: Endpoint): boolean {
  if (phase.kind !== "waiting" || at.ip !== from.ip) return false;
  return now - heardAt >= rabidLimits.rabidRebindMs;
}

function hear(
  { state, now, effects }: Draft,
  player: Player,
  { from, standing }: Sender,
  shows: "asks to be in" | "knows that it is in" = "knows that it is in",
): void {
  player.heardAt = now;
  player.at = from;
  player.isSteady = standing === "steady";
  player.knowsItIsIn ||= shows === "knows that it is in";
  noteUse(state, player, now);
  const { phase } = player;
  if (phase.kind !== "gathering" || phase.isObserved || !isReady(player)) return;
  phase.isObserved = true;
  effects.push({ kind: "observe", player: player.id, from });
}

/** Answers a request of one who is out, as it was answered before, or not at all where that may be a player whose port has changed. */
function isAnswered(draft: Draft, { session, player: name }: PlayerRequest, { from }: Sender): boolean {
  const { state } = draft;
  const last = farewellTo(draft, from, session, name, "none");
  if (last) refuse(draft, from, session, last);
  if (last) return true;
  if (state.opening.has(keyOf(from, session, name))) return true;
  return playerOf(state, session, name)?.at.ip === from.ip;
}

function reasonFor(state: RabidState, session: string): RabidError {
  const isActive = state.inside.has(session) && !isStarting(state, session);
  return isActive ? "non_existent_player" : "session_non_existent";
}

/** The host of the session, if it is in this gateway and sends from there. */
function hostAt(state: RabidState, session: string, from: Endpoint): Player | undefined {
  for (const player of playersOf(state, session))
    if (player.isHost && isSameEndpoint(player.at, from)) return player;
  return undefined;
}

/** Whether anybody here knows a member of this name. */
function isNameOf(state: RabidState, session: string, name: string): boolean {
  for (const { members } of playersOf(state, session))
    if (members.some((member) => member.name === name)) return true;
  return false;
}
