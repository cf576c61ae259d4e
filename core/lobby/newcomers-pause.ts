/**
 * Pauses of newcomers whom no sidecar could see. Each is a quarter longer than the one before: they are connected
 * soon after a short outage, and a long one costs a lobby few looks.
 */
import { lobbyLimits } from "./limits.ts";
import type { LobbyState } from "./state.ts";

/** Those who wait are tried later: a little later than the last time. */
export function withPause(state: LobbyState, now: number): LobbyState {
  const { newcomersPause: before } = state;
  const ms = before ? lobbyLimits.newcomerPauseGrowth * before.ms : lobbyLimits.newcomerIntervalMs;
  return { ...state, newcomersPause: { until: now + ms, ms } };
}

/** Those who wait are tried at once, and the next pause is a first one again. */
export function withoutPause(state: LobbyState): LobbyState {
  const { newcomersPause, ...rest } = state;
  return newcomersPause ? rest : state;
}

/** Whether those who wait are still to wait. Only the alarm ends that: nothing else looks for a sidecar. */
export function isPausing({ newcomersPause: pause }: Pick<LobbyState, "newcomersPause">): boolean {
  return pause !== undefined && pause.until > 0;
}

/** Whether it is time to look for a sidecar. */
export function isPauseOver(state: LobbyState, now: number): boolean {
  const { phase, newcomersPause: pause } = state;
  return phase.kind === "waiting" && pause !== undefined && isPausing(state) && pause.until <= now;
}

/** A sidecar is there: those who wait are tried now. The next pause is longer still, unless somebody is seen. */
export function whileTried(state: LobbyState): LobbyState {
  const { newcomersPause: pause } = state;
  return pause ? { ...state, newcomersPause: { ...pause, until: 0 } } : state;
}
