/**
 * Members without a connection. A lobby gives them `graceMs` to return; they keep their name and their place
 * meanwhile. With none (Orion) a member that loses its connection has left, in the same step. So has a plain Orion
 * client anywhere: it has no key to return with.
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
import { absenceOutOfReach, endedOutOfReach } from "./out-of-reach.ts";
import type { ReturnRequest } from "./request.ts";
import {
  type Absence,
  isAway,
  isInformed,
  isOver,
  knowing,
  type LobbyState,
  type Member,
  memberOf,
  sessionOf,
  versionOf,
} from "./state.ts";

/** `holder`: only those that this object holds. What it says of a member that has moved on is old. */
type Loss = { clientIds: readonly string[]; holder?: string | undefined };
type LossUnseen = Loss & { isOutOfReach?: true | undefined };

/**
 * A member's connection has ended. Its place waits for it, if it was there for a while, or is awaited as the host: else a
 * stranger could fill the lobby with absent players. How many are away is not bounded: a house, or an object, loses all its players at
 * once, and they come back. Nobody is kept out by them, because a newcomer takes the place that has been away
 * longest (membership.ts).
 */
export function disconnect(state: LobbyState, loss: Loss, now: number): Step<LobbyState> {
  const isNew = ({ since = 0 }: Member) => Math.abs(now - since) < lobbyLimits.presentMs;
  const isAwaited = ({ clientId }: Member) => state.awaitsHost === true && clientId === state.hostId;
  const waitsFor = (member: Member) => mayReturn(state, member) && (!isNew(member) || isAwaited(member));
  const ended = endedOutOfReach(state, idsOf(heldBy(state, loss)), now);
  const after = part(ended, lostOf(ended, loss), now, {
    waitsFor,
    absence: (clientId) => ({ clientId, until: now + state.graceMs }),
    leaving: (rest, gone) => leave(rest, idsOf(gone), now),
  });
  return ended === state ? after : saved(after);
}

/**
 * Members could not be reached any more. Should one only have been out of reach, it is let go (out-of-reach.ts) or,
 * where nobody waits for it, hears when it is back that the lobby is over for it; one that is gone hears nothing.
 */
export function lose(state: LobbyState, loss: LossUnseen, now: number): Step<LobbyState> {
  const { graceMs } = state;
  return part(state, lostOf(state, loss), now, {
    waitsFor: (member) => mayReturn(state, member),
    absence: (clientId) =>
      loss.isOutOfReach ? absenceOutOfReach(clientId, graceMs, now) : { clientId, until: now + graceMs },
    leaving: (rest, gone) => leaveUnheard(rest, gone, now),
  });
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
  const version = versionOf(state) + (wasAway ? 1 : 0);
  const returned: LobbyState = {
    ...state,
    version,
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
    told.push({
      kind: "send",
      to: knowing(others),
      message: { type: "memberBack", clientId, version, name },
    });
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

function mayReturn({ graceMs }: LobbyState, member: Member): boolean {
  return graceMs > 0 && isInformed(member);
}

type Parting = {
  waitsFor(member: Member): boolean;
  absence(clientId: string): Absence;
  leaving(state: LobbyState, gone: readonly Member[]): Step<LobbyState>;
};

/** Of these, the lobby waits for some. The others leave when these are away: none of them follows a host. */
function part(
  state: LobbyState,
  lost: readonly Member[],
  now: number,
  { waitsFor, absence, leaving }: Parting,
): Step<LobbyState> {
  const waiting = lost.filter(waitsFor);
  const gone = lost.filter((member) => !waiting.includes(member));
  if (waiting.length === 0) return leaving(state, gone);
  const away = goAway(state, waiting, absence, now);
  if (gone.length === 0) return away;
  const left = leaving(away.state, gone);
  return isOver(left.state)
    ? left
    : tell(
        away.effects.filter(({ kind }) => kind !== "save"),
        left,
      );
}

function goAway(
  state: LobbyState,
  lost: readonly Member[],
  absence: (clientId: string) => Absence,
  now: number,
): Step<LobbyState> {
  const missing = lost.map(({ clientId }) => absence(clientId));
  const before = versionOf(state);
  const left = { ...state, version: before + lost.length, away: [...state.away, ...missing] };
  const told = lost.map(({ clientId, name }, i): Effect => {
    const { until } = absence(clientId);
    return {
      kind: "send",
      to: knowing(state.members),
      message: { type: "memberAway", clientId, version: before + 1 + i, name, until },
    };
  });
  return tell(told, saved(afterGoingAway(left, idsOf(lost), now)));
}

/** The members among these that had a connection. */
function lostOf(state: LobbyState, loss: Loss): Member[] {
  return heldBy(state, loss).filter(({ clientId }) => !isAway(state, clientId));
}

function heldBy({ members }: LobbyState, { clientIds, holder }: Loss): Member[] {
  return members.filter(
    (member) => clientIds.includes(member.clientId) && (holder === undefined || holder === member.holder),
  );
}

function idsOf(members: readonly Member[]): string[] {
  return members.map(({ clientId }) => clientId);
}
