/** The second half of a mediation: every member knows its peers, and says whether it is connected to them. */

import { limits } from "../limits.ts";
import type { Cause } from "../link/cause.ts";
import type { AbortCode } from "../problem.ts";
import type { ConnectionReport } from "../wire/client-message.ts";
import { abort, leftOut, saved } from "./abort.ts";
import { close } from "./closing.ts";
import type { Effect, Step } from "./effect.ts";
import type { LobbyEvent } from "./event.ts";
import { proceed } from "./gathering.ts";
import {
  type Connecting,
  hasHost,
  type LobbyState,
  type Member,
  mediationId,
  memberOf,
  type Via,
} from "./state.ts";

type Report = Extract<LobbyEvent, { kind: "connection-reported" }>;

/** A member says that it is connected to its peers, or cannot be. When all have said so, the lobby has done its work. */
export function report(state: LobbyState, event: Report, now: number): Step<LobbyState> {
  const { phase } = state;
  const { clientId, connected, mediation } = event;
  const member = memberOf(state, clientId);
  if (!member || !("lost" in phase) || phase.lost.includes(clientId)) return { state, effects: [] };
  if (mediation !== undefined && mediation !== mediationId(phase)) return { state, effects: [] };
  if (phase.kind === "gathering" ? connected : phase.reported.includes(clientId))
    return { state, effects: [] };
  return tell(explain(state, member, event), takeReport(state, event, now));
}

/** Giving up, when its time has come: on those who have not reported, where it can go on with the rest. */
export function advanceConnecting(state: LobbyState, phase: Connecting, now: number): Step<LobbyState> {
  if (phase.giveUpAt > now) {
    if (phase.lookAt > now) return { state, effects: [] };
    return saved({ state: { ...state, phase: { ...phase, lookAt: now + limits.clockLookMs } }, effects: [] });
  }
  const late = idsOf(state).filter((id) => !phase.reported.includes(id));
  return state.goesOn
    ? goOnWithout(state, late, "connecting_timeout", now)
    : saved(abort(state, "connecting_timeout"));
}

/** Members have left in the middle of a mediation: it ends, or goes on with the rest. `state` is without them. */
export function afterLeaving(state: LobbyState, now: number): Step<LobbyState> {
  const { phase } = state;
  if (!("lost" in phase)) return { state, effects: [] };
  const left = state.members.filter(({ clientId }) => !phase.lost.includes(clientId));
  return state.goesOn && left.length > 1 ? onward(state, now) : abort(state, "member_left");
}

function takeReport(
  state: LobbyState,
  { clientId, connected, report }: Report,
  now: number,
): Step<LobbyState> {
  if (connected) return finish(withReported(state, clientId, report));
  if (!state.goesOn) return saved(abort(state, "could_not_connect"));
  if (clientId !== state.hostId) return goOnWithout(state, [clientId], "could_not_connect", now);
  // The host is one end of every pair: it goes on with those that it says to have a path to.
  const reached = report.peers.filter(({ path }) => path !== null).map((peer) => peer.clientId);
  const gone = idsOf(state).filter((id) => id !== clientId && !reached.includes(id));
  return goOnWithout(withReported(state, clientId, report), gone, "could_not_connect", now);
}

function withReported(state: LobbyState, clientId: string, report: ConnectionReport): LobbyState {
  const { phase } = state;
  if (phase.kind !== "connecting") return state;
  const { reported, via } = phase;
  return {
    ...state,
    phase: { ...phase, reported: [...reported, clientId], via: [...via, viaOf(report)] },
  };
}

/** The weakest of the paths in a member's report. */
export function viaOf({ peers }: ConnectionReport): Via {
  const weakest = (["relay", "direct", "lan"] as const).find((via) => peers.some(({ path }) => path === via));
  return weakest ?? "unknown";
}

/** The host is told what there is to explain: a pair that is not connected, or not directly. */
function explain(state: LobbyState, { clientId, name }: Member, { connected, report }: Report): Effect[] {
  // What may be direct in a moment is no news: the host's own client sees it.
  const isFine = ({ cause }: { cause: Cause | null }) => cause === null || cause === "not-yet-direct";
  const silent = connected && report.cause === null && report.peers.every(isFine);
  const host = memberOf(state, state.hostId);
  if (silent || !host || clientId === state.hostId) return [];
  return [{ kind: "send", to: [host], message: { type: "mediationReported", clientId, name, report } }];
}

/** The mediation goes on without these, if enough are left; else it ends. */
function goOnWithout(
  state: LobbyState,
  clientIds: readonly string[],
  why: AbortCode,
  now: number,
): Step<LobbyState> {
  const { phase } = state;
  if (!("lost" in phase)) return { state, effects: [] };
  const gone = state.members.filter(
    (member) => clientIds.includes(member.clientId) && !phase.lost.includes(member.clientId),
  );
  if (gone.length === 0 && phase.kind === "gathering") return { state, effects: [] };
  const lost = [...phase.lost, ...gone.map(({ clientId }) => clientId)];
  const left = state.members.filter(({ clientId }) => !lost.includes(clientId));
  if (left.length < 2 || !hasHost(state, left)) return saved(abort(state, why));
  return tell(leftOut(gone), onward({ ...state, phase: { ...phase, lost } }, now));
}

/** Has something told before all else, but not before it is saved, nor before the directory knows. */
function tell(first: readonly Effect[], { state, effects }: Step<LobbyState>): Step<LobbyState> {
  const at = effects.findIndex(({ kind }) => kind !== "save" && kind !== "unlist");
  return { state, effects: effects.toSpliced(at < 0 ? effects.length : at, 0, ...first) };
}

/** Somebody less is waited for: perhaps that was the last. */
function onward(state: LobbyState, now: number): Step<LobbyState> {
  if (state.phase.kind !== "gathering") return finish(state);
  const { state: after, effects } = proceed(state, now);
  return saved({ state: after, effects });
}

function finish(state: LobbyState): Step<LobbyState> {
  const { phase } = state;
  const done =
    phase.kind === "connecting" &&
    state.members.every(({ clientId }) => phase.reported.includes(clientId) || phase.lost.includes(clientId));
  return done ? close(state, true) : saved({ state, effects: [] });
}

function idsOf({ members }: LobbyState): string[] {
  return members.map(({ clientId }) => clientId);
}
