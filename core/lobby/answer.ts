import { limits } from "../limits.ts";
import { accept, refuse } from "../problem.ts";
import { saved } from "./abort.ts";
import { comeBack, onlyToConnected } from "./away.ts";
import { onTime } from "./clock.ts";
import { type Answered, listing } from "./effect.ts";
import { begin } from "./gathering.ts";
import { join, welcome, welcomeAgain } from "./membership.ts";
import { orionPolicy } from "./policy.ts";
import type {
  AnswerTo,
  JoinRequest,
  LobbyRequest,
  OpenRequest,
  ReturnRequest,
  StartRequest,
} from "./request.ts";
import { permit } from "./rules.ts";
import { isAway, isHere, isOver, type LobbyState, memberOf } from "./state.ts";

type Taken<R extends LobbyRequest> = Answered<LobbyState | null, AnswerTo<R>>;

/** Does what is asked, or refuses it. The answer goes out when the effects are done. */
export function request<R extends LobbyRequest>(state: LobbyState | null, request: R, now: number): Taken<R>;
export function request(state: LobbyState | null, request: LobbyRequest, now: number): Taken<LobbyRequest> {
  const timely = state && onTime(state, now, false);
  const taken = take(timely, request, now);
  return onlyToConnected(timely === state ? taken : { ...taken, ...saved(taken) });
}

function take(state: LobbyState | null, request: LobbyRequest, now: number): Taken<LobbyRequest> {
  if (request.kind === "open") return open(state, request, now);
  const again = state && !isOver(state) ? doneAgain(state, request) : null;
  if (again) return again;
  const permitted = permit(state, request.kind, request);
  if (!permitted.ok) return { state, answer: permitted, effects: [] };
  switch (request.kind) {
    case "join":
      return join(permitted.value, request.member, now);
    case "start":
      return { answer: accept(null), ...begin(permitted.value, orionPolicy(permitted.value), request, now) };
    case "return":
      return comeBack(permitted.value, request, now);
  }
}

type Repeatable = JoinRequest | StartRequest | ReturnRequest;

/** The answer to a request that was done already: its first answer may have been lost. Null if it was not done. */
function doneAgain(state: LobbyState, request: Repeatable): Taken<Repeatable> | null {
  switch (request.kind) {
    case "join":
      return welcomeAgain(state, request.member);
    case "start":
      return "requestId" in state.phase && state.phase.requestId === request.requestId
        ? { state, answer: accept(null), effects: [] }
        : null;
    case "return": {
      const member = memberOf(state, request.clientId);
      const isBack = member?.requestId === request.requestId && !isAway(state, request.clientId);
      return isBack ? { state, answer: welcome(state), effects: [] } : null;
    }
  }
}

function open(state: LobbyState | null, request: OpenRequest, now: number): Taken<OpenRequest> {
  const { lobbyId, incarnation, name, isPublic, maxMembers, goesOn, relayOnly, graceMs, host } = request;
  const answer = accept({ lobbyName: name, lobbyId });
  if (state !== null) {
    const same = state.hostId === host.clientId && state.members[0]?.requestId === host.requestId;
    return { state, answer: same && !isOver(state) ? answer : refuse("code_taken"), effects: [] };
  }
  const auditMs = isHere(request, host) ? limits.safetyMs : limits.auditIntervalMs;
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
    members: [host],
    graceMs,
    away: [],
    phase: { kind: "waiting" },
    // What must outlive a socket cannot be attached to it.
    isLasting: isPublic || graceMs > 0 || !isHere(request, host),
    auditAt: now + auditMs,
    auditMs,
  };
  return { state: opened, answer, effects: [{ kind: "save" }, ...listing(opened)] };
}
