/** Who is in the lobby, and what they say to each other. */
import { accept, type Outcome } from "../problem.ts";
import type { JoinAnswer } from "../wire/http.ts";
import { close } from "./closing.ts";
import { afterLeaving } from "./connecting.ts";
import { type Answered, type Effect, listing, type Step } from "./effect.ts";
import { arrived, departed } from "./griefing.ts";
import { lobbyLimits } from "./limits.ts";
import { isHere, type LobbyState, type Member, memberOf, privacyOf } from "./state.ts";

export function join(state: LobbyState, member: Member, now: number): Answered<LobbyState, JoinAnswer> {
  const joined = arrived(
    { ...state, members: [...state.members, member], ...auditsAfter(state, member, now) },
    member,
  );
  return {
    state: joined,
    answer: welcome(joined),
    effects: [
      { kind: "save" },
      ...listing(joined),
      { kind: "send", to: state.members, message: { type: "memberJoined", name: member.name } },
    ],
  };
}

/**
 * What changes of the audits: a newcomer from elsewhere is asked for an interval later, however rare the
 * checks have become.
 */
export function auditsAfter(state: LobbyState, member: Member, now: number): Partial<LobbyState> {
  if (isHere(state, member)) return {};
  const soon = now + lobbyLimits.auditIntervalMs;
  const auditAt = state.isLasting ? Math.min(state.auditAt, soon) : soon;
  return { isLasting: true, auditAt, auditMs: lobbyLimits.auditIntervalMs };
}

/** The answer to a member of the lobby. */
export function welcome(state: LobbyState): Outcome<JoinAnswer> {
  const { lobbyId, name, members, hostId } = state;
  const host = members.find((member) => member.clientId === hostId)?.name ?? "";
  const lobbyMembers = members.map((member) => member.name);
  return accept({ lobbyId, lobbyName: name, lobbyMembers, host, privacy: privacyOf(state) });
}

/**
 * The answer to a join that was done already, as it was the first time: without those who came later. Null if
 * it was not done.
 */
export function welcomeAgain(
  state: LobbyState,
  { clientId, requestId }: Member,
): Answered<LobbyState, JoinAnswer> | null {
  const index = state.members.findIndex((one) => one.clientId === clientId && one.requestId === requestId);
  if (index < 0) return null;
  const members = state.members.slice(0, index + 1);
  return { state, answer: welcome({ ...state, members }), effects: [] };
}

/**
 * The host leaving closes the lobby; anyone else leaving is told to the rest and ends a mediation, unless
 * that goes on.
 */
export function leave(state: LobbyState, clientIds: readonly string[], now: number): Step<LobbyState> {
  const gone = state.members.filter((member) => clientIds.includes(member.clientId));
  if (gone.length === 0) return { state, effects: [] };
  const left = {
    ...state,
    members: state.members.filter((member) => !gone.includes(member)),
    away: state.away.filter(({ clientId }) => !clientIds.includes(clientId)),
  };
  if (gone.some((member) => member.clientId === state.hostId)) {
    return close(departed(left, gone, state.members, now), false);
  }

  const goodbyes = gone.map(({ name }): Effect => {
    return { kind: "send", to: left.members, message: { type: "memberLeft", name } };
  });
  const after = afterLeaving(left, gone, now);
  const next = after.effects.filter(({ kind }) => kind !== "save");
  return {
    state: departed(after.state, gone, state.members, now),
    effects: [{ kind: "save" }, ...listing(left), ...goodbyes, ...next],
  };
}

/** Chat: to every member, the sender too, once. */
export function say(state: LobbyState, clientId: string, text: string, now: number): Step<LobbyState> {
  const sender = memberOf(state, clientId);
  if (!sender) return { state, effects: [] };
  const message = { type: "chat", at: now, from: sender.name, text } as const;
  return { state, effects: [{ kind: "send", to: state.members, message }] };
}
