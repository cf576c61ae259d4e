/** A lobby to tell stories about: what happens to it, and what the players hear of it, in short lines. */

import { orionText } from "../../core/dialects/orion.ts";
import { request } from "../../core/lobby/answer.ts";
import { wakeAt } from "../../core/lobby/deadlines.ts";
import type { Effect, Introduced, Introduction } from "../../core/lobby/effect.ts";
import type { LobbyEvent } from "../../core/lobby/event.ts";
import type { Feature } from "../../core/lobby/features.ts";
import { begin } from "../../core/lobby/gathering.ts";
import {
  type Told as FullyTold,
  introduce,
  linkCount,
  type UnsignedPeer,
} from "../../core/lobby/introduction.ts";
import { lobbyLimits } from "../../core/lobby/limits.ts";
import { pairsOf } from "../../core/lobby/policy.ts";
import type {
  LobbyOptions as Additions,
  ChangeMemberRequest,
  ChangeRequest,
  HandOverRequest,
  KickRequest,
  LobbyRequest,
  OpenRequest,
  OperatorKickRequest,
  ReturnRequest,
  StartRequest,
  SteerRequest,
  UnbanRequest,
} from "../../core/lobby/request.ts";
import type { LobbyState, MediationPolicy, Member } from "../../core/lobby/state.ts";
import { step } from "../../core/lobby/step.ts";
import type { Outcome } from "../../core/problem.ts";
import type { ConnectionReport } from "../../core/wire/client-message.ts";
import { decode, type Message } from "../../measure/kit/wire.ts";

export const lobbyId = "K3Y7Z";
/** When every story begins. */
export const noon = Date.UTC(2030, 0, 1, 12);

export const timing = {
  ptpmServerConnectTimeoutMs: 60_000,
  ptpmConnectRequestIntervalMs: 10_000,
  ptpmConnectTimeoutMs: 40_000,
};

export const sidecar = { name: "paris", host: "paris.example", port: 5990, load: 0, heardAt: noon };
/** The one a reminder names when the first did not see everyone. */
export const otherSidecar = { name: "oslo", host: "oslo.example", port: 5991, load: 0, heardAt: noon };
/** One that carries links, too. */
export const relayingSidecar = { ...sidecar, secondPort: 5989, relays: true };

/** Ben and Cid are held by lounges, everybody else by the lobby itself. */
const elsewhere: Record<string, string> = { Ben: "l4", Cid: "l58999" };

/** A client's id is its player's name, so that a story can be read. */
export function member(name: string, requestId = `${name} takes a place`): Member {
  return { clientId: name, name, holder: elsewhere[name] ?? lobbyId, requestId };
}

/** The same of a client that knows the additions to Orion. */
export function knower(name: string, about: Partial<Member> = {}): Member {
  return { ...member(name), features: ["pings"], ...about };
}

/** The same of a client that has said that it can do this. */
export function withFeatures(
  name: string,
  features: readonly Feature[],
  about: Partial<Member> = {},
): Member {
  return { ...member(name), features, ...about };
}

export function endpoint(port: number): { ip: string; port: number } {
  return { ip: "192.0.2.1", port };
}

export type LobbyOptions = {
  isPublic?: boolean;
  maxMembers?: number;
  goesOn?: boolean;
  relayOnly?: boolean;
  graceMs?: number;
  /** What Orion does not have. */
  options?: Additions;
};

/** `knows`: of players whose clients know the additions, and who have been there for long enough to be missed. */
type StoryOptions = LobbyOptions & { knows?: boolean };

export function opened(host: Member, options: LobbyOptions = {}): OpenRequest {
  const rules = { isPublic: true, maxMembers: 4, goesOn: false, relayOnly: false, graceMs: 0 };
  return {
    kind: "open",
    lobbyId,
    incarnation: "first",
    name: "Friday",
    ...rules,
    ...options,
    host,
  };
}

export function joined(who: Member | string): LobbyRequest {
  return { kind: "join", member: typeof who === "string" ? member(who) : who };
}

export type StartOptions = Partial<Omit<StartRequest, "kind" | "clientId">>;

export function started(clientId: string, options: StartOptions = {}): StartRequest {
  return { kind: "start", clientId, requestId: `${clientId} starts`, timing, sidecar, ...options };
}

/** The host's wish, or somebody else's, for the mediation under way. */
export function steered(
  kind: SteerRequest["kind"],
  clientId = "Ann",
  requestId = `${clientId} wishes`,
): SteerRequest {
  return { kind, clientId, requestId };
}

export function left(clientId: string): LobbyEvent {
  return { kind: "member-left", clientId };
}

/** Its connection has ended. */
export function cut(clientId: string, holder = member(clientId).holder): LobbyEvent {
  return { kind: "connection-lost", clientId, holder };
}

/** Back by another connection, for the first time unless `resumes` says otherwise. */
export function returned(clientId: string, options: Partial<ReturnRequest> = {}): ReturnRequest {
  const { resumes = 0 } = options;
  const nth = resumes === 0 ? "" : ` ${resumes + 1}`;
  return {
    kind: "return",
    clientId,
    holder: member(clientId).holder,
    session: `${clientId}'s new session${nth}`,
    requestId: `${clientId} returns${nth}`,
    resumes,
    ...options,
  };
}

export function handedOver(to: string, options: Partial<HandOverRequest> = {}): HandOverRequest {
  return { kind: "hand-over", clientId: "Ann", memberId: to, requestId: `to ${to}`, ...options };
}

export function kicked(memberId: string, options: Partial<KickRequest> = {}): KickRequest {
  const rest = { clientId: "Ann", requestId: `kick ${memberId}`, reason: "", ban: false };
  return { kind: "kick", memberId, ...rest, ...options };
}

export function unbanned(memberId: string, options: Partial<UnbanRequest> = {}): UnbanRequest {
  return { kind: "unban", clientId: "Ann", memberId, requestId: `unban ${memberId}`, ...options };
}

/** By the operator of the server. */
export function removed(memberId: string, options: Partial<OperatorKickRequest> = {}): OperatorKickRequest {
  const rest = { requestId: `remove ${memberId}`, reason: "", ban: false };
  return { kind: "operator-kick", memberId, ...rest, ...options };
}

export const ended: LobbyRequest = { kind: "operator-close", requestId: "the operator closes" };

/** Each change is another request. */
export function changed(
  change: ChangeRequest["change"],
  options: Partial<Omit<ChangeRequest, "change">> = {},
): ChangeRequest {
  const requestId = `change ${JSON.stringify(change)}`;
  return { kind: "change", clientId: "Ann", requestId, change, ...options };
}

export function changedSelf(
  clientId: string,
  change: ChangeMemberRequest["change"],
  options: Partial<Omit<ChangeMemberRequest, "change">> = {},
): ChangeMemberRequest {
  const requestId = `${clientId} changes ${JSON.stringify(change)}`;
  return { kind: "change-member", clientId, requestId, change, ...options };
}

export function looked(clientId: string): LobbyRequest {
  return { kind: "look", clientId };
}

export function hidden(clientId: string, isHidden = true): LobbyEvent {
  return { kind: "visibility-changed", clientId, hidden: isHidden };
}

export function signalled(clientId: string, to: string, data: unknown = "psst"): LobbyEvent {
  return { kind: "signal-sent", clientId, to, data };
}

export function lost(...clientIds: string[]): LobbyEvent {
  return { kind: "members-lost", clientIds };
}

/** The object that holds them did not answer. */
export function outOfReach(...clientIds: string[]): LobbyEvent {
  return { kind: "members-lost", clientIds, isOutOfReach: true };
}

/** It has said or asked something. */
export function heardOf(clientId: string): LobbyEvent {
  return { kind: "member-heard", clientId };
}

export function said(clientId: string, text: string): LobbyEvent {
  return { kind: "message-sent", clientId, text };
}

export function seen(clientId: string, port: number): LobbyEvent {
  return { kind: "endpoint-seen", clientId, observed: { endpoint: endpoint(port) } };
}

/** The same of a client that proves where it is, and tells its candidates: none. */
export function proven(clientId: string, { ip = "192.0.2.1", port = 1001 } = {}): LobbyEvent {
  return {
    kind: "endpoint-seen",
    clientId,
    observed: { endpoint: { ip, port }, candidates: [], proven: true },
  };
}

export function reported(clientId: string): LobbyEvent {
  return { kind: "connection-reported", clientId, connected: true, report: { cause: null, peers: [] } };
}

/** Says that it is connected to these peers, and to no others. */
export function reachedOnly(clientId: string, ...reached: string[]): LobbyEvent {
  const peers = reached.map((peer) => ({ clientId: peer, path: "direct", cause: null }) as const);
  return {
    kind: "connection-reported",
    clientId,
    connected: false,
    report: { cause: null, peers: [...peers] },
  };
}

/** Says that it is not connected to these peers; without any, to nobody. */
export function failed(clientId: string, ...unconnected: string[]): LobbyEvent {
  const cause = "no-packets-received";
  const peers = unconnected.map((peer) => ({ clientId: peer, path: null, cause }) as const);
  const report: ConnectionReport = { cause: peers.length > 0 ? null : "udp-blocked", peers };
  return { kind: "connection-reported", clientId, connected: false, report };
}

/** Of the mediation that "Ann starts". */
export function silent(clientId: string, mediation = "Ann star"): LobbyEvent {
  return { kind: "silence-reported", clientId, mediation };
}

/** Its links to these are lost. */
export function missing(clientId: string, ...peers: string[]): LobbyEvent {
  return { kind: "links-lost", clientId, peers };
}

/** Of the mediation that "Ann starts". */
export function readied(
  clientId: string,
  about: { udp?: false; commitment?: string } = {},
  mediation = "Ann star",
): LobbyEvent {
  return { kind: "member-ready", clientId, mediation, ...about };
}

export function woken(by: typeof sidecar | undefined = sidecar): LobbyEvent {
  return { kind: "deadline-passed", sidecar: by };
}

export const listingFailed: LobbyEvent = { kind: "listing-failed" };

/** What a lobby takes. */
export type Happening = LobbyRequest | LobbyEvent;
/** What comes of it. The answer is null for what is no request. */
export type Outcomes = { state: LobbyState | null; effects: Effect[]; answer: Outcome<unknown> | null };

const requests: Record<LobbyRequest["kind"], true> = {
  open: true,
  join: true,
  start: true,
  stop: true,
  proceed: true,
  return: true,
  "hand-over": true,
  kick: true,
  unban: true,
  change: true,
  "change-member": true,
  look: true,
  "operator-close": true,
  "operator-kick": true,
};

export function isRequest(happening: Happening): happening is LobbyRequest {
  return Object.hasOwn(requests, happening.kind);
}

export function takenBy(state: LobbyState | null, happening: Happening, now: number): Outcomes {
  if (isRequest(happening)) return request(state, happening, now);
  return { answer: null, ...step(state, happening, now) };
}

/** A lobby under way: `happens` takes requests and events in, and returns what came of them as lines. */
export type Lobby = {
  state: LobbyState | null;
  now: number;
  /** The effects of the last request or event, and its answer. */
  effects: Effect[];
  answer: Outcome<unknown> | null;
  happens(...happenings: Happening[]): string[];
  /** Begins a mediation of another policy than requests can ask for. */
  begins(policy: MediationPolicy, options?: StartOptions): string[];
  /** Sets the clock forward, without a word to the lobby. */
  waits(ms: number): Lobby;
  /** Lets time pass: every alarm that the lobby asks for meanwhile comes in time. */
  passes(ms: number): Lobby;
};

/** No lobby yet. */
export function noLobby(): Lobby {
  return {
    state: null,
    now: noon,
    effects: [],
    answer: null,
    happens(...happenings) {
      return happenings.flatMap((happening) => {
        Object.assign(this, takenBy(this.state, happening, this.now));
        return [...this.effects.flatMap(lines), ...answerLine(this.answer)];
      });
    },
    begins(policy, options = {}) {
      if (!this.state) throw new Error("there is no lobby");
      Object.assign(this, begin(this.state, policy, started("begun", options), this.now), { answer: null });
      return this.effects.flatMap(lines);
    },
    waits(ms) {
      this.now += ms;
      return this;
    },
    passes(ms) {
      const end = this.now + ms;
      for (let at = nextWake(this); at <= end; at = nextWake(this)) {
        this.now = at;
        this.happens(woken());
      }
      this.now = end;
      return this;
    },
  };
}

function nextWake({ state }: Lobby): number {
  return state ? wakeAt(state) : Number.POSITIVE_INFINITY;
}

/** A lobby of these players, the first of them the host. */
export function lobbyOf(
  names: readonly [string, ...string[]],
  { knows = false, ...options }: StoryOptions = {},
): Lobby {
  const [host, ...guests] = names;
  const who = knows ? (name: string) => knower(name) : (name: string) => member(name);
  const lobby = noLobby();
  lobby.happens(opened(who(host), options), ...guests.map((name) => joined(who(name))));
  return knows ? lobby.waits(lobbyLimits.presentMs) : lobby;
}

/** The same, gathering endpoints: nobody is seen yet. */
export function gathering(names: readonly [string, ...string[]], options: StoryOptions = {}): Lobby {
  const lobby = lobbyOf(names, options);
  lobby.happens(started(names[0]));
  return lobby;
}

/** The same, connecting: the players were seen at ports 1001, 1002 and so on, and nobody has reported. */
export function connecting(names: readonly [string, ...string[]], options: StoryOptions = {}): Lobby {
  const lobby = gathering(names, options);
  lobby.happens(...names.map((name, i) => seen(name, 1001 + i)));
  return lobby;
}

/** The same, closing: the players are connected, and nobody has been told so yet. */
export function closing(names: readonly [string, ...string[]], options: StoryOptions = {}): Lobby {
  const lobby = connecting(names, options);
  lobby.happens(...names.map(reported));
  return lobby;
}

/** Players who are connected already, in a lobby that stays. */
export function playing(
  names: readonly [string, ...string[]],
  { options, ...rest }: StoryOptions = {},
): Lobby {
  const stays: Additions = { lifetime: "session", ...options };
  const lobby = connecting(names, { isPublic: false, knows: true, ...rest, options: stays });
  lobby.happens(...names.map(reported));
  return lobby;
}

/** A lobby of these members, the first of them the host, who have been there for long enough to be missed. */
export function lobbyOfMembers(
  [host, ...guests]: readonly [Member, ...Member[]],
  options: LobbyOptions = {},
): Lobby {
  const lobby = noLobby();
  lobby.happens(opened(host, { maxMembers: 64, ...options }), ...guests.map(joined));
  return lobby.waits(lobbyLimits.presentMs);
}

/** The same, which the host has started. */
export function startedBy(
  members: readonly [Member, ...Member[]],
  options: LobbyOptions = {},
  by: StartRequest["sidecar"] = relayingSidecar,
): Lobby {
  const lobby = lobbyOfMembers(members, options);
  lobby.happens(started(members[0].clientId, { sidecar: by }));
  return lobby;
}

/** Which members are connected to their peers, and which wait for it. */
export function whoPlays({ state }: Lobby): { playing: string[]; waiting: string[] } {
  const { playing = [], newcomers = [] } = state ?? {};
  return { playing: playing.map(({ clientId }) => clientId), waiting: [...newcomers] };
}

export function phaseOf({ state }: Lobby): string {
  return state?.phase.kind ?? "none";
}

/** One effect in lines: `save`, `lobby_peerConnect to Ann, Ben`. */
function lines(effect: Effect): string[] {
  switch (effect.kind) {
    case "list":
      return [`list ${effect.lobby.currentMembers}/${effect.lobby.maxMembers}`];
    case "send":
      return told(effect).map(({ method, to }) => `${method} to ${names(to)}`);
    case "release":
    case "introduce":
      return told(effect).map(
        ({ method, to }) => `${method} to ${names(to)}${effect.kind === "release" ? ", released" : ""}`,
      );
    case "audit":
      return [`audit ${names(effect.members)}`];
    case "let-go":
      return [`let-go ${names(effect.to)}`];
    default:
      return [effect.kind];
  }
}

function answerLine(answer: Outcome<unknown> | null): string[] {
  return answer ? [`answer ${answer.ok ? "yes" : answer.codes.join(" ")}`] : [];
}

/** A message as Orion's clients hear it, and who does. */
export type Told = Message & { to: readonly Member[] };

/** What members hear of an effect. An introduction counts as clients hear it that know nothing of the additions. */
export function told(effect: Effect): Told[] {
  if (effect.kind === "introduce") return introductions(effect);
  if (effect.kind !== "send" && effect.kind !== "release") return [];
  return [{ to: effect.to, ...decode(orionText(effect.message, lobbyId)) }];
}

/** Members that are told of the same peers are told together. */
function introductions(introduction: Introduction): Told[] {
  const { host, others } = introduction;
  const pairs = pairsOf(introduction);
  const peersOf = (one: Introduced) =>
    pairs.filter((pair) => pair.includes(one)).map(([a, b]) => (a === one ? b : a));
  const told = [host, ...others].map((one) => ({ to: one.member, peers: peersOf(one) }));
  const groups = Map.groupBy(told, ({ peers }) => peers.map(({ member }) => member.clientId).join());
  return Array.from(groups.values(), (group) => ({
    to: group.map(({ to }) => to),
    method: "ptpMediation_peersConnection_start",
    payload: { peers: group[0]?.peers.flatMap(({ observed }) => observed?.endpoint ?? []) ?? [] },
  }));
}

/** What each player of an introduction is told, if its client knows the additions. */
export function toldBy(introduction: Introduction): FullyTold[] {
  const links = Array.from({ length: linkCount(introduction) }, (_, i) => ({
    id: i.toString(16).padStart(12, "0"),
    key: "k".repeat(22),
  }));
  return introduce(introduction, { lobbyTag: "ABCDE", links, now: noon });
}

/** The same of the introduction that came of the last event. */
export function toldIn({ effects }: Lobby): FullyTold[] {
  const introduction = effects.find((effect) => effect.kind === "introduce");
  if (!introduction) throw new Error("nobody was introduced");
  return toldBy(introduction);
}

/** What a player is told of its peers. */
export function peersOf(told: readonly FullyTold[], name: string): UnsignedPeer[] {
  return told.flatMap((one) =>
    one.kind === "full" && one.to.some((to) => to.name === name) ? one.peers : [],
  );
}

function names(members: readonly Member[]): string {
  return members.map(({ name }) => name).join(", ");
}

/** What one player heard of the last event: its messages' payloads, by this method. */
export function heard({ effects }: Lobby, name: string, method: string): Record<string, unknown>[] {
  return effects
    .flatMap(told)
    .filter((message) => message.method === method && message.to.some((to) => to.name === name))
    .map(({ payload }) => payload);
}

/** What the last request was answered. */
export function answerOf({ answer }: Lobby): unknown {
  return answer;
}
