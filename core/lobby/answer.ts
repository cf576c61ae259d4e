import { dialectOf } from "../dialects/names.ts";
import { accept, refuse, refuseReturn } from "../problem.ts";
import { saved } from "./abort.ts";
import { comeBack, onlyToConnected, warned } from "./away.ts";
import { change, changeMember } from "./changes.ts";
import { onTime } from "./clock-jumps.ts";
import { close } from "./closing.ts";
import { lastingFrom } from "./deadlines.ts";
import { type Answered, listing } from "./effect.ts";
import { begin } from "./gathering.ts";
import { reconnectsIn, returnsIn } from "./griefing.ts";
import { handOver } from "./hosts.ts";
import { kick, unban } from "./kicking.ts";
import { lobbyLimits } from "./limits.ts";
import { join, saysMore, welcome, welcomeAgain } from "./membership.ts";
import { seeToNewcomers } from "./newcomers.ts";
import { withoutPause } from "./newcomers-pause.ts";
import { pictureOf } from "./picture.ts";
import { startPolicy } from "./policy.ts";
import type {
  AnswerTo,
  ChangeMemberRequest,
  ChangeRequest,
  HandOverRequest,
  KickRequest,
  LobbyRequest,
  OpenRequest,
  OperatorKickRequest,
  UnbanRequest,
} from "./request.ts";
import { permit } from "./rules.ts";
import { isAway, isHere, isOver, type LobbyState, memberOf, privacyOf, versionOf } from "./state.ts";
import { goOn, stop } from "./steering.ts";

type Taken<R extends LobbyRequest> = Answered<LobbyState | null, AnswerTo<R>>;

/**
 * The lobby is a state machine with two ways in. `request` takes what somebody asks, and answers. `step`
 * (step.ts) takes what has happened, and answers nobody.
 *
 * STATES. There is no lobby (`null`), or it is
 *
 *     waiting     open to newcomers; nothing is under way
 *     gathering   the members of a mediation are asked for a datagram each, until all are seen
 *     connecting  they know each other's endpoints, and report whether they are connected
 *     closing     over; its members and the directory may not know it yet
 *
 *     null -open-> waiting -start-> gathering -all seen-> connecting -all reported-> closing -forget-> null
 *                     ^                 |                     |
 *                     +---- aborted ----+---- aborted, or ----+      a host that leaves: any -> closing,
 *                                             a success that stays   unless another member becomes host
 *
 * The host may stop a mediation, or have it go on without those who are missing (steering.ts).
 *
 * A mediation carries its policy (state.ts, policy.ts): who takes part, who is introduced to whom, and what a
 * loss and a success do.
 *
 * LIFETIME. With Orion's, a success closes the lobby. A `session` lobby waits again, and remembers who
 * plays: who is connected, and how. It is open meanwhile. Somebody who joins while others play, was not
 * seen in time, or returns without its links, is a newcomer (newcomers.ts): a member that waits to be connected to those who play. As
 * soon as nothing else is under way, a mediation for those who wait begins by itself:
 *
 *     waiting -a newcomer, and somebody to connect it to-> gathering -> connecting -> waiting
 *
 * Without a sidecar they wait in pauses that grow (newcomers-pause.ts). Nobody else hears of it, and nobody is
 * charged with its failure. The host's start takes its place, and is for all. A member plays, or is a newcomer,
 * or neither: one that could not be connected waits for the next start.
 *
 * MEMBERS. A member is known by its client id for life. The session that speaks for it changes when it
 * returns by another connection, and so does the number of its resume key (away.ts). Apart from the phase, a
 * member is connected, or away until a time. It keeps its place, unless a newcomer needs it. A mediation
 * counts a member that is away as missing. One that could not be reached is away too, and is let go when it
 * can be (out-of-reach.ts). Everyone who leaves goes through `leave` (membership.ts): those
 * who go, are kicked (kicking.ts), lose their place, or are not back in time. It takes them out of all that
 * the state has of them.
 *
 * THE HOST is a member at all times. Only a client that knows the additions to Orion can follow one. The term
 * counts hosts (hosts.ts): a request that names another term is refused. In a star all are connected to the
 * host, so with another one nobody is: nobody plays or waits, and the new host is introduced when it starts. A
 * mesh plays on.
 *
 * WHO HEARS WHAT. Messages that Orion does not have go only to members whose clients know the additions
 * (`knowing`). Changes of the lobby and of members' data are counted (changes.ts), and each message has the
 * next number: a client that misses one asks for the whole picture (picture.ts).
 *
 * THE OPERATOR of the server may end a lobby, and remove any member, the host too. For the others that is as if the
 * host had left, or had removed it.
 *
 * WHO MAY DO WHAT stands in rules.ts, for each request in order. A request has an id. If it was done
 * already, it is answered again: its answer may have been lost. Where nothing else of the state shows that,
 * its id is kept for a while (`done`). Otherwise the first rule that refuses answers. A refused request
 * changes nothing and is heard by nobody. There is one exception: a member hears that somebody has tried an
 * old resume key of it. News needs no permission: it is believed if it is of a member, and of this
 * mediation.
 *
 * THE SHELL'S PART. It calls `request` or `step` with the present state, takes the new one, and saves it: one
 * turn, no await. So two requests that race are taken one after the other, and nobody acts on an old state.
 * Then it does the effects in their order, those of one call behind those of the call before:
 *
 *     saved before told       a change that must last has a `save`, and it is the first effect
 *     listed before answered  a public lobby is in the directory, with its right count, before a member
 *                             or the caller hears of it
 *     unlisted before told    the directory has lost the lobby before its members hear that it is over
 *     done before answered    an answer goes out when the effects are done
 *
 * The directory is waited for, but not for long. If it is late, the lobby goes on, and `listing-failed`
 * brings the entry up to date by alarm.
 *
 * TIME is a parameter, and so is all that is random. Deadlines are data: `wakeAt` is the earliest, and
 * `deadline-passed` deals with all that are due. Leaving a phase is what cancels its deadlines. When the
 * clock has jumped, deadlines move first (clock-jumps.ts).
 *
 * Both functions are pure. They change nothing in what they are given. A state that does not change is
 * returned as the same object. A peer's fault is a code or is ignored; only a bug of ours throws.
 */
export function request<R extends LobbyRequest>(state: LobbyState | null, request: R, now: number): Taken<R>;
export function request(state: LobbyState | null, request: LobbyRequest, now: number): Taken<LobbyRequest> {
  const timely = state && onTime(state, now, false);
  const taken = seeToNewcomers(noted(take(timely, request, now), request, now), now);
  return onlyToConnected(timely === state ? taken : { ...taken, ...saved(taken) });
}

/** Remembers what was done, so that it can be answered again. */
function noted(taken: Taken<LobbyRequest>, request: LobbyRequest, now: number): Taken<LobbyRequest> {
  const { state, answer, effects } = taken;
  if (!state || !answer.ok || !isNoted(request) || effects.length === 0) return taken;
  const done = [...(state.done ?? []), request.requestId].slice(-lobbyLimits.doneRequests);
  // Its state may not fit into its host's socket any more, or the host may be another one by now.
  return { ...taken, state: lastingFrom({ ...state, done }, now) };
}

/** Requests that show nowhere else that they were done. */
function isNoted(request: LobbyRequest): request is Noted {
  return ["hand-over", "kick", "operator-kick", "unban", "change", "change-member"].includes(request.kind);
}

function take(state: LobbyState | null, request: LobbyRequest, now: number): Taken<LobbyRequest> {
  if (request.kind === "open") return open(state, request, now);
  const again = state && !isOver(state) ? doneAgain(state, request) : null;
  if (again) return again;
  const permitted = permit(state, request.kind, request, now);
  if (!permitted.ok) {
    const isOldKey = request.kind === "return" && permitted.codes.includes("resume_key_used");
    return { state, answer: permitted, effects: state && isOldKey ? warned(state, request.clientId) : [] };
  }
  switch (request.kind) {
    case "join": {
      const retryAfterS = returnsIn(permitted.value, request.member, now);
      if (retryAfterS > 0) return { state, answer: refuseReturn(retryAfterS), effects: [] };
      return join(permitted.value, request, now);
    }
    case "stop":
      return { answer: accept(null), ...stop(permitted.value, now) };
    case "proceed":
      return { answer: accept(null), ...goOn(permitted.value, request.requestId, now) };
    case "start":
      return {
        answer: accept(null),
        ...begin(withoutNewcomers(permitted.value), startPolicy(permitted.value), request, now),
      };
    case "return": {
      const retryAfterS = request.reconnect ? reconnectsIn(permitted.value, request.clientId, now) : 0;
      if (retryAfterS > 0) return { state, answer: refuseReturn(retryAfterS), effects: [] };
      return comeBack(permitted.value, request, now);
    }
    case "hand-over":
      return { answer: accept(null), ...handOver(permitted.value, request, now) };
    case "kick":
    case "operator-kick":
      return { answer: accept(null), ...kick(permitted.value, request, now) };
    case "operator-close":
      return { answer: accept(null), ...close(permitted.value, false) };
    case "unban":
      return {
        answer: accept(null),
        ...saved({ state: unban(permitted.value, request.memberId), effects: [] }),
      };
    case "change":
      return change(permitted.value, request);
    case "change-member":
      return changeMember(permitted.value, request);
    case "look":
      return { state, answer: accept(pictureOf(permitted.value, request.clientId)), effects: [] };
  }
}

/** A start is for all: nobody waits apart any more. */
function withoutNewcomers({ newcomers: _, ...state }: LobbyState): LobbyState {
  return withoutPause(state);
}

type Noted =
  | HandOverRequest
  | KickRequest
  | OperatorKickRequest
  | UnbanRequest
  | ChangeRequest
  | ChangeMemberRequest;

type Repeatable = Exclude<LobbyRequest, OpenRequest>;

/**
 * The answer to a request that was done already: its first answer may have been lost. Null if it was not
 * done.
 */
function doneAgain(state: LobbyState, request: Repeatable): Taken<Repeatable> | null {
  switch (request.kind) {
    case "join":
      return welcomeAgain(state, request.member);
    case "start":
      return "requestId" in state.phase && state.phase.requestId === request.requestId
        ? { state, answer: accept(null), effects: [] }
        : null;
    case "stop":
      return null;
    case "proceed":
      return "proceeded" in state.phase && state.phase.proceeded === request.requestId
        ? { state, answer: accept(null), effects: [] }
        : null;
    case "return": {
      const member = memberOf(state, request.clientId);
      const isBack = member?.requestId === request.requestId && !isAway(state, request.clientId);
      return isBack ? { state, answer: welcome(state, member), effects: [] } : null;
    }
    case "hand-over":
    case "kick":
    case "operator-kick":
    case "unban":
      return state.done?.includes(request.requestId) ? { state, answer: accept(null), effects: [] } : null;
    case "change":
    case "change-member":
      return state.done?.includes(request.requestId)
        ? { state, answer: accept({ version: versionOf(state) }), effects: [] }
        : null;
    case "look":
    case "operator-close":
      return null;
  }
}

function open(state: LobbyState | null, request: OpenRequest, now: number): Taken<OpenRequest> {
  const { lobbyId, incarnation, name, maxMembers, goesOn, relayOnly, graceMs, host } = request;
  const { hostNetworks, options = {} } = request;
  // Nobody who reads the list could join the lobby of a dialect.
  const isPublic = request.isPublic && dialectOf(lobbyId) === null;
  const answered = (lobby: LobbyState) =>
    accept({
      lobbyName: name,
      lobbyId,
      privacy: privacyOf(request),
      ...(host.features && { lobby: pictureOf(lobby, host.clientId) }),
    });
  if (state !== null) {
    const same = state.hostId === host.clientId && state.members[0]?.requestId === host.requestId;
    return { state, answer: same && !isOver(state) ? answered(state) : refuse("code_taken"), effects: [] };
  }
  if (options.encryption === "required" && !host.features?.includes("encrypted"))
    return { state, answer: refuse("encryption_required"), effects: [] };
  const auditMs = isHere(request, host) ? lobbyLimits.safetyMs : lobbyLimits.auditIntervalMs;
  const opened: LobbyState = {
    v: 1,
    lobbyId,
    incarnation,
    name,
    isPublic,
    maxMembers,
    goesOn,
    relayOnly,
    hostId: host.clientId,
    ...(isPublic && hostNetworks && { hostNetworks }),
    members: [graceMs > 0 ? { ...host, since: now } : host],
    graceMs,
    away: [],
    phase: { kind: "waiting" },
    // A socket's attachment ends with the socket, and has little room.
    isLasting:
      isPublic || graceMs > 0 || Object.keys(options).length > 0 || saysMore(host) || !isHere(request, host),
    auditAt: now + auditMs,
    auditMs,
    ...options,
    // Dialects have names of ASCII, whose players know `Ann` from `ann`.
    ...(host.features && dialectOf(lobbyId) === null && { comparesLooks: true }),
  };
  return { state: opened, answer: answered(opened), effects: [{ kind: "save" }, ...listing(opened)] };
}
