/** A random life of lobbies: strangers' requests, members' news, lost memory and late alarms, in any order. */
import fc from "fast-check";
import { onlyToConnected } from "../../core/lobby/away.ts";
import { wakeAt } from "../../core/lobby/deadlines.ts";
import type { Effect } from "../../core/lobby/effect.ts";
import type { LobbyEvent } from "../../core/lobby/event.ts";
import type { Feature } from "../../core/lobby/features.ts";
import { begin } from "../../core/lobby/gathering.ts";
import { readKeptLobby } from "../../core/lobby/kept.ts";
import { type LastingState, lasting } from "../../core/lobby/lasting.ts";
import { pairPolicy, startPolicy } from "../../core/lobby/policy.ts";
import type { ChangeRequest } from "../../core/lobby/request.ts";
import {
  type LobbyState,
  type MediationPolicy,
  type Member,
  mediationId,
  memberOf,
} from "../../core/lobby/state.ts";
import type { Outcome } from "../../core/problem.ts";
import {
  endpoint,
  failed,
  type Happening,
  listingFailed,
  lobbyId,
  missing,
  noon,
  type Outcomes,
  otherSidecar,
  reported,
  sidecar,
  takenBy,
  timing,
} from "./a-lobby.ts";

/** One request or event as the lobby took it, with all there is to judge it by. */
export type Taken = {
  before: LobbyState | null;
  event: Happening | Begun;
  now: number;
  after: LobbyState | null;
  effects: readonly Effect[];
  answer: Outcome<unknown> | null;
};

/** A mediation began of a policy that requests cannot ask for. */
type Begun = { kind: "begun"; policy: MediationPolicy; alive: boolean };

/** What may happen next. What it means is decided when its turn comes: "the host leaves" needs a host. */
type Turn =
  | {
      kind: "open";
      who: number;
      name: number;
      requestId: number;
      isPublic: boolean;
      maxMembers: number;
      goesOn: boolean;
      graceMs: number;
      knows: boolean;
      /** Stays for as long as it is played. */
      stays: boolean;
      isMesh: boolean;
      migrates: boolean;
      signalsAll: boolean;
    }
  | { kind: "join"; who: number; name: number; requestId: number; knows: boolean }
  | { kind: "start"; who: number; requestId: number; alive: boolean }
  /** `of`: which policy. */
  | { kind: "begin"; of: "mesh" | "session" | "pair"; who: number; alive: boolean }
  | { kind: "leave"; who: number }
  /** `isHost`: by the host, whoever that is. `isOld`: in the term before. */
  | ({ kind: "hand-over"; whom: number } & ByHost)
  | ({ kind: "kick"; whom: number; ban: boolean } & ByHost)
  | ({ kind: "unban"; whom: number } & ByHost)
  | ({ kind: "change"; of: Change } & ByHost)
  | { kind: "change-self"; who: number; requestId: number; name: number; ready: boolean; isOld: boolean }
  | { kind: "look"; who: number }
  | { kind: "signal"; who: number; whom: number }
  | { kind: "hide"; who: number; hidden: boolean }
  | { kind: "cut"; who: number }
  /** `isOld`: by a key that was used before. */
  | {
      kind: "return";
      who: number;
      requestId: number;
      isElsewhere: boolean;
      isOld: boolean;
      reconnect: boolean;
    }
  | { kind: "lose"; whom: number[]; isOutOfReach: boolean }
  | { kind: "hear-of"; who: number }
  | { kind: "chat"; who: number }
  | { kind: "datagram"; who: number; port: number }
  /** `isOld`: of another mediation. */
  | { kind: "ready"; who: number; isWithoutUdp: boolean; key: number; isOld: boolean }
  | { kind: "report"; who: number }
  | { kind: "fail"; who: number; whom: number[] }
  | { kind: "silence"; who: number; requestId: number }
  | { kind: "miss"; who: number; whom: number[] }
  /** Every member is seen, or reports: what real players do, and pure chance seldom does. */
  | { kind: "all-seen"; port: number }
  | { kind: "all-report" }
  | { kind: "all-connect"; port: number }
  | { kind: "host-starts"; requestId: number }
  | { kind: "steer"; who: number; requestId: number; wish: "stop" | "proceed" }
  | { kind: "alarm"; alive: boolean }
  | { kind: "listing-failed" }
  | { kind: "time-passes"; ms: number }
  /** The object restarts: what was not saved is lost. */
  | { kind: "restart" }
  /** The shell did what `forget` says. */
  | { kind: "forgotten" };

type ByHost = { who: number; requestId: number; isHost: boolean; isOld: boolean };
type Change = "lock" | "unlock" | "publish" | "hide" | "widen" | "narrow" | "data" | "no data";

const changes: Record<Change, ChangeRequest["change"]> = {
  lock: { locked: true },
  unlock: { locked: false },
  publish: { isPublic: true },
  hide: { isPublic: false },
  widen: { maxMembers: 4 },
  narrow: { maxMembers: 2 },
  data: { data: { map: "dust", round: 1 }, title: "Späť" },
  "no data": { data: { map: null }, title: null },
};

const ids = ["ann", "ben", "cid", "dan", "eve"];
const names = ["Ann", "Ben", "Cid", "Dan", "ANN"];

const who = fc.nat(ids.length - 1);
const name = fc.nat(names.length - 1);
const requestId = fc.nat(3);
// Few, so that some come again.
const port = fc.integer({ min: 1024, max: 1031 });
const seldom = fc.constantFrom(false, false, false, true);
const often = fc.constantFrom(true, true, true, false);
const byHost = { who, requestId, isHost: often, isOld: seldom };
const only = <Kind extends Turn["kind"]>(kind: Kind) => fc.constant(kind);

const happening: fc.Arbitrary<Turn> = fc.oneof(
  {
    weight: 2,
    arbitrary: fc.record({
      kind: only("open"),
      who,
      name,
      requestId,
      isPublic: fc.boolean(),
      maxMembers: fc.integer({ min: 1, max: 4 }),
      goesOn: fc.boolean(),
      graceMs: fc.constantFrom(0, 0, 30_000),
      knows: fc.boolean(),
      stays: fc.boolean(),
      isMesh: fc.boolean(),
      migrates: fc.boolean(),
      signalsAll: fc.boolean(),
    }),
  },
  { weight: 6, arbitrary: fc.record({ kind: only("join"), who, name, requestId, knows: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ kind: only("start"), who, requestId, alive: fc.boolean() }) },
  { weight: 3, arbitrary: fc.record({ kind: only("host-starts"), requestId }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: only("begin"),
      of: fc.constantFrom("mesh", "session", "pair"),
      who,
      alive: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: only("leave"), who }) },
  { weight: 1, arbitrary: fc.record({ kind: only("hand-over"), whom: who, ...byHost }) },
  { weight: 1, arbitrary: fc.record({ kind: only("kick"), whom: who, ban: fc.boolean(), ...byHost }) },
  { weight: 1, arbitrary: fc.record({ kind: only("unban"), whom: who, ...byHost }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: only("change"),
      of: fc.constantFrom(...(Object.keys(changes) as Change[])),
      ...byHost,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: only("change-self"),
      who,
      requestId,
      name,
      ready: fc.boolean(),
      isOld: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: only("look"), who }) },
  { weight: 1, arbitrary: fc.record({ kind: only("signal"), who, whom: who }) },
  { weight: 1, arbitrary: fc.record({ kind: only("hide"), who, hidden: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ kind: only("cut"), who }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: only("return"),
      who,
      requestId,
      isElsewhere: fc.boolean(),
      isOld: seldom,
      reconnect: fc.boolean(),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: only("lose"),
      whom: fc.uniqueArray(who, { maxLength: ids.length }),
      isOutOfReach: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: only("hear-of"), who }) },
  { weight: 1, arbitrary: fc.record({ kind: only("chat"), who }) },
  { weight: 4, arbitrary: fc.record({ kind: only("datagram"), who, port }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: only("ready"),
      who,
      isWithoutUdp: often,
      key: fc.nat(2),
      isOld: seldom,
    }),
  },
  { weight: 4, arbitrary: fc.record({ kind: only("report"), who }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: only("fail"), who, whom: fc.uniqueArray(who, { maxLength: ids.length }) }),
  },
  { weight: 1, arbitrary: fc.record({ kind: only("silence"), who, requestId }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: only("miss"), who, whom: fc.uniqueArray(who, { maxLength: ids.length }) }),
  },
  { weight: 2, arbitrary: fc.record({ kind: only("all-seen"), port }) },
  { weight: 1, arbitrary: fc.record({ kind: only("all-report") }) },
  { weight: 2, arbitrary: fc.record({ kind: only("all-connect"), port }) },
  { weight: 3, arbitrary: fc.record({ kind: only("alarm"), alive: fc.boolean() }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: only("steer"),
      who,
      requestId,
      wish: fc.constantFrom("stop", "proceed"),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: only("listing-failed") }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: only("time-passes"),
      ms: fc.oneof(fc.nat(20_000), fc.nat(400_000)),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: only("restart") }) },
  { weight: 1, arbitrary: fc.record({ kind: only("forgotten") }) },
);

/** Up to four come together and are connected, in a lobby that stays: pure chance seldom gets there. */
const evening: fc.Arbitrary<Turn[]> = fc
  .record({
    goesOn: fc.boolean(),
    isPublic: fc.boolean(),
    graceMs: fc.constantFrom(0, 30_000),
    knows: often,
    isMesh: fc.boolean(),
    migrates: fc.boolean(),
    signalsAll: fc.boolean(),
    maxMembers: fc.integer({ min: 2, max: 4 }),
    guests: fc.integer({ min: 1, max: 3 }),
  })
  .map(({ guests, ...options }) => [
    { kind: "open", who: 0, name: 0, requestId: 0, stays: true, ...options },
    ...Array.from({ length: guests }, (_, i): Turn => {
      return { kind: "join", who: i + 1, name: i + 1, requestId: 0, knows: options.knows };
    }),
    { kind: "time-passes", ms: 10_000 },
    { kind: "host-starts", requestId: 0 },
    { kind: "all-seen", port: 1_024 },
    { kind: "all-report" },
  ]);

export const walk: fc.Arbitrary<Turn[]> = fc
  .tuple(fc.oneof(fc.constant([]), evening), fc.array(happening, { maxLength: 80, size: "max" }))
  .map(([first, then]) => [...first, ...then]);

/** Lets it all happen to a lobby, and hands each event it took to the judge. */
export function take(happenings: readonly Turn[], judge: (taken: Taken) => void): void {
  let state: LobbyState | null = null;
  let saved: LastingState | null = null;
  let now = noon;

  for (const happening of happenings) {
    if (happening.kind === "time-passes") now += happening.ms;
    else if (happening.kind === "restart") state = saved && readKeptLobby(structuredClone(saved), lobbyId);
    else if (happening.kind === "forgotten") {
      if (state?.phase.kind === "closing") state = saved = null;
    } else {
      // An alarm comes when it was asked for, or later. One that nobody asks for any more may still come.
      if (happening.kind === "alarm" && state && Number.isFinite(wakeAt(state))) {
        now = Math.max(now, wakeAt(state));
      }
      for (const event of eventsOf(happening, state)) {
        const before: LobbyState | null = deepFreeze(state);
        const { answer, effects, state: after } = taken(before, deepFreeze(event), now);
        judge({ before, event, now, after, effects, answer });
        state = after;
        if (effects.some(({ kind }) => kind === "save")) saved = state && lasting(state);
      }
    }
  }
}

function taken(state: LobbyState | null, event: Happening | Begun, now: number): Outcomes {
  if (event.kind !== "begun") return takenBy(state, event, now);
  if (!state) throw new Error("nothing begins without a lobby");
  const request = { requestId: `begun ${now}`, timing, sidecar: event.alive ? sidecar : undefined };
  return { answer: null, ...onlyToConnected(begin(state, event.policy, request, now)) };
}

/** The mediation that may begin now: nothing in the core starts one while another is under way, or of fewer than two. */
function beginning({ of, who, alive }: Turn & { kind: "begin" }, state: LobbyState | null): Begun[] {
  if (state?.phase.kind !== "waiting" || state.members.length < 2) return [];
  // A start takes in those who wait to be connected (answer.ts), and these policies do not ask for it.
  if (state.newcomers) return [];
  const member = state.members[who % state.members.length];
  const others = state.members.filter((one) => one !== member).map(({ clientId }) => clientId);
  const [first = ""] = others;
  if (!member) return [];
  const policies: Record<typeof of, MediationPolicy> = {
    mesh: startPolicy({ ...state, topology: "mesh" }),
    session: startPolicy({ ...state, lifetime: "session" }),
    pair: pairPolicy(member.clientId, first),
  };
  return [{ kind: "begun", policy: policies[of], alive }];
}

export function withoutRestarts(happenings: readonly Turn[]): Turn[] {
  return happenings.filter(({ kind }) => kind !== "restart");
}

function eventsOf(happening: Turn, state: LobbyState | null): (Happening | Begun)[] {
  const members = state?.members.map(({ clientId }) => clientId) ?? [];
  switch (happening.kind) {
    case "open": {
      const { isPublic, maxMembers, goesOn, graceMs, stays, isMesh, migrates, signalsAll } = happening;
      const options = {
        ...(stays && { lifetime: "session" as const }),
        ...(isMesh && { topology: "mesh" as const }),
        ...(migrates && { onHostLoss: "migrate" as const }),
        ...(signalsAll && { signals: "all" as const }),
      };
      return [
        {
          kind: "open",
          lobbyId,
          incarnation: `the one ${idOf(happening.who)} opened`,
          name: "Walk",
          isPublic,
          maxMembers,
          goesOn,
          graceMs,
          relayOnly: false,
          host: memberFor(happening),
          options,
        },
      ];
    }
    case "join":
      return [{ kind: "join", member: memberFor(happening) }];
    case "start":
      return [startBy(idOf(happening.who), happening.requestId, happening.alive)];
    case "host-starts":
      return [startBy(state?.hostId ?? idOf(0), happening.requestId, true)];
    case "begin":
      return beginning(happening, state);
    case "hand-over":
      return [{ kind: "hand-over", memberId: idOf(happening.whom), ...hostFor(happening, state) }];
    case "kick": {
      const { whom, ban } = happening;
      return [{ kind: "kick", memberId: idOf(whom), reason: "", ban, ...hostFor(happening, state) }];
    }
    case "unban":
      return [{ kind: "unban", memberId: idOf(happening.whom), ...hostFor(happening, state) }];
    case "change":
      return [{ kind: "change", change: changes[happening.of], ...hostFor(happening, state) }];
    case "change-self": {
      const { who, requestId, name, ready, isOld } = happening;
      return [
        {
          kind: "change-member",
          clientId: idOf(who),
          requestId: `self ${who} ${requestId} ${name} ${ready}`,
          change: { displayName: `${names[name]}`, data: { ready } },
          ...(isOld && { ifVersion: (state?.version ?? 0) - 1 }),
        },
      ];
    }
    case "look":
      return [{ kind: "look", clientId: idOf(happening.who) }];
    case "signal":
      return [{ kind: "signal-sent", clientId: idOf(happening.who), to: idOf(happening.whom), data: "psst" }];
    case "hide":
      return [{ kind: "visibility-changed", clientId: idOf(happening.who), hidden: happening.hidden }];
    case "leave":
      return [{ kind: "member-left", clientId: idOf(happening.who) }];
    case "cut":
      return [{ kind: "connection-lost", clientId: idOf(happening.who) }];
    case "return": {
      const { who, requestId, isElsewhere, isOld, reconnect } = happening;
      const clientId = idOf(who);
      const had = (state && memberOf(state, clientId)?.resumes) ?? 0;
      return [
        {
          kind: "return",
          clientId,
          holder: isElsewhere ? "l2" : homeOf(who),
          session: `${clientId} ${had}.${requestId}`,
          requestId: `return ${had}.${requestId}`,
          resumes: isOld ? had - 1 : had,
          resumedBy: `${requestId}`,
          reconnect,
        },
      ];
    }
    case "lose":
      return [
        {
          kind: "members-lost",
          clientIds: happening.whom.map(idOf),
          ...(happening.isOutOfReach && { isOutOfReach: true }),
        },
      ];
    case "hear-of":
      return [{ kind: "member-heard", clientId: idOf(happening.who) }];
    case "chat":
      return [{ kind: "message-sent", clientId: idOf(happening.who), text: "hello" }];
    case "datagram":
      return [seenAt(idOf(happening.who), happening.port)];
    case "ready": {
      const { who, isWithoutUdp, key, isOld } = happening;
      const udp = isWithoutUdp ? ({ udp: false } as const) : {};
      return [readyFor(isOld ? null : state, idOf(who), { commitment: `key ${key}`, ...udp })];
    }
    case "report":
      return [reported(idOf(happening.who))];
    case "silence":
      return [
        {
          kind: "silence-reported",
          clientId: idOf(happening.who),
          mediation: `start ${happening.requestId}`,
        },
      ];
    case "miss":
      return [missing(idOf(happening.who), ...happening.whom.map(idOf))];
    case "fail":
      return [failed(idOf(happening.who), ...happening.whom.map(idOf))];
    case "steer": {
      const { who, requestId, wish } = happening;
      return [{ kind: wish, clientId: idOf(who), requestId: `${wish} ${requestId}` }];
    }
    case "all-seen":
      return allSeen(state, happening.port);
    case "all-report":
      return members.map(reported);
    case "all-connect":
      return [...allSeen(state, happening.port), ...members.map(reported)];
    case "alarm":
      return [{ kind: "deadline-passed", sidecar: happening.alive ? otherSidecar : undefined }];
    case "listing-failed":
      return [listingFailed];
    default:
      return [];
  }
}

function idOf(who: number): string {
  return ids[who] ?? "";
}

/** The object that holds a player's first connection. */
function homeOf(who: number): string {
  return who % 2 === 0 ? lobbyId : "l1";
}

/** Two may do without UDP, with each other and with the third who has the relay over WebSocket. One of them encrypts. */
function featuresOf(who: number): readonly Feature[] {
  if (who > 2) return ["pings"];
  return who === 2 ? ["links", "pings", "ws-relay", "encrypted"] : ["links", "pings", "ws-relay"];
}

type Newcomer = { who: number; name: number; requestId: number; knows: boolean };

function memberFor({ who, name, requestId, knows }: Newcomer): Member {
  return {
    clientId: idOf(who),
    name: names[name] ?? "",
    holder: homeOf(who),
    // The server draws them: no two clients have the same.
    requestId: `try ${who} ${requestId}`,
    ...(knows && { features: featuresOf(who), network: `net${who % 3}`.slice(-3) }),
  };
}

/** The sender of what only a host may ask for. */
function hostFor(
  { kind, who, requestId, isHost, isOld }: ByHost & { kind: string },
  state: LobbyState | null,
) {
  return {
    clientId: isHost ? (state?.hostId ?? idOf(who)) : idOf(who),
    requestId: `${kind} ${requestId}`,
    ...(isOld && { term: (state?.term ?? 1) - 1 }),
  };
}

function startBy(clientId: string, requestId: number, alive: boolean): Happening {
  return {
    kind: "start",
    clientId,
    requestId: `start ${requestId}`,
    timing,
    sidecar: alive ? sidecar : undefined,
  };
}

/** Every member's datagram comes, and the commitments of those who encrypt. */
function allSeen(state: LobbyState | null, port: number): LobbyEvent[] {
  return (state?.members ?? []).flatMap(({ clientId, features }, i) => [
    seenAt(clientId, port + i),
    ...(features?.includes("encrypted") ? [readyFor(state, clientId, { commitment: "key 0" })] : []),
  ]);
}

/** Of the mediation under way, if there is one. */
function readyFor(
  state: LobbyState | null,
  clientId: string,
  about: { commitment: string; udp?: false },
): LobbyEvent {
  const mediation = state && "lost" in state.phase ? mediationId(state.phase) : "another";
  return { kind: "member-ready", clientId, mediation, ...about };
}

function seenAt(clientId: string, port: number): LobbyEvent {
  return { kind: "endpoint-seen", clientId, observed: { endpoint: endpoint(port) } };
}

/** What is frozen throws when it is written to: the core must not change what it is given. */
function deepFreeze<T>(value: T): T {
  if (typeof value === "object" && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const part of Object.values(value)) deepFreeze(part);
  }
  return value;
}
