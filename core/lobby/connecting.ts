/** The second half of a mediation: every member knows its peers, and says whether it is connected to them. */

import type { Cause } from "../link/cause.ts";
import type { AbortCode } from "../problem.ts";
import type { ConnectionReport } from "../wire/client-message.ts";
import { pathKinds } from "../wire/path-kinds.ts";
import { abort, leftOut, saved, tell } from "./abort.ts";
import { close } from "./closing.ts";
import type { Effect, Step } from "./effect.ts";
import type { LobbyEvent } from "./event.ts";
import { miss, proceed, remindSoon } from "./gathering.ts";
import { lobbyLimits } from "./limits.ts";
import { nowPlaying } from "./newcomers.ts";
import { isEnough, isPaired, participants, takesPart } from "./policy.ts";
import {
  type Connecting,
  type Gathering,
  isAway,
  type LobbyState,
  type Member,
  mediationId,
  memberOf,
  type Via,
} from "./state.ts";

type Report = Extract<LobbyEvent, { kind: "connection-reported" }>;

/**
 * A member says that it is connected to its peers, or cannot be. When all have said so, the lobby has done
 * its work.
 */
export function report(state: LobbyState, event: Report, now: number): Step<LobbyState> {
  const { phase } = state;
  const { clientId, connected, mediation } = event;
  const member = memberOf(state, clientId);
  if (!member || !("lost" in phase) || !takesPart(phase, clientId)) return { state, effects: [] };
  if (mediation !== undefined && mediation !== mediationId(phase)) return { state, effects: [] };
  if (phase.kind === "gathering" ? connected : phase.reported.includes(clientId))
    return { state, effects: [] };
  return tell(explain(state, member, event), takeReport(state, event, now));
}

/** Giving up, when its time has come: on those who have not reported, where it can go on with the rest. */
export function advanceConnecting(state: LobbyState, phase: Connecting, now: number): Step<LobbyState> {
  if (phase.giveUpAt > now) {
    if (phase.lookAt > now) return { state, effects: [] };
    return saved({
      state: { ...state, phase: { ...phase, lookAt: now + lobbyLimits.clockLookMs } },
      effects: [],
    });
  }
  const late = participants(state, phase)
    .map(({ clientId }) => clientId)
    .filter((clientId) => !isThrough(state, phase, clientId));
  return phase.policy.onLoss === "continue"
    ? goOnWithout(state, late, { code: "connecting_timeout", by: membersAmong(state, late) }, now)
    : saved(abort(state, "connecting_timeout", membersAmong(state, late), now));
}

/**
 * Members have left in the middle of a mediation: it ends, or goes on with the rest. `state` is without them.
 */
export function afterLeaving(state: LobbyState, gone: readonly Member[], now: number): Step<LobbyState> {
  const { phase } = state;
  if (!("lost" in phase) || !gone.some(({ clientId }) => takesPart(phase, clientId))) {
    return { state, effects: [] };
  }
  const { policy } = phase;
  const goesOn = policy.onLoss === "continue" && isEnough(policy, participants(state, phase));
  return goesOn ? onward(state, now) : abort(state, "member_left", gone, now);
}

/**
 * Members have lost their connections, and may return. The mediation waits for them as for any that are
 * missing.
 */
export function afterGoingAway(
  state: LobbyState,
  clientIds: readonly string[],
  now: number,
): Step<LobbyState> {
  const { phase } = state;
  if (!("lost" in phase) || !clientIds.some((clientId) => takesPart(phase, clientId))) {
    return { state, effects: [] };
  }
  return miss(state, clientIds, now);
}

/** A member has returned: perhaps it was the last that the mediation waited for. */
export function afterReturning(state: LobbyState, clientId: string, now: number): Step<LobbyState> {
  const { phase } = state;
  if (!("lost" in phase) || !takesPart(phase, clientId)) return { state, effects: [] };
  return phase.kind === "gathering" ? remindSoon(state, clientId, now) : finish(state);
}

/**
 * A member has returned, and has lost its links. While players connect, those it was told of are of no use to it: the
 * mediation is over for it. Newcomers that were to be connected to it wait for the next.
 */
export function afterLosingLinks(state: LobbyState, clientId: string, now: number): Step<LobbyState> {
  const { phase } = state;
  if (phase.kind !== "connecting" || !takesPart(phase, clientId)) return afterReturning(state, clientId, now);
  const { policy } = phase;
  const without = { ...state, phase: { ...phase, lost: [...phase.lost, clientId] } };
  const left = participants(without, without.phase);
  if (policy.onLoss === "continue" && isEnough(policy, left)) return onward(without, now);
  const { newcomers = [], playing = [] } = without;
  const plays = (id: string) => playing.some((one) => one.clientId === id);
  const waiting = left
    .map((member) => member.clientId)
    .filter((id) => policy.newcomers?.includes(id) && !newcomers.includes(id) && !plays(id));
  const waits = waiting.length > 0 ? { ...without, newcomers: [...newcomers, ...waiting] } : without;
  return saved(abort(waits, "could_not_connect", membersAmong(state, [clientId]), now));
}

/** Whether the member has reported, and is there. */
function isThrough(state: LobbyState, { reported }: Connecting, clientId: string): boolean {
  return reported.includes(clientId) && !isAway(state, clientId);
}

function takeReport(state: LobbyState, event: Report, now: number): Step<LobbyState> {
  const { phase } = state;
  const { clientId, connected, report } = event;
  if (connected) return finish(withReported(state, clientId, report));
  if (!("lost" in phase) || phase.policy.onLoss === "abort") {
    return saved(abort(state, "could_not_connect", blamed(state, event), now));
  }
  const stays = staysIn(state, phase, event);
  return goOnWithout(
    stays ? withReported(state, clientId, report) : state,
    stays ? unreached(state, phase, event) : [clientId],
    { code: "could_not_connect", by: blamed(state, event) },
    now,
  );
}

/**
 * Whether a member stays in the mediation by its report. The center of a star is one end of every pair: it
 * goes on with those that it says to have a path to. In a mesh, one of a pair that is not connected has to
 * go, and that is the first to say so.
 */
export function staysIn(state: LobbyState, phase: Gathering | Connecting, event: Report): boolean {
  const { topology } = phase.policy;
  if (event.connected) return true;
  if (topology.kind === "star") return event.clientId === topology.center;
  // A player that is connected already plays on.
  if (phase.policy.newcomers && !phase.policy.newcomers.includes(event.clientId)) return true;
  return unreached(state, phase, event).length === 0;
}

/** Those that the member says to have no path to. */
function unreached(state: LobbyState, phase: Gathering | Connecting, { clientId, report }: Report): string[] {
  const reached = report.peers.filter(({ path }) => path !== null).map((peer) => peer.clientId);
  return participants(state, phase)
    .map((member) => member.clientId)
    .filter((id) => isPaired(phase.policy, clientId, id) && !reached.includes(id));
}

/** Whose fault it is: the member that says so, or those whom the host names. */
function blamed(state: LobbyState, { clientId, report }: Report): Member[] {
  if (clientId !== state.hostId) return membersAmong(state, [clientId]);
  const named = report.peers.filter(({ path }) => path === null).map((peer) => peer.clientId);
  return membersAmong(state, named);
}

function membersAmong({ members }: LobbyState, clientIds: readonly string[]): Member[] {
  return members.filter(({ clientId }) => clientIds.includes(clientId));
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
  const weakest = pathKinds.toReversed().find((kind) => peers.some(({ path }) => path === kind));
  return weakest === undefined ? "unknown" : viaBy[weakest];
}

/** Rows and pictures of versions before know one kind of relay. */
const viaBy = {
  lan: "lan",
  direct: "direct",
  turn: "relay",
  relay: "relay",
  websocket: "relay",
} as const satisfies Record<(typeof pathKinds)[number], Via>;

/** A report as a client of the version before can read it. */
function readableBy({ features }: Member, report: ConnectionReport): ConnectionReport {
  if (features?.includes("ws-relay") || features?.includes("webrtc")) return report;
  const peers = report.peers.map((peer) => ({ ...peer, path: peer.path && viaBy[peer.path] }));
  return { ...report, peers };
}

/** The host is told what there is to explain: a pair that is not connected, or not directly. */
function explain(state: LobbyState, { clientId, name }: Member, { connected, report }: Report): Effect[] {
  // What may be direct in a moment is no news: the host's own client sees it.
  const isFine = ({ cause }: { cause: Cause | null }) => cause === null || cause === "not-yet-direct";
  const silent = connected && report.cause === null && report.peers.every(isFine);
  const host = memberOf(state, state.hostId);
  const { phase } = state;
  const isToldHost = "lost" in phase && takesPart(phase, state.hostId) && clientId !== state.hostId;
  if (silent || !host || !isToldHost) return [];
  const told = readableBy(host, report);
  return [{ kind: "send", to: [host], message: { type: "mediationReported", clientId, name, report: told } }];
}

/**
 * The mediation goes on without these, if enough are left; else it ends, for this reason. Those whom it goes on
 * without need not be those whose fault it is: a host that reaches nobody loses all, and blames none.
 */
function goOnWithout(
  state: LobbyState,
  clientIds: readonly string[],
  end: { code: AbortCode; by: readonly Member[] },
  now: number,
): Step<LobbyState> {
  const { phase } = state;
  if (!("lost" in phase)) return { state, effects: [] };
  const gone = participants(state, phase).filter(({ clientId }) => clientIds.includes(clientId));
  if (gone.length === 0 && phase.kind === "gathering") return { state, effects: [] };
  const lost = [...phase.lost, ...gone.map(({ clientId }) => clientId)];
  const without = { ...phase, lost };
  if (!isEnough(phase.policy, participants(state, without)))
    return saved(abort(state, end.code, end.by, now));
  return tell(leftOut(gone), onward({ ...state, phase: without }, now));
}

/** One member fewer to wait for. If it was the last, finish. */
function onward(state: LobbyState, now: number): Step<LobbyState> {
  if (state.phase.kind !== "gathering") return finish(state);
  const { state: after, effects } = proceed(state, now);
  return saved({ state: after, effects });
}

function finish(state: LobbyState): Step<LobbyState> {
  const { phase } = state;
  if (phase.kind !== "connecting") return saved({ state, effects: [] });
  const to = participants(state, phase);
  if (!to.every(({ clientId }) => isThrough(state, phase, clientId))) return saved({ state, effects: [] });
  if (phase.policy.onSuccess === "close") return close(state, true);
  const effects: Effect[] = [{ kind: "send", to, message: { type: "mediationSucceeded" } }];
  return saved({ state: { ...nowPlaying(state, phase), phase: { kind: "waiting" } }, effects });
}
