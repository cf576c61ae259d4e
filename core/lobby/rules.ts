/**
 * Who may do what. For each request: the conditions that refuse it, in the order in which they are looked at,
 * each with its code. The first that holds is the answer (docs/protocol.md promises this order). A request
 * that was done already is answered again before anybody looks here.
 */

import { looksOf } from "../looks.ts";
import { accept, type Outcome, type ProblemCode, refuse } from "../problem.ts";
import { changedData, fitsLobby, fitsMember } from "../wire/data.ts";
import { needNoSidecar } from "./features.ts";
import { isBanned, wasBanned } from "./kicking.ts";
import type {
  ChangeMemberRequest,
  ChangeRequest,
  HandOverRequest,
  JoinRequest,
  KickRequest,
  LookRequest,
  OperatorCloseRequest,
  OperatorKickRequest,
  ReturnRequest,
  StartRequest,
  SteerRequest,
  UnbanRequest,
} from "./request.ts";
import {
  isAway,
  isConnectingAll,
  isFull,
  isHostless,
  isInformed,
  isLocked,
  isOver,
  type LobbyState,
  type Member,
  memberOf,
  sessionOf,
  termOf,
  versionOf,
} from "./state.ts";

export type Asked = {
  join: JoinRequest;
  start: StartRequest;
  stop: SteerRequest;
  proceed: SteerRequest;
  return: ReturnRequest;
  "hand-over": HandOverRequest;
  kick: KickRequest;
  unban: UnbanRequest;
  change: ChangeRequest;
  "change-member": ChangeMemberRequest;
  look: LookRequest;
  "operator-close": OperatorCloseRequest;
  "operator-kick": OperatorKickRequest;
  ice: { clientId: string };
  "read-snapshot": { clientId: string };
  "write-snapshot": { clientId: string };
};

/** A code, and when a request is refused with it. */
export type Rule<Request> = readonly [
  code: ProblemCode,
  refuses: (state: LobbyState, request: Request, now: number) => boolean,
];

const noSuchLobby: Rule<unknown> = ["no_such_lobby", isOver];
const notAMember: Rule<{ clientId: string }> = [
  "not_a_member",
  (state, { clientId }) => memberOf(state, clientId) === undefined,
];
const notTheHost: Rule<{ clientId: string }> = [
  "not_the_host",
  ({ hostId }, { clientId }) => hostId !== clientId,
];
/** Before `not_the_host`: who was the host is told so. */
const oldTerm: Rule<{ term?: number | undefined }> = [
  "old_term",
  (state, { term }) => term !== undefined && term !== termOf(state),
];
/** Something was changed since the client looked. Who came and went meanwhile is in nobody's way. */
const wrongVersion: Rule<{ ifVersion?: number | undefined }> = [
  "wrong_version",
  (state, { ifVersion }) =>
    ifVersion !== undefined && (ifVersion < (state.changedAt ?? 0) || ifVersion > versionOf(state)),
];
/** The host leaves by leaving. */
const noSuchGuest: Rule<{ memberId: string }> = [
  "no_such_member",
  (state, { memberId }) => memberId === state.hostId || !memberOf(state, memberId),
];

const isWaiting = ({ phase }: LobbyState) => phase.kind === "waiting";
/** To stop what is stopped is no mistake. */
const isStopped = ({ phase }: LobbyState) => phase.kind === "waiting" && phase.aborted === "stopped";

export const rules: { readonly [Kind in keyof Asked]: readonly Rule<Asked[Kind]>[] } = {
  join: [
    noSuchLobby,
    [
      "already_in_lobby",
      ({ members }, { member: { clientId } }) =>
        members.some((one) => one.clientId === clientId || sessionOf(one) === clientId),
    ],
    ["banned", (state, { member }, now) => isBanned(state, member, now)],
    ["encryption_required", (state, { member }) => lacksEncryption(state, member.features)],
    [
      "password_needed",
      ({ password }, { passwordHash }) => password !== undefined && passwordHash === undefined,
    ],
    [
      "wrong_password",
      ({ password }, { passwordHash }) =>
        password !== undefined && passwordHash !== undefined && passwordHash !== password.hash,
    ],
    ["host_away", (state, { leads }) => isHostless(state) && leads === undefined],
    ["host_present", (state, { leads }) => leads === "must" && !isHostless(state)],
    ["locked_by_host", ({ locked }) => locked === true],
    ["lobby_locked", isLocked],
    ["lobby_full", isFull],
    ["name_taken", (state, { member }) => isTaken(state, member)],
    ["data_too_large", (_, { member }) => member.data !== undefined && !fitsMember(member.data)],
  ],
  start: [
    noSuchLobby,
    oldTerm,
    ["lobby_locked", isConnectingAll],
    ["too_few_members", ({ members }) => members.length < 2],
    notTheHost,
    [
      "no_sidecar",
      ({ members, relayOnly }, { sidecar }) =>
        !needNoSidecar(members) && (!sidecar || (relayOnly && !sidecar.relays)),
    ],
  ],
  stop: [
    noSuchLobby,
    oldTerm,
    notTheHost,
    ["not_mediating", (state) => isWaiting(state) && !isStopped(state)],
  ],
  proceed: [noSuchLobby, oldTerm, notTheHost, ["not_mediating", isWaiting]],
  return: [
    noSuchLobby,
    ["banned", (state, { clientId }) => wasBanned(state, clientId)],
    // Also one whose ban was lifted: its place is gone.
    ["no_such_member", (state, { clientId }) => !memberOf(state, clientId) && !wasBanned(state, clientId)],
    // One connection speaks for one member.
    [
      "already_in_lobby",
      ({ members }, { clientId, session }) =>
        members.some((one) => one.clientId !== clientId && sessionOf(one) === session),
    ],
    [
      "encryption_required",
      (state, { features }) => features !== undefined && lacksEncryption(state, features),
    ],
    ["resume_key_used", (state, request) => isUsedKey(memberOf(state, request.clientId), request)],
  ],
  "hand-over": [
    noSuchLobby,
    oldTerm,
    notTheHost,
    ["lobby_locked", isConnectingAll],
    noSuchGuest,
    ["no_such_member", (state, { memberId }) => isAway(state, memberId)],
    [
      "cannot_lead",
      (state, { memberId }) => {
        const member = memberOf(state, memberId);
        return member !== undefined && !isInformed(member);
      },
    ],
  ],
  kick: [noSuchLobby, oldTerm, notTheHost, noSuchGuest],
  unban: [
    noSuchLobby,
    oldTerm,
    notTheHost,
    ["no_such_ban", (state, { memberId }) => !wasBanned(state, memberId)],
  ],
  change: [
    noSuchLobby,
    oldTerm,
    notTheHost,
    wrongVersion,
    ["lobby_locked", isLocked],
    [
      "max_members_too_low",
      ({ members }, { change: { maxMembers = members.length } }) => maxMembers < members.length,
    ],
    ["data_too_large", ({ data = {} }, { change }) => !fitsLobby(changedData(data, change.data ?? {}))],
  ],
  "change-member": [
    noSuchLobby,
    notAMember,
    wrongVersion,
    [
      "name_taken",
      (state, { clientId, change: { displayName } }) => {
        const member = memberOf(state, clientId);
        return (
          displayName !== undefined && member !== undefined && isTaken(state, { ...member, displayName })
        );
      },
    ],
    [
      "data_too_large",
      (state, { clientId, change }) =>
        !fitsMember(changedData(memberOf(state, clientId)?.data ?? {}, change.data ?? {})),
    ],
  ],
  look: [noSuchLobby, notAMember],
  "operator-close": [noSuchLobby],
  "operator-kick": [noSuchLobby, ["no_such_member", (state, { memberId }) => !memberOf(state, memberId)]],
  ice: [noSuchLobby, notAMember],
  "read-snapshot": [noSuchLobby, notAMember],
  "write-snapshot": [noSuchLobby, notAMember, notTheHost],
};

/** The lobby, if it may do what is asked. Where there is none at all, nothing may be done. */
export function permit<Kind extends keyof Asked>(
  state: LobbyState | null,
  kind: Kind,
  request: Asked[Kind],
  now: number,
): Outcome<LobbyState> {
  if (state === null) return refuse("no_such_lobby");
  const rule = rules[kind].find(([, refuses]) => refuses(state, request, now));
  return rule ? refuse(rule[0]) : accept(state);
}

/** Whether the lobby lets in nobody whose client does not encrypt, and this one does not. */
function lacksEncryption({ encryption }: LobbyState, features: Member["features"]): boolean {
  return encryption === "required" && !features?.includes("encrypted");
}

/** Whether another member has the name, or one that looks the same where looks count. */
function isTaken(
  { members, comparesLooks }: LobbyState,
  { clientId, name, displayName = name }: Member,
): boolean {
  const others = members.filter((one) => one.clientId !== clientId);
  if (others.some((one) => one.name === name)) return true;
  if (!comparesLooks) return false;
  const looks = new Set([name, displayName].flatMap(looksOf));
  return others.some((one) =>
    [one.name, one.displayName ?? one.name].flatMap(looksOf).some((look) => looks.has(look)),
  );
}

/** A key is good once. The same return, repeated, is no second use. */
function isUsedKey(member: Member | undefined, { resumes, resumedBy }: ReturnRequest): boolean {
  if (!member) return false;
  const had = member.resumes ?? 0;
  const isRepeated = resumes === had - 1 && resumedBy !== undefined && resumedBy === member.resumedBy;
  return resumes !== had && !isRepeated;
}
