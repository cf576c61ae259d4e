/** When a lobby wakes by itself. Deadlines are part of the state: this finds the earliest. */
import { takeOverAt } from "./hosts.ts";
import { lobbyLimits } from "./limits.ts";
import type { Connecting, Gathering, LobbyState } from "./state.ts";

/** When the lobby next has something to do by itself; infinity for never. */
export function wakeAt(state: LobbyState): number {
  const { phase } = state;
  const auditAt = state.isLasting ? state.auditAt : Number.POSITIVE_INFINITY;
  const expireAt = Math.min(
    takeOverAt(state),
    ...state.away.flatMap(({ until, letGo }) => [until, letGo?.at ?? until]),
  );
  switch (phase.kind) {
    case "gathering":
    case "connecting":
      return Math.min(auditAt, expireAt, nextOf(phase));
    case "waiting":
      return Math.min(auditAt, expireAt, state.newcomersPause?.until || Number.POSITIVE_INFINITY);
    case "closing":
      return auditAt;
  }
}

/** The lobby as one that is kept in storage from now on. Whether its deadline has passed does not count until then. */
export function lastingFrom(state: LobbyState, now: number): LobbyState {
  if (state.isLasting) return state;
  const auditMs = lobbyLimits.safetyMs;
  return { ...state, isLasting: true, auditAt: now + auditMs, auditMs };
}

/** The earliest deadline of a mediation. */
export function nextOf(phase: Gathering | Connecting): number {
  if (phase.kind === "connecting") return Math.min(phase.lookAt, phase.giveUpAt);
  const {
    remindAt,
    giveUpAt,
    goOnAt = Number.POSITIVE_INFINITY,
    confirmAt = Number.POSITIVE_INFINITY,
  } = phase;
  return Math.min(remindAt, giveUpAt, goOnAt, confirmAt);
}
