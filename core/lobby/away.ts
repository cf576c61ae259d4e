/**
 * Members without a connection. A lobby gives them `graceMs` to return; they keep their name and their place
 * meanwhile. With none (Orion) a member that loses its connection has left, in the same step.
 */
import { refuse } from "../problem.ts";
import type { JoinAnswer } from "../wire/http.ts";
import { saved, tell } from "./abort.ts";
import { afterGoingAway, afterLosingLinks, afterReturning } from "./connecting.ts";
import type { Answered, Effect, Step } from "./effect.ts";
import { reconnected } from "./griefing.ts";
import { lobbyLimits } from "./limits.ts";
import { auditsAfter, farewell, leave, leaveUnheard, welcome } from "./membership.ts";
import { withNewcomer } from "./newcomers.ts";
import type { ReturnRequest } from "./request.ts";
import { isAway, knowing, type LobbyState, type Member, memberOf, sessionOf } from "./state.ts";

/** `holder`: only those that this object holds. What it says of a member that has moved on is old. */
type Loss = { clientIds: readonly string[]; holder?: string | undefined };

/**
 * A member's connection has ended. Its place waits for it, if it was there for a while: else a stranger could fill
 * the lobby with absent players. How many are away is not bounded: a house, or an object, loses all its players at
 * once, and they come back. Nobody is kept out by them, because a newcomer takes the place that has been away
 * longest (membership.ts).
 */
export function disconnect(state: LobbyState, loss: Loss, now: number): Step<LobbyState> {
  const lost = lostOf(state, loss);
  const isNew = ({ since = 0 }: Member) => Math.abs(now - since) < lobbyLimits.presentMs;
  if (state.graceMs === 0 || lost.some(isNew)) return leave(state, idsOf(lost), now);
  return goAway(state, lost, now);
}

/**
 * Members could not be reached any more. Should one only have been out of reach, it hears, when it is back,
 * that the lobby is over for it; one that is gone hears nothing.
 */
export function lose(state: LobbyState, loss: Loss, now: number): Step<LobbyState> {
  const lost = lostOf(state, loss);
  return state.graceMs > 0 ? goAway(state, lost, now) : leaveUnheard(state, lost, now);
}

/** Members whose time to return is over leave. */
export function expire(state: LobbyState, now: number): Step<LobbyState> {
  const late = state.away.filter(({ until }) => until <= now);
  if (late.length === 0) return { state, effects: [] };
  const gone = state.members.filter(({ clientId }) => late.some((one) => one.clientId === clientId));
  return leaveUnheard(state, gone, now);
}

/**
 * A member is back, perhaps at another object. As long as the others have not been told that it left, it is
 * in time. If its old connection seemed to be open, the new one takes its place.
 */
export function comeBack(
  state: LobbyState,
  { clientId, holder, session, requestId, resumes, resumedBy, features, reconnect }: ReturnRequest,
  now: number,
): Answered<LobbyState, JoinAnswer> {
  const before = memberOf(state, clientId);
  if (!before) return { state, answer: refuse("no_such_member"), effects: [] };
  const member: Member = {
    ...before,
    holder,
    requestId,
    session,
    resumes: Math.max(before.resumes ?? 0, resumes + 1),
    resumedBy,
    ...(features && { features }),
  };
  const wasAway = isAway(state, clientId);
  const returned: LobbyState = {
    ...state,
    members: state.members.map((one) => (one === before ? member : one)),
    away: state.away.filter((one) => one.clientId !== clientId),
    ...auditsAfter(state, member, now),
  };
  const back = reconnect ? withNewcomer(reconnected(returned, member, now), clientId) : returned;
  const others = back.members.filter((one) => one !== member);
  const told: Effect[] = [];
  if (!wasAway && sessionOf(before) !== session) {
    told.push(farewell(state, before, { type: "resumedElsewhere" }));
  }
  const { name } = member;
  if (wasAway)
    told.push({ kind: "send", to: knowing(others), message: { type: "memberBack", clientId, name } });
  const stays = wasAway ? afterReturning(back, clientId, now) : { state: back, effects: [] };
  const after = reconnect ? afterLosingLinks(back, clientId, now) : stays;
  return { answer: welcome(back, member), ...tell(told, saved(after)) };
}

/** Somebody has tried to come back with a key that was used before: the member itself is told. */
export function warned(state: LobbyState, clientId: string): Effect[] {
  const to = state.members.filter((member) => member.clientId === clientId && !isAway(state, clientId));
  return [{ kind: "send", to: knowing(to), message: { type: "resumeRefused" } }];
}

/**
 * Nothing is said to a member that is away, nor is its former holder asked for it. Only that the lobby is
 * over is said: the member may have been out of reach, and believe itself in the lobby.
 */
export function onlyToConnected<Taken extends Step<LobbyState | null>>(taken: Taken): Taken {
  const { state, effects } = taken;
  if (!state || effects.length === 0) return taken;
  // The same list where it can be: the shell need not group it by holder again.
  const connected = (some: readonly Member[]) =>
    state.away.length === 0 ? some : some.filter(({ clientId }) => !isAway(state, clientId));
  const heard = effects.flatMap((effect): Effect[] => {
    if (effect.kind === "audit") return [{ ...effect, members: connected(effect.members) }];
    if (effect.kind !== "send") return [effect];
    const to = connected(effect.to);
    return to.length > 0 ? [{ ...effect, to }] : [];
  });
  return { ...taken, effects: heard };
}

function goAway(state: LobbyState, lost: readonly Member[], now: number): Step<LobbyState> {
  if (lost.length === 0) return { state, effects: [] };
  const until = now + state.graceMs;
  const missing = lost.map(({ clientId }) => ({ clientId, until }));
  const left = { ...state, away: [...state.away, ...missing] };
  const told = lost.map(({ clientId, name }): Effect => {
    return {
      kind: "send",
      to: knowing(state.members),
      message: { type: "memberAway", clientId, name, until },
    };
  });
  return tell(told, saved(afterGoingAway(left, idsOf(lost), now)));
}

/** The members among these that had a connection. */
function lostOf(state: LobbyState, { clientIds, holder }: Loss): Member[] {
  return state.members.filter(
    (member) =>
      clientIds.includes(member.clientId) &&
      !isAway(state, member.clientId) &&
      (holder === undefined || holder === member.holder),
  );
}

function idsOf(members: readonly Member[]): string[] {
  return members.map(({ clientId }) => clientId);
}
