/**
 * Who may do what. For each request: the conditions that refuse it, in the order in which they are looked at,
 * each with its code. The first that holds is the answer (docs/protocol.md promises this order). A request
 * that was done already is answered again before anybody looks here.
 */
import { accept, type Outcome, type ProblemCode, refuse } from "../problem.ts";
import type { JoinRequest, ReturnRequest, StartRequest, SteerRequest } from "./request.ts";
import { isFull, isLocked, isMediating, isOver, type LobbyState, memberOf } from "./state.ts";

/** Prepared: the host removes a member. */
export type KickRequest = { kind: "kick"; clientId: string; memberId: string };
/** Prepared: the host changes what the lobby was opened with. Its privacy never changes. */
export type ChangeRequest = { kind: "change"; clientId: string; name?: string; maxMembers?: number };

export type Asked = {
  join: JoinRequest;
  start: StartRequest;
  stop: SteerRequest;
  proceed: SteerRequest;
  return: ReturnRequest;
  kick: KickRequest;
  change: ChangeRequest;
};

/** A code, and when a request is refused with it. */
export type Rule<Request> = readonly [
  code: ProblemCode,
  refuses: (state: LobbyState, request: Request) => boolean,
];

const noSuchLobby: Rule<unknown> = ["no_such_lobby", isOver];
const notTheHost: Rule<{ clientId: string }> = [
  "not_the_host",
  ({ hostId }, { clientId }) => hostId !== clientId,
];

const isWaiting = ({ phase }: LobbyState) => phase.kind === "waiting";
/** To stop what is stopped is no mistake. */
const isStopped = ({ phase }: LobbyState) => phase.kind === "waiting" && phase.aborted === "stopped";

export const rules: { readonly [Kind in keyof Asked]: readonly Rule<Asked[Kind]>[] } = {
  join: [
    noSuchLobby,
    ["already_in_lobby", (state, { member }) => memberOf(state, member.clientId) !== undefined],
    ["lobby_locked", isLocked],
    ["lobby_full", isFull],
    ["name_taken", ({ members }, { member }) => members.some(({ name }) => name === member.name)],
  ],
  start: [
    noSuchLobby,
    ["lobby_locked", isMediating],
    ["too_few_members", ({ members }) => members.length < 2],
    notTheHost,
    ["no_sidecar", ({ relayOnly }, { sidecar }) => !sidecar || (relayOnly && !sidecar.relays)],
  ],
  stop: [noSuchLobby, notTheHost, ["not_mediating", (state) => isWaiting(state) && !isStopped(state)]],
  proceed: [noSuchLobby, notTheHost, ["not_mediating", isWaiting]],
  return: [noSuchLobby, ["no_such_member", (state, { clientId }) => !memberOf(state, clientId)]],
  kick: [
    noSuchLobby,
    notTheHost,
    // The host leaves by leaving.
    ["no_such_member", (state, { memberId }) => memberId === state.hostId || !memberOf(state, memberId)],
  ],
  change: [
    noSuchLobby,
    notTheHost,
    ["lobby_locked", isLocked],
    ["lobby_full", ({ members }, { maxMembers = members.length }) => maxMembers < members.length],
  ],
};

/** The lobby, if it may do what is asked. Where there is none at all, nothing may be done. */
export function permit<Kind extends keyof Asked>(
  state: LobbyState | null,
  kind: Kind,
  request: Asked[Kind],
): Outcome<LobbyState> {
  if (state === null) return refuse("no_such_lobby");
  const rule = rules[kind].find(([, refuses]) => refuses(state, request));
  return rule ? refuse(rule[0]) : accept(state);
}
