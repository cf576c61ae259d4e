/** Who is in the lobby, and what they say to each other. */
import { accept, type Outcome } from "../problem.ts";
import type { JoinAnswer } from "../wire/http.ts";
import { wireLimits } from "../wire/limits.ts";
import { saved, tell } from "./abort.ts";
import { close } from "./closing.ts";
import { afterLeaving } from "./connecting.ts";
import { lastingFrom } from "./deadlines.ts";
import { type Answered, type Effect, listed, listing, type Step, sendEach } from "./effect.ts";
import { arrived, departed } from "./griefing.ts";
import { successor, withHost } from "./hosts.ts";
import { lobbyLimits } from "./limits.ts";
import type { LobbyMessage } from "./message.ts";
import { playingWithout, withNewcomer } from "./newcomers.ts";
import { pictureOf } from "./picture.ts";
import { dropping } from "./relays.ts";
import type { JoinRequest } from "./request.ts";
import {
  isHere,
  isHostless,
  isOver,
  type LobbyState,
  type Member,
  memberOf,
  privacyOf,
  versionOf,
} from "./state.ts";

/**
 * A newcomer joins. There is a place for it (rules.ts), but it may be one that a member has left for a while. One that leads
 * becomes host, if the lobby awaits one.
 */
export function join(
  state: LobbyState,
  { member: newcomer, leads }: JoinRequest,
  now: number,
): Answered<LobbyState, JoinAnswer> {
  const freed = makeRoom(state, now);
  const member = state.graceMs > 0 ? { ...newcomer, since: now } : newcomer;
  const { clientId, name, displayName, data } = member;
  const version = versionOf(freed.state) + 1;
  const arrival = { ...freed.state, version, members: [...freed.state.members, member] };
  const joined = withNewcomer(
    arrived({ ...arrival, ...auditsAfter(freed.state, member, now) }, member),
    clientId,
  );
  const led = leads && isHostless(joined) ? withHost(joined, member, now) : { state: joined, effects: [] };
  const plain = { type: "memberJoined", name } as const;
  const full = { ...plain, clientId, version, displayName, data };
  return {
    state: led.state,
    answer: welcome(led.state, member),
    effects: [
      { kind: "save" },
      ...listing(joined, clientId),
      ...freed.effects.filter(({ kind }) => kind !== "save" && kind !== "list"),
      ...sendEach(freed.state.members, plain, full),
      ...led.effects,
    ],
  };
}

/** In a full lobby, the member that has been away longest leaves, so that a newcomer has its place. */
function makeRoom(state: LobbyState, now: number): Step<LobbyState> {
  const isRoom = state.members.length < Math.min(state.maxMembers, wireLimits.seats);
  const longest = isRoom ? undefined : longestAway(state);
  return longest ? leaveUnheard(state, [longest], now) : { state, effects: [] };
}

/** The member that has been away longest. The host keeps its place. */
function longestAway({ away, hostId, members }: LobbyState): Member | undefined {
  const guests = away.filter(({ clientId }) => clientId !== hostId);
  const [longest] = guests.toSorted((one, other) => one.until - other.until);
  return longest && members.find(({ clientId }) => clientId === longest.clientId);
}

/**
 * What changes of the audits: a newcomer from elsewhere is asked for an interval later, however rare the
 * checks have become.
 */
export function auditsAfter(state: LobbyState, member: Member, now: number): Partial<LobbyState> {
  if (isHere(state, member)) {
    const { isLasting, auditAt, auditMs } = saysMore(member) ? lastingFrom(state, now) : state;
    return { isLasting, auditAt, auditMs };
  }
  const soon = now + lobbyLimits.auditIntervalMs;
  const auditAt = state.isLasting ? Math.min(state.auditAt, soon) : soon;
  return { isLasting: true, auditAt, auditMs: lobbyLimits.auditIntervalMs };
}

/** Whether a member says more of itself than fits into a host's socket for each member of a full lobby. */
export function saysMore({ data, displayName }: Member): boolean {
  return data !== undefined || displayName !== undefined;
}

/** The answer to a member of the lobby. `named`: the members that it names, in Orion's words. */
export function welcome(
  state: LobbyState,
  { clientId, features }: Member,
  named: readonly Member[] = state.members,
): Outcome<JoinAnswer> {
  const { lobbyId, name, hostId } = state;
  return accept({
    lobbyId,
    lobbyName: name,
    lobbyMembers: named.map((member) => member.name),
    host: memberOf(state, hostId)?.name ?? "",
    privacy: privacyOf(state),
    ...(features && { lobby: pictureOf(state, clientId) }),
  });
}

/**
 * The answer to a join that was done already: its words in Orion are as they were the first time, without those who
 * came later. Null if it was not done.
 */
export function welcomeAgain(state: LobbyState, member: Member): Answered<LobbyState, JoinAnswer> | null {
  const { clientId, requestId } = member;
  const index = state.members.findIndex((one) => one.clientId === clientId && one.requestId === requestId);
  if (index < 0) return null;
  const answer = welcome(state, state.members[index] ?? member, state.members.slice(0, index + 1));
  return { state, answer, effects: [] };
}

/**
 * The host leaving closes the lobby, unless another member becomes host. Anyone else leaving is told to the rest.
 * Both end a mediation, unless that goes on.
 */
export function leave(
  state: LobbyState,
  clientIds: readonly string[],
  now: number,
  { kicked }: { kicked?: true } = {},
): Step<LobbyState> {
  const gone = state.members.filter((member) => clientIds.includes(member.clientId));
  if (gone.length === 0) return { state, effects: [] };
  const before = versionOf(state);
  const left = {
    ...state,
    version: before + gone.length,
    members: state.members.filter((member) => !gone.includes(member)),
    away: state.away.filter(({ clientId }) => !clientIds.includes(clientId)),
    ...playingWithout(state, clientIds),
    ...(state.newcomers && {
      newcomers: state.newcomers.filter((clientId) => !clientIds.includes(clientId)),
    }),
  };
  const isHostGone = gone.some((member) => member.clientId === state.hostId);
  const next = isHostGone ? heir(left) : undefined;
  if (isHostGone && !next) return close(departed(left, gone, state.members, now), false, idsOf(gone));

  const told = gone.flatMap(({ clientId, name }, i) => {
    const plain = { type: "memberLeft", name } as const;
    return sendEach(left.members, plain, { ...plain, clientId, version: before + 1 + i, kicked });
  });
  const goodbyes = [...told, ...dropping(state, idsOf(gone))];
  const after = afterLeaving(left, gone, now);
  // The last that a mediation waited for has left, and its success ends the lobby.
  if (isOver(after.state)) {
    const told = tell(goodbyes, saved(after));
    return { state: departed(told.state, gone, state.members, now), effects: told.effects };
  }
  const led = next ? withHost(after.state, next, now) : { state: after.state, effects: [] };
  const { state: counted, effects: entry } = listed(led.state);
  const others = after.effects.filter(({ kind }) => kind !== "save" && kind !== "list");
  return {
    state: departed(counted, gone, state.members, now),
    effects: [{ kind: "save" }, ...entry, ...goodbyes, ...others, ...led.effects],
  };
}

/**
 * Members that nobody could reach are gone. Should one only have been out of reach, it hears, when it is back, that
 * the lobby is over for it.
 */
export function leaveUnheard(state: LobbyState, lost: readonly Member[], now: number): Step<LobbyState> {
  if (lost.length === 0) return { state, effects: [] };
  const after = leave(
    state,
    lost.map(({ clientId }) => clientId),
    now,
  );
  const message = { type: "lobbyClosed", lobbyName: state.name } as const;
  const last: Effect = { kind: "release", to: lost, message };
  const forget = after.effects.findIndex(({ kind }) => kind === "forget");
  const effects = after.effects.toSpliced(forget < 0 ? after.effects.length : forget, 0, last);
  return { state: after.state, effects };
}

/** A member's last message, in Orion's words if it knows no others. */
export function farewell({ name }: LobbyState, to: Member, message: LobbyMessage): Effect {
  const closed = { type: "lobbyClosed", lobbyName: name } as const;
  return { kind: "release", to: [to], message: to.features ? message : closed };
}

function idsOf(members: readonly Member[]): string[] {
  return members.map(({ clientId }) => clientId);
}

/** Who becomes host now that the host is gone. Undefined if the lobby ends with it: also if nobody left can lead. */
function heir(state: LobbyState): Member | undefined {
  return state.onHostLoss === "migrate" ? successor(state) : undefined;
}

/** Chat: to every member, the sender too, once. With the lobby's version, it shows a client what it has missed. */
export function say(state: LobbyState, clientId: string, text: string, now: number): Step<LobbyState> {
  const sender = memberOf(state, clientId);
  if (!sender) return { state, effects: [] };
  const plain = { type: "chat", at: now, from: sender.name, text } as const;
  return { state, effects: sendEach(state.members, plain, { ...plain, version: versionOf(state) }) };
}
