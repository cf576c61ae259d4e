/** Who is in the lobby, and what they say to each other. */
import { limits } from "../limits.ts";
import { accept, type ProblemCode, refuse } from "../problem.ts";
import { serverMessage } from "../wire/server-message.ts";
import { close } from "./closing.ts";
import { afterLeaving } from "./connecting.ts";
import { type Effect, listing, type Step } from "./effect.ts";
import { isAudited, isFull, isLocked, type LobbyState, type Seat, seatOf } from "./state.ts";

export function join(state: LobbyState, seat: Seat, now: number): Step<LobbyState> {
  const before = seatOf(state, seat.clientId);
  if (before?.attempt === seat.attempt) {
    // As it was told the first time, if it was: without those who came later.
    const seats = state.seats.slice(0, state.seats.indexOf(before) + 1);
    return { state, effects: [welcome({ ...state, seats })] };
  }
  const problem = before ? "already_in_lobby" : whyNot(state, seat.name);
  if (problem) return { state, effects: [{ kind: "answer", outcome: refuse(problem) }] };

  // A lobby that nobody outside knew of has not been audited: its first audit is an interval away.
  const auditAt = isAudited(state) ? state.auditAt : now + limits.auditIntervalMs;
  const joined = { ...state, seats: [...state.seats, seat], auditAt };
  const frame = serverMessage("lobby_peerConnect", { lobbyId: state.lobbyId, peerName: seat.name });
  return {
    state: joined,
    effects: [
      { kind: "save" },
      ...listing(joined),
      { kind: "send", to: state.seats, frame },
      welcome(joined),
    ],
  };
}

function whyNot(state: LobbyState, name: string): ProblemCode | null {
  if (isLocked(state)) return "lobby_locked";
  if (isFull(state)) return "lobby_full";
  if (state.seats.some((seat) => seat.name === name)) return "name_taken";
  return null;
}

function welcome({ lobbyId, name, seats, hostId }: LobbyState): Effect {
  const host = seats.find((seat) => seat.clientId === hostId)?.name ?? "";
  const lobbyMembers = seats.map((seat) => seat.name);
  return { kind: "answer", outcome: accept({ lobbyId, lobbyName: name, lobbyMembers, host }) };
}

/** The host leaving closes the lobby; anyone else leaving is told to the rest and ends a mediation, unless that goes on. */
export function leave(state: LobbyState, clientIds: readonly string[], now: number): Step<LobbyState> {
  const gone = state.seats.filter((seat) => clientIds.includes(seat.clientId));
  if (gone.length === 0) return { state, effects: [] };
  const left = { ...state, seats: state.seats.filter((seat) => !gone.includes(seat)) };
  if (gone.some((seat) => seat.clientId === state.hostId)) return close(left, false);

  const goodbyes = gone.map(({ name }): Effect => {
    const frame = serverMessage("lobby_peerDisconnect", { lobbyId: state.lobbyId, peerName: name });
    return { kind: "send", to: left.seats, frame };
  });
  const after = afterLeaving(left, now);
  const next = after.effects.filter(({ kind }) => kind !== "save");
  return { state: after.state, effects: [{ kind: "save" }, ...listing(left), ...goodbyes, ...next] };
}

/** Chat: to every member, the sender too, once. */
export function say(state: LobbyState, clientId: string, text: string, now: number): Step<LobbyState> {
  const sender = seatOf(state, clientId);
  if (!sender) return { state, effects: [] };
  const frame = serverMessage("lobby_messaging_received", {
    lobbyId: state.lobbyId,
    message: { timestamp: now, senderName: sender.name, message: text },
  });
  return { state, effects: [{ kind: "send", to: state.seats, frame }] };
}

/**
 * Members that could not be reached any more leave. Should one only have been out of reach, it hears, when it is
 * back, that the lobby is over for it; one that is gone hears nothing.
 */
export function lose(state: LobbyState, clientIds: readonly string[], now: number): Step<LobbyState> {
  const lost = state.seats.filter((seat) => clientIds.includes(seat.clientId));
  if (lost.length === 0) return { state, effects: [] };
  const { lobbyId, name } = state;
  const frame = serverMessage("lobby_closed", { lobbyId, lobbyName: name });
  const after = leave(state, clientIds, now);
  const farewell: Effect = { kind: "release", to: lost, frame };
  const forget = after.effects.findIndex(({ kind }) => kind === "forget");
  const effects = after.effects.toSpliced(forget < 0 ? after.effects.length : forget, 0, farewell);
  return { state: after.state, effects };
}
