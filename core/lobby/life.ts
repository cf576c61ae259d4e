/** What an operator reads about a lobby: its life, in a few lines. */

import { printableName } from "../printable.ts";
import type { AbortCode } from "../problem.ts";
import { staysIn, viaOf } from "./connecting.ts";
import type { LobbyEvent } from "./event.ts";
import { participants, takesPart } from "./policy.ts";
import type { LobbyRequest } from "./request.ts";
import { shownCount } from "./roll-call.ts";
import {
  type Connecting,
  type Gathering,
  isAway,
  type LobbyState,
  type Member,
  memberOf,
  termOf,
  type Via,
} from "./state.ts";

/**
 * What happened. `event` is stable. Names are as printable.ts makes them. `ms` counts from the start of the
 * mediation.
 */
type Happened =
  | { event: "lobby_opened"; name: string; lobbyName: string; isPublic: boolean; maxMembers: number }
  | { event: "member_joined"; name: string; members: number }
  /**
   * `lost`: its connection was gone when somebody looked for it, or it was away for too long. `replaced`: it was away,
   * and a newcomer has its place.
   */
  | { event: "member_left"; name: string; why: Leaving; members: number }
  /** It has lost its connection, and may return. */
  | { event: "member_away"; name: string }
  /** By another connection. */
  | { event: "member_back"; name: string }
  | { event: "host_changed"; name: string; term: number }
  /** `newcomers`: so many of the members, to be connected to the others, who play. */
  | { event: "mediation_started"; members: number; newcomers?: number }
  /** So many members' datagrams have come, or their word that none will. After a sleep they are counted again. */
  | { event: "members_seen"; seen: number; of: number }
  /** The mediation goes on without it. */
  | { event: "member_left_out"; name: string }
  | { event: "mediation_aborted"; code: AbortCode; ms: number }
  /**
   * `via` counts the members by their weakest path. `of` is how many there were when the mediation started. With
   * `newcomers`, so many were connected to the others, who played already.
   */
  | { event: "members_connected"; connected: number; of: number; newcomers?: number; via: ByVia; ms: number }
  | { event: "lobby_closed"; why: "connected" | "host left" | "host lost" | "operator" };

/** What the machine took. */
type Input = LobbyRequest | LobbyEvent;

export type LifeLine = { lobbyId: string } & Happened;

type Leaving = "left" | "lost" | "kicked" | "banned" | "replaced";
type ByVia = { [V in Via]?: number };

/**
 * What `input`, which led from one state to the other, means for the lobby's life. Chat and the like mean
 * nothing.
 */
export function lifeLines(
  before: LobbyState | null,
  input: Input,
  after: LobbyState | null,
  now: number,
): LifeLine[] {
  if (after === null || after === before) return [];
  const happened =
    before === null
      ? opening(after)
      : [...comingAndGoing(before, input, after), ...mediating(before, input, after, now)];
  return happened.map((one) => ({ lobbyId: after.lobbyId, ...one }));
}

function opening({ name, isPublic, maxMembers, members }: LobbyState): Happened[] {
  const lobbyName = printableName(name);
  return [
    { event: "lobby_opened", name: printableName(members[0]?.name ?? ""), lobbyName, isPublic, maxMembers },
  ];
}

function comingAndGoing(before: LobbyState, input: Input, after: LobbyState): Happened[] {
  const members = after.members.length;
  const joined = after.members.filter(({ clientId }) => !memberOf(before, clientId));
  const left = before.members.filter(({ clientId }) => !memberOf(after, clientId));
  const why = leavingBy(input);
  const wentAway = after.away.filter(({ clientId }) => !isAway(before, clientId));
  const isBack = ({ clientId, resumes }: Member) => {
    const was = memberOf(before, clientId);
    return (
      was !== undefined && !isAway(after, clientId) && (was.resumes !== resumes || isAway(before, clientId))
    );
  };
  const host = after.hostId === before.hostId ? undefined : memberOf(after, after.hostId);
  return [
    ...left.map(({ name }): Happened => ({ event: "member_left", name: printableName(name), why, members })),
    ...joined.map(({ name }): Happened => ({ event: "member_joined", name: printableName(name), members })),
    ...wentAway.map(({ clientId }): Happened => {
      return { event: "member_away", name: printableName(memberOf(after, clientId)?.name ?? "") };
    }),
    ...after.members.filter(isBack).map(({ name }): Happened => {
      return { event: "member_back", name: printableName(name) };
    }),
    ...(host
      ? [{ event: "host_changed", name: printableName(host.name), term: termOf(after) } as const]
      : []),
  ];
}

/** Why members that are gone by this have left. */
function leavingBy(input: Input): Leaving {
  if (input.kind === "kick" || input.kind === "operator-kick") return input.ban ? "banned" : "kicked";
  if (input.kind === "join") return "replaced";
  return isLoss(input) ? "lost" : "left";
}

/**
 * Whether members that are gone by this have not said so: nobody could reach them, or they did not return.
 */
function isLoss({ kind }: Input): boolean {
  return kind === "members-lost" || kind === "deadline-passed";
}

function mediating(before: LobbyState, input: Input, after: LobbyState, now: number): Happened[] {
  const [was, is] = [before.phase, after.phase];
  const isSameMediation = "began" in was && "began" in is;
  const ms = "began" in was ? now - was.began.at : 0;
  if (was.kind === "waiting" && is.kind === "gathering") return starting(after, is);
  if (isSameMediation && was.requestId !== is.requestId) {
    // One for newcomers followed at once, or the host has started one for all.
    return [...endedBefore(before, was, input, after, ms), ...("seen" in is ? starting(after, is) : [])];
  }
  if (is.kind === "closing") return was.kind === "closing" ? [] : closing(before, input, after, ms);
  if ("began" in was && is.kind === "waiting") {
    if (is.aborted) return [{ event: "mediation_aborted", code: is.aborted, ms }];
    return was.kind === "connecting" ? connected(before, was, input, after, ms) : [];
  }
  if (!isSameMediation) return [];
  return [...seen(before, after), ...leftOut(after, is.lost, was.lost)];
}

function starting(after: LobbyState, { began, lost, policy }: Gathering): Happened[] {
  const newcomers = policy.newcomers && { newcomers: policy.newcomers.length };
  return [{ event: "mediation_started", members: began.members, ...newcomers }, ...leftOut(after, lost, [])];
}

/** How a mediation ended that another has followed in the same step. A success has new entries of who plays. */
function endedBefore(
  before: LobbyState,
  was: Gathering | Connecting,
  input: Input,
  after: LobbyState,
  ms: number,
): Happened[] {
  const { playing = [] } = before;
  const hasSucceeded = after.playing?.some((one) => !playing.includes(one));
  if (was.kind === "connecting" && hasSucceeded) return connected(before, was, input, after, ms);
  return [{ event: "mediation_aborted", code: abortedBy(input, was), ms }];
}

function isIn({ playing = [] }: LobbyState, clientId: string): boolean {
  return playing.some((one) => one.clientId === clientId);
}

function abortedBy({ kind }: Input, { kind: was }: Gathering | Connecting): AbortCode {
  if (kind === "start" || kind === "stop" || kind === "hand-over") return "stopped";
  if (kind === "connection-reported" || kind === "member-ready" || kind === "return")
    return "could_not_connect";
  if (kind !== "deadline-passed") return "member_left";
  return was === "gathering" ? "endpoints_timeout" : "connecting_timeout";
}

function seen({ phase: was }: LobbyState, after: LobbyState): Happened[] {
  const { phase: is } = after;
  if (was.kind !== "gathering" || !("lost" in is)) return [];
  const of = participants(after, was).length;
  const count = is.kind === "gathering" ? shownCount(is) : participants(after, is).length;
  const isNews = is.kind === "connecting" || count > shownCount(was);
  return isNews ? [{ event: "members_seen", seen: count, of }] : [];
}

function leftOut({ members }: LobbyState, lost: readonly string[], known: readonly string[]): Happened[] {
  return members
    .filter(({ clientId }) => lost.includes(clientId) && !known.includes(clientId))
    .map(({ name }) => ({ event: "member_left_out", name: printableName(name) }));
}

function closing(before: LobbyState, input: Input, after: LobbyState, ms: number): Happened[] {
  const { phase: was } = before;
  if (was.kind !== "connecting" || after.phase.kind !== "closing" || !after.phase.success) {
    return [{ event: "lobby_closed", why: closedBy(input) }];
  }
  return [...connected(before, was, input, after, ms), { event: "lobby_closed", why: "connected" }];
}

function closedBy(input: Input): "host left" | "host lost" | "operator" {
  if (input.kind === "operator-close" || input.kind === "operator-kick") return "operator";
  return isLoss(input) ? "host lost" : "host left";
}

function connected(
  before: LobbyState,
  was: Connecting,
  input: Input,
  after: LobbyState,
  ms: number,
): Happened[] {
  const vias = viasOf(before, was, input);
  const connected = after.members.flatMap(({ clientId }) => vias.get(clientId) ?? []);
  const via: ByVia = {};
  for (const one of connected) via[one] = (via[one] ?? 0) + 1;
  const lost = participants(after, was).filter(({ clientId }) => !vias.has(clientId));
  return [
    ...leftOut(
      after,
      lost.map(({ clientId }) => clientId),
      was.lost,
    ),
    {
      event: "members_connected",
      connected: connected.length,
      of: was.began.members,
      ...(was.policy.newcomers && { newcomers: newcomersAmong(was, after) }),
      via,
      ms,
    },
  ];
}

function newcomersAmong({ policy }: Connecting, after: LobbyState): number {
  return (policy.newcomers ?? []).filter((clientId) => isIn(after, clientId)).length;
}

/** How each member is connected that has said so, the last word among them. */
function viasOf(before: LobbyState, phase: Connecting, input: Input): Map<string, Via> {
  const vias = new Map(phase.reported.map((clientId, i) => [clientId, phase.via[i] ?? "unknown"]));
  if (input.kind === "connection-reported" && takesPart(phase, input.clientId)) {
    if (staysIn(before, phase, input)) vias.set(input.clientId, viaOf(input.report));
  }
  return vias;
}
