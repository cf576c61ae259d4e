/**
 * A gateway of Rabid Hole Punch: datagrams in, datagrams and requests to the edge out.
 *
 * Each player that is let in has one connection to the edge, and is a member of the lobby `rabid:<session>` there. What a player asks for
 * goes to the edge once, and what the edge says of the session is kept with the player. Pings, repeats and odd datagrams are answered
 * from that memory: they never cause a request. Players of one session may be in several gateways.
 *
 * | file | what it decides |
 * | --- | --- |
 * | texts.ts | what a datagram says |
 * | requests.ts | what it does |
 * | edge-news.ts | what the edge's answers and news mean |
 * | starting.ts | who is told the start, and how often |
 * | telling.ts | what may be sent to whom |
 *
 * The state is changed in place. Effects are in the order in which they are to be done.
 */
import { hearEdge } from "./edge-news.ts";
import type { RabidEffect, RabidEvent } from "./event.ts";
import { rabidLimits } from "./limits.ts";
import { take } from "./requests.ts";
import { advanceStarts } from "./starting.ts";
import { placeOf, type RabidState, type Source } from "./state.ts";
import { answer, type Draft, dismiss, repeatFarewells } from "./telling.ts";
import { errorText, readRequest } from "./texts.ts";

/** `now` is in milliseconds, and never goes back. */
export function step(state: RabidState, event: RabidEvent, now: number): RabidEffect[] {
  const draft: Draft = { state, now, effects: [] };
  switch (event.kind) {
    case "datagram-received":
      hear(draft, event.from, event.bytes);
      break;
    case "deadline-passed":
      break;
    case "stopping":
      dismissAll(draft);
      break;
    default:
      hearEdge(draft, event);
  }
  if (now >= state.dueAt) {
    state.dueAt = Number.POSITIVE_INFINITY;
    repeatFarewells(draft);
    advanceStarts(draft);
  }
  if (now >= state.sweepAt) dropSilent(draft);
  const isIdle = state.players.size === 0 && state.farewells.size === 0;
  if (isIdle) state.sweepAt = Number.POSITIVE_INFINITY;
  else if (state.sweepAt === Number.POSITIVE_INFINITY) state.sweepAt = now + rabidLimits.rabidSweepMs;
  return draft.effects;
}

/** When something is due, in milliseconds. Infinity if nothing is. */
export function wakeAt({ dueAt, sweepAt }: RabidState): number {
  return Math.min(dueAt, sweepAt);
}

function hear(draft: Draft, from: Source, bytes: Uint8Array): void {
  const { state, now } = draft;
  const place = placeOf(from);
  const isPlayers = state.places.has(place);
  const standing = state.admission.hear(from, now, isPlayers);
  if (standing === "rate") {
    state.messages.shed += 1;
    return;
  }
  state.answers.heard(isPlayers ? place : from.ip, bytes.length, now);
  const request = readRequest(bytes);
  state.messages[request.kind] += 1;
  if ("session" in request) take(draft, request, from, standing);
  else if (request.kind === "invalid") answer(draft, from, errorText("invalid_request"));
}

/** Nobody who plays on has to wait for it: the others would try for 15 s. */
function dismissAll(draft: Draft): void {
  for (const player of draft.state.players.values()) {
    const { kind } = player.phase;
    dismiss(draft, player, kind === "waiting" || kind === "gathering" ? "session_timeout" : null);
  }
}

/** Players that have fallen silent are out, and those who no longer wait to be let in. */
function dropSilent(draft: Draft): void {
  const { state, now } = draft;
  state.sweepAt = now + rabidLimits.rabidSweepMs;
  for (const player of state.players.values()) {
    const silentMs = now - player.heardAt;
    switch (player.phase.kind) {
      case "opening":
        if (silentMs > rabidLimits.rabidUnrepeatedMs) dismiss(draft, player, null);
        break;
      case "waiting":
      case "gathering":
        if (silentMs > rabidLimits.rabidSilentMs) dismiss(draft, player, "player_timeout");
        break;
      case "started":
    }
  }
  repeatFarewells(draft);
}
