/**
 * Members that could not be reached. The object that holds a member's connection may be out of reach while the
 * connection lives: then its client believes itself in the lobby, and hears nothing of it.
 *
 * So the holder is told to let the connection go: as soon as the lobby hears of the member again, and else again
 * and again, in growing pauses, until the member's time is over. Then the client comes back as after any loss, and
 * is told the whole lobby and the chat that it has missed. To go on with the old connection would lose both.
 */
import { saved } from "./abort.ts";
import type { Effect, Step } from "./effect.ts";
import { lobbyLimits } from "./limits.ts";
import { type Absence, type LobbyState, memberOf } from "./state.ts";

/** The absence of a member that could not be reached. */
export function absenceOutOfReach(clientId: string, graceMs: number, now: number): Absence {
  const pauseMs = lobbyLimits.letGoMs;
  return { clientId, until: now + graceMs, letGo: { at: now + pauseMs, pauseMs } };
}

/** Whether a member counts as away, and its connection may live. */
export function isOutOfReach({ away }: LobbyState, clientId: string): boolean {
  return away.some((one) => one.clientId === clientId && one.letGo !== undefined);
}

/** A member that counts as away has said or asked something. It is let go at once, and its time begins now. */
export function hear(state: LobbyState, clientId: string, now: number): Step<LobbyState> {
  const member = memberOf(state, clientId);
  if (!member || !isOutOfReach(state, clientId)) return { state, effects: [] };
  const absence = absenceOutOfReach(clientId, state.graceMs, now);
  const told: Effect = { kind: "let-go", to: [member] };
  const isNews = state.away.some((one) => one.clientId === clientId && one.until !== absence.until);
  return isNews ? saved({ state: withAbsence(state, absence), effects: [told] }) : { state, effects: [told] };
}

/** The connections of those of these have ended only now, so their time begins now. The same state if none has. */
export function endedOutOfReach(state: LobbyState, clientIds: readonly string[], now: number): LobbyState {
  const until = now + state.graceMs;
  return clientIds
    .filter((clientId) => isOutOfReach(state, clientId))
    .reduce((after, clientId) => withAbsence(after, { clientId, until, hasMissedSome: true }), state);
}

/** Tells the holders of those whose turn it is once more. */
export function letGoDue(state: LobbyState, now: number): Step<LobbyState> {
  const isDue = ({ letGo }: Absence) => letGo !== undefined && letGo.at <= now;
  const due = state.away.filter(isDue);
  if (due.length === 0) return { state, effects: [] };
  const away = state.away.map((one) => {
    if (!one.letGo || !isDue(one)) return one;
    const pauseMs = 2 * one.letGo.pauseMs;
    return { ...one, letGo: { at: now + pauseMs, pauseMs } };
  });
  const to = state.members.filter(({ clientId }) => due.some((one) => one.clientId === clientId));
  return saved({ state: { ...state, away }, effects: [{ kind: "let-go", to }] });
}

function withAbsence(state: LobbyState, absence: Absence): LobbyState {
  return {
    ...state,
    away: state.away.map((one) => (one.clientId === absence.clientId ? absence : one)),
  };
}
