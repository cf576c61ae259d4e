/**
 * The start: each player is told where all the others are, eight times within 0.7 s, as in the original, and then on each ping.
 *
 * The plugin is silent for 2 s after the first of them, and then listens on the same port for its peers. So the last one that it did not
 * ask for comes within 2 s of the first. A ping shows that it has not heard the start: that is answered for longer. The list is the same each
 * time, whoever has confirmed.
 *
 * Twelve invented players and one `s` would make a fountain of this. So it goes only to players that have been heard three times over a second,
 * 1 KB/s to each, and 100 KB/s from the port. A long list is told less often, but the first times as soon after each other as a short one: a
 * player that reads the start a quarter of a second later than the others is never greeted at its right port.
 */
import { fill } from "../../allowance.ts";
import { rabidLimits } from "./limits.ts";
import { type Player, type Started, startRate } from "./state.ts";
import { type Draft, dismiss } from "./telling.ts";
import { type NamedEndpoint, startText } from "./texts.ts";

/** The edge has introduced the player's session. */
export function introduce(draft: Draft, player: Player, peers: readonly NamedEndpoint[]): void {
  const { state, now } = draft;
  const order = player.members.map(({ name }) => name);
  const others = peers.toSorted((a, b) => order.indexOf(a.name) - order.indexOf(b.name));
  const mediation = player.phase.kind === "gathering" ? player.phase.mediation : undefined;
  player.phase = {
    kind: "started",
    mediation,
    text: startText(player.at.port, others),
    at: now,
    firstAt: null,
    roundsLeft: rabidLimits.rabidStartRounds,
    nextAt: now,
    sentAt: [],
    isConfirmed: false,
    isReported: false,
  };
  state.started.add(player);
  advanceStart(draft, player, player.phase);
}

/** Tells the players what is due, and the edge that they are connected when the time is up. */
export function advanceStarts(draft: Draft): void {
  for (const player of draft.state.started)
    if (player.phase.kind === "started") advanceStart(draft, player, player.phase);
}

/** A ping, or the host's `s`: the player has not heard the start. */
export function repeatStart(draft: Draft, player: Player, start: Started): void {
  if (!start.isConfirmed && draft.now >= start.nextAt) sendStart(draft, player, start);
}

/** The player has heard it. */
export function confirm(draft: Draft, player: Player, start: Started): void {
  start.isConfirmed = true;
  report(draft, player, start);
}

function advanceStart(draft: Draft, player: Player, start: Started): void {
  const { state, now } = draft;
  if (now >= start.at + rabidLimits.rabidForgottenMs) {
    dismiss(draft, player, null);
    return;
  }
  const reportAt = start.at + rabidLimits.rabidStartedMs;
  if (now >= reportAt) report(draft, player, start);
  if (isTellingBy(start, now)) {
    if (now >= start.nextAt) sendStart(draft, player, start);
    if (isTellingBy(start, start.nextAt)) state.dueAt = Math.min(state.dueAt, start.nextAt);
  }
  const nextAt = start.isReported ? start.at + rabidLimits.rabidForgottenMs : reportAt;
  state.dueAt = Math.min(state.dueAt, nextAt);
}

/** Whether rounds are still sent at that time. */
function isTellingBy({ isConfirmed, roundsLeft, at, firstAt }: Started, time: number): boolean {
  if (isConfirmed || roundsLeft === 0) return false;
  return firstAt === null
    ? time < at + rabidLimits.rabidStartedMs
    : time <= firstAt + rabidLimits.rabidRoundsMs;
}

/** Sends it if that may be. A round that may not be sent is not lost. */
function sendStart({ state, now, effects }: Draft, player: Player, start: Started): void {
  start.nextAt = now + rabidLimits.rabidRoundMs;
  if (!player.isSteady) {
    state.drops.unproven += 1;
    return;
  }
  const { length } = start.text;
  fill(state.starts, startRate, now);
  // Those who have heard nothing come first.
  const kept = start.firstAt === null ? 0 : rabidLimits.rabidStartReserve * startRate.burst;
  if (state.starts.left < length + kept) {
    state.drops.start_rate += 1;
    return;
  }
  state.starts.left -= length;
  start.firstAt ??= now;
  start.roundsLeft = Math.max(0, start.roundsLeft - 1);
  start.sentAt.push(now);
  start.nextAt = nextRoundOf(start, now);
  effects.push({ kind: "send", to: player.at, text: start.text });
}

/** When the player may be told again: so soon, but never so often that it is too much for a second. */
function nextRoundOf({ text, sentAt }: Started, now: number): number {
  const perSecond = Math.max(1, Math.floor(rabidLimits.rabidStartBytes / text.length));
  const aSecondLater = (sentAt.at(-perSecond) ?? Number.NEGATIVE_INFINITY) + 1_000;
  return Math.max(now + rabidLimits.rabidRoundMs, aSecondLater);
}

/** Nobody hears whether the players have met. Once all are reported, the session is over, and its name is free. */
function report({ effects }: Draft, player: Player, start: Started): void {
  if (start.isReported) return;
  start.isReported = true;
  effects.push({ kind: "report", player: player.id, mediation: start.mediation });
}
