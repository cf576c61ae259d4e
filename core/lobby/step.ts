import type { Sidecar } from "../fleet.ts";
import { saved } from "./abort.ts";
import { disconnect, expire, lose, onlyToConnected } from "./away.ts";
import { hide } from "./changes.ts";
import { onTime } from "./clock-jumps.ts";
import { close } from "./closing.ts";
import { advanceConnecting, report } from "./connecting.ts";
import { type Effect, listed, type Step, unlisting } from "./effect.ts";
import type { LobbyEvent } from "./event.ts";
import { advanceGathering, hasten, see } from "./gathering.ts";
import { takeReady } from "./getting-ready.ts";
import { takeOver } from "./hosts.ts";
import { lobbyLimits } from "./limits.ts";
import { linkAgain } from "./linking-again.ts";
import { leave, say } from "./membership.ts";
import { afterPause, seeToNewcomers } from "./newcomers.ts";
import { hear, letGoDue } from "./out-of-reach.ts";
import { signal } from "./signals.ts";
import { isOver, type LobbyState, memberOf, remoteMembers } from "./state.ts";

/**
 * Takes an event: the state after it, and what the shell has to do. answer.ts takes requests, and has the
 * theory that both follow. News of a lobby that is over, or of members that it does not have, changes
 * nothing.
 */
export function step(state: LobbyState | null, event: LobbyEvent, now: number): Step<LobbyState | null> {
  const timely = state && onTime(state, now, event.kind === "deadline-passed");
  const taken = seeToNewcomers(take(timely, event, now), now);
  return onlyToConnected(timely === state ? taken : saved(taken));
}

function take(state: LobbyState | null, event: LobbyEvent, now: number): Step<LobbyState | null> {
  if (state === null || isOver(state)) return afterTheEnd(state, event, now);
  switch (event.kind) {
    case "member-left":
      return left(state, event, now);
    case "connection-lost":
      return disconnect(state, { clientIds: [event.clientId], holder: event.holder }, now);
    case "members-lost":
      return lose(state, event, now);
    case "member-heard":
      return hear(state, event.clientId, now);
    case "message-sent":
      return say(state, event.clientId, event.text, now);
    case "signal-sent":
      return signal(state, event);
    case "visibility-changed":
      return hide(state, event.clientId, event.hidden);
    case "endpoint-seen":
      return see(state, event, now);
    case "member-ready":
      return takeReady(state, event, now);
    case "links-lost":
      return linkAgain(state, event, now);
    case "silence-reported":
      return hasten(state, event, now);
    case "connection-reported":
      return report(state, event, now);
    case "listing-failed":
      return mendSoon(state, now);
    case "deadline-passed":
      return wake(state, event.sidecar, now);
    default:
      // While a new version is deployed, its sessions tell of things that lobbies of this one do not know.
      event satisfies never;
      return { state, effects: [] };
  }
}

/** A member has left: a host that is awaited may return. With a request id, only what this request did is undone. One that it brought back is away again. */
function left(
  state: LobbyState,
  { clientId, requestId }: Extract<LobbyEvent, { kind: "member-left" }>,
  now: number,
): Step<LobbyState> {
  if (requestId === undefined) {
    const isAwaited = state.awaitsHost === true && clientId === state.hostId;
    return isAwaited ? disconnect(state, { clientIds: [clientId] }, now) : leave(state, [clientId], now);
  }
  const member = memberOf(state, clientId);
  if (member?.requestId !== requestId) return { state, effects: [] };
  return member.resumes === undefined
    ? leave(state, [clientId], now)
    : disconnect(state, { clientIds: [clientId] }, now);
}

/**
 * All that is due: a member takes over from an absent host, those that have not returned in time leave, those out of
 * reach are let go, the mediation moves on, the audit is made.
 */
function wake(state: LobbyState, sidecar: Sidecar | undefined, now: number): Step<LobbyState> {
  const led = takeOver(state, now);
  const expired = expire(led.state, now);
  const letGo = letGoDue(expired.state, now);
  const advanced = advance(letGo.state, sidecar, now);
  const effects = [...led.effects, ...expired.effects, ...letGo.effects, ...advanced.effects];
  return audit({ state: advanced.state, effects }, now);
}

/** What a mediation does by itself, when its time has come, or newcomers who wait for one. */
function advance(state: LobbyState, sidecar: Sidecar | undefined, now: number): Step<LobbyState> {
  const { phase } = state;
  if (phase.kind === "gathering") return advanceGathering(state, phase, sidecar, now);
  if (phase.kind === "connecting") return advanceConnecting(state, phase, now);
  return afterPause(state, sidecar, now);
}

/** No lobby, or one that is closing: news is too late; a closing that was cut short is repeated. */
function afterTheEnd(state: LobbyState | null, event: LobbyEvent, now: number): Step<LobbyState | null> {
  switch (event.kind) {
    case "listing-failed":
      return state ? mendSoon(state, now) : { state, effects: [] };
    case "deadline-passed":
      return state?.phase.kind === "closing" && state.auditAt <= now
        ? close(closingAgain(state, now), state.phase.success)
        : { state, effects: [] };
    default:
      return { state, effects: [] };
  }
}

function closingAgain(state: LobbyState, now: number): LobbyState {
  return { ...state, auditAt: now + lobbyLimits.auditIntervalMs, auditMs: lobbyLimits.auditIntervalMs };
}

/** The next audit comes at once. The one after that is a first one again. */
function mendSoon(state: LobbyState, now: number): Step<LobbyState> {
  const auditAt = Math.min(state.auditAt, now + lobbyLimits.listingRetryMs);
  if (auditAt === state.auditAt) return { state, effects: [] };
  const auditMs = lobbyLimits.auditIntervalMs / 2;
  return { state: { ...state, auditAt, auditMs }, effects: [{ kind: "save" }] };
}

/**
 * Are the members elsewhere still there, and does the directory still have the lobby right? The checks grow
 * rarer: each one wakes the object and costs a row.
 */
function audit({ state, effects }: Step<LobbyState>, now: number): Step<LobbyState> {
  if (!state.isLasting || state.auditAt > now) return { state, effects };
  // The closing is repeated an interval later, if it is cut short.
  if (isOver(state)) return { state: closingAgain(state, now), effects };
  const members = remoteMembers(state);
  const doubled = Math.min(2 * state.auditMs, lobbyLimits.auditMostMs);
  const auditMs =
    members.length > 0 || state.auditMs < lobbyLimits.auditIntervalMs ? doubled : lobbyLimits.safetyMs;
  const audited = listed({ ...state, auditMs, auditAt: now + auditMs });
  const asked: Effect[] = members.length > 0 ? [{ kind: "audit", members }] : [];
  const entry = state.isPublic ? audited.effects : unlisting(state);
  return { state: audited.state, effects: [...effects, { kind: "save" }, ...entry, ...asked] };
}
