/**
 * What a gateway of Rabid sends, and to whom it may.
 *
 * | what | bound |
 * | --- | --- |
 * | errors to strangers | three times the bytes of the last 10 s, and rates by address and port (answer-budget.ts) |
 * | names and errors to players | three times the bytes of the last 10 s of their own endpoint, or of strangers at their address |
 * | the start | starting.ts |
 *
 * The plugin ends its session on any error but two. So a player of the session is never sent another, for whatever it asks.
 */
import type { Endpoint } from "../../endpoint.ts";
import type { RabidEffect } from "./event.ts";
import { rabidLimits } from "./limits.ts";
import {
  type Farewell,
  forget,
  isPlayerAt,
  keyOf,
  type Player,
  placeOf,
  type RabidState,
  type Source,
} from "./state.ts";
import { errorText, infoText, type RabidError } from "./texts.ts";

/** A step under way. */
export type Draft = { readonly state: RabidState; readonly now: number; readonly effects: RabidEffect[] };

/** Errors on which the plugin only turns back to pinging. */
const harmless: ReadonlySet<RabidError> = new Set(["non_host_player", "only_one_player_in_session"]);

/** Answers somebody who may be anybody. */
export function answer({ state, now, effects }: Draft, to: Source, text: string): void {
  if (state.answers.mayAnswer(to.ip, text.length, now)) effects.push({ kind: "send", to, text });
}

/** Answers a request with an error, unless a player of that session would end its session on it. */
export function refuse(draft: Draft, to: Source, session: string, error: RabidError): void {
  if (!harmless.has(error) && isPlayerAt(draft.state, session, to)) return;
  answer(draft, to, errorText(error));
}

/** Tells a player something. `leave`: bytes that its address must have earned beyond that. False if it may not be told. */
export function tell(draft: Draft, { at }: Player, text: string, leave = 0): boolean {
  return send(draft, at, text, leave);
}

/** To one who was in a session, or waited for one: what was heard before it was in counts for its address. */
function send({ state, now, effects }: Draft, to: Source, text: string, leave = 0): boolean {
  const place = placeOf(to);
  const hasEarned = state.answers.earned(place, now) >= text.length + leave;
  const maySend = state.answers.mayTell(hasEarned ? place : to.ip, text.length, now, leave);
  if (maySend) effects.push({ kind: "send", to, text });
  return maySend;
}

/** Tells a player who is in its session: news. If it may not be told now, its next ping is answered with it. */
export function inform(draft: Draft, player: Player): void {
  player.awaitsNews = !tell(draft, player, infoOf(player));
}

/** The same, for a ping. If it is no news, so much is left that news and a last word can be told as well. */
export function answerPing(draft: Draft, player: Player): void {
  const text = infoOf(player);
  const leave = player.awaitsNews ? 0 : text.length + errorText("session_non_existent").length;
  if (tell(draft, player, text, leave)) player.awaitsNews = false;
}

/** The player is out of its session, and is told why, three times. The edge is told if it does not know. */
export function dismiss(draft: Draft, player: Player, error: RabidError | null, isKnown = false): void {
  const { state, effects } = draft;
  const { id, session, name, at } = player;
  forget(state, player);
  if (!isKnown) effects.push({ kind: "leave", player: id });
  if (error) say(draft, at, { session, name, error, answers: "none", times: rabidLimits.rabidFarewells });
}

/** An answer that ends something, now. It is repeated by itself, and to the same request again. */
export function say(
  draft: Draft,
  to: Source,
  last: {
    session: string;
    name: string;
    error: RabidError;
    answers: Farewell["answers"];
    times: number;
  },
): void {
  const { state, now } = draft;
  const { session, name, error, answers, times } = last;
  const left = times - 1;
  const nextAt = now + rabidLimits.rabidFarewellMs;
  const farewell = { to, error, answers, left, nextAt, until: now + rabidLimits.rabidFarewellKeptMs };
  const key = keyOf(to, session, name);
  state.farewells.delete(key);
  if (state.farewells.size >= rabidLimits.rabidFarewellsKept) forgetOldest(state.farewells);
  state.farewells.set(key, farewell);
  sendFarewell(draft, farewell);
  if (left > 0) state.dueAt = Math.min(state.dueAt, nextAt);
}

/** Repeats what is due, and forgets what is old. */
export function repeatFarewells(draft: Draft): void {
  const { state, now } = draft;
  for (const [key, farewell] of state.farewells) {
    if (farewell.left > 0 && farewell.nextAt <= now) {
      farewell.left -= 1;
      farewell.nextAt = now + rabidLimits.rabidFarewellMs;
      sendFarewell(draft, farewell);
    }
    if (farewell.left > 0) state.dueAt = Math.min(state.dueAt, farewell.nextAt);
    else if (farewell.until <= now) state.farewells.delete(key);
  }
}

/** The last answer that this sender was given, if a request like this gets it again. */
export function farewellTo(
  { state }: Draft,
  from: Endpoint,
  session: string,
  name: string,
  asks: Farewell["answers"],
): RabidError | null {
  const known = state.farewells.get(keyOf(from, session, name));
  if (!known) return null;
  return asks === "none" || known.answers === asks ? known.error : null;
}

function sendFarewell(draft: Draft, { to, error }: Farewell): void {
  send(draft, to, errorText(error));
}

function infoOf({ members }: Player): string {
  return infoText(members.map(({ name }) => name));
}

function forgetOldest(farewells: Map<string, unknown>): void {
  for (const key of farewells.keys()) {
    farewells.delete(key);
    return;
  }
}
