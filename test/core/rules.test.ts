/** Who may do what: each row of the table refuses by itself, and where several would, the first one answers. */
import { describe, expect, test } from "vitest";
import { type Asked, permit, rules } from "../../core/lobby/rules.ts";
import type { ProblemCode } from "../../core/problem.ts";
import { wireLimits } from "../../core/wire/limits.ts";
import {
  changed,
  changedSelf,
  closing,
  connecting,
  cut,
  gathering,
  type Happening,
  handedOver,
  joined,
  kicked,
  type Lobby,
  left,
  lobbyOf,
  member,
  noon,
  removed,
  returned,
  sidecar,
  started,
  steered,
  unbanned,
} from "./a-lobby.ts";

type Kind = keyof Asked;
type Case<K extends Kind> = [code: ProblemCode, lobby: Lobby, request: Asked[K]];

const host = "Ann";
const pair = () => lobbyOf([host, "Ben"]);
/** Both know the additions. */
const informedPair = () => lobbyOf([host, "Ben"], { knows: true });
const over = () => {
  const lobby = lobbyOf([host, "Ben", "Cid"]);
  lobby.happens(left(host));
  return lobby;
};
/** A lobby after these. */
const after = (lobby: Lobby, ...happenings: Happening[]) => {
  lobby.happens(...happenings);
  return lobby;
};
const password = { salt: "s", hash: "right" };
const withPassword = (maxMembers = 4) => lobbyOf([host, "Ben"], { maxMembers, options: { password } });
const lockedByHost = (lobby = pair()) => after(lobby, changed({ locked: true }));
/** Ben is host now: Ann's term is over. */
const newHost = (lobby = lobbyOf([host, "Ben", "Cid"], { knows: true })) => after(lobby, handedOver("Ben"));
const withBan = (...names: [string, ...string[]]) =>
  after(lobbyOf([...names, "Eve"] as [string, ...string[]]), kicked("Eve", { ban: true }));
const playingWith = (lobby: Lobby) => {
  if (lobby.state) {
    const playing = [{ clientId: host, via: "direct" as const }];
    lobby.state = { ...lobby.state, lifetime: "session", playing };
  }
  return lobby;
};
/** As if it had been opened so. */
const encrypting = (lobby: Lobby) => {
  lobby.state &&= { ...lobby.state, encryption: "required" };
  return lobby;
};
const large = { a: "x".repeat(wireLimits.lobbyDataBytes) };
const largeForMember = { a: "x".repeat(wireLimits.memberDataBytes) };

const join = (name: string, clientId = name, more: Partial<Asked["join"]["member"]> = {}): Asked["join"] => ({
  kind: "join",
  member: { ...member(clientId), name, requestId: "another", ...more },
});
const start = (by: string, wish: Partial<Asked["start"]> = {}): Asked["start"] => ({
  ...started(by, { requestId: "new" }),
  ...wish,
});
const steer = (kind: "stop" | "proceed", by = host, term?: number) => ({ ...steered(kind, by), term });
const look = (clientId: string): Asked["look"] => ({ kind: "look", clientId });

/** A lobby that this one leads and is no member of: no lobby is ever like that. */
function ledByNoMember(clientId: string): Lobby {
  const lobby = pair();
  lobby.state &&= { ...lobby.state, hostId: clientId };
  return lobby;
}

/** The lobby awaits hosts, and the one that it has is away. */
function hostless(lobby: Lobby): Lobby {
  lobby.state &&= { ...lobby.state, awaitsHost: true, away: [{ clientId: host, until: noon + 1 }] };
  return lobby;
}

/** For each row a lobby and a request that nothing else refuses. */
const alone: { [K in Kind]: Case<K>[] } = {
  join: [
    ["no_such_lobby", over(), join("Dan")],
    ["already_in_lobby", pair(), join("Ben's other name", "Ben")],
    ["already_in_lobby", after(pair(), returned("Ben", { session: "B2" })), join("Ben's other name", "B2")],
    ["banned", withBan(host), join("Dan", "Eve")],
    ["encryption_required", encrypting(pair()), join("Dan")],
    ["password_needed", withPassword(), join("Dan")],
    ["wrong_password", withPassword(), { ...join("Dan"), passwordHash: "wrong" }],
    ["host_away", hostless(pair()), join("Dan")],
    ["host_present", pair(), { ...join("Dan"), leads: "must" }],
    ["locked_by_host", lockedByHost(), join("Dan")],
    ["lobby_locked", gathering([host, "Ben"]), join("Dan")],
    ["lobby_locked", connecting([host, "Ben"]), join("Dan")],
    ["lobby_full", lobbyOf([host, "Ben"], { maxMembers: 2 }), join("Dan")],
    ["name_taken", pair(), join("Ben", "somebody else")],
    ["name_taken", lobbyOf([host, "Ben"], { knows: true }), join("bEN", "somebody else")],
    [
      "name_taken",
      lobbyOf([host, "Ben"], { knows: true }),
      join("8en", "somebody else", { displayName: "Веn" }),
    ],
    ["name_taken", lobbyOf([host, "Mick"], { knows: true }), join("rnick", "somebody else")],
    ["data_too_large", pair(), join("Dan", "Dan", { data: largeForMember })],
  ],
  start: [
    ["no_such_lobby", over(), start(host)],
    ["old_term", pair(), start(host, { term: 2 })],
    ["lobby_locked", gathering([host, "Ben"]), start(host)],
    ["too_few_members", lobbyOf([host]), start(host)],
    ["not_the_host", pair(), start("Ben")],
    ["no_sidecar", pair(), start(host, { sidecar: undefined })],
    ["no_sidecar", lobbyOf([host, "Ben"], { relayOnly: true }), start(host)],
  ],
  stop: [
    ["no_such_lobby", over(), steer("stop")],
    ["old_term", gathering([host, "Ben"]), steer("stop", host, 0)],
    ["not_the_host", gathering([host, "Ben"]), steer("stop", "Ben")],
    ["not_mediating", pair(), steer("stop")],
  ],
  proceed: [
    ["no_such_lobby", over(), steer("proceed")],
    ["old_term", gathering([host, "Ben"]), steer("proceed", host, 0)],
    ["not_the_host", gathering([host, "Ben"]), steer("proceed", "Ben")],
    ["not_mediating", pair(), steer("proceed")],
  ],
  return: [
    ["no_such_lobby", over(), returned("Ben")],
    ["banned", withBan(host), returned("Eve")],
    ["no_such_member", pair(), returned("Dan")],
    ["already_in_lobby", pair(), returned("Ben", { session: host })],
    ["encryption_required", encrypting(pair()), returned("Ben", { features: ["links"] })],
    ["resume_key_used", after(pair(), returned("Ben")), returned("Ben", { requestId: "another" })],
    ["resume_key_used", pair(), returned("Ben", { resumes: 1 })],
    [
      "resume_key_used",
      after(pair(), returned("Ben", { resumedBy: "first" })),
      returned("Ben", { requestId: "another", resumedBy: "second" }),
    ],
  ],
  "hand-over": [
    ["no_such_lobby", after(informedPair(), left(host)), handedOver("Ben")],
    ["old_term", informedPair(), handedOver("Ben", { term: 2 })],
    ["not_the_host", informedPair(), handedOver("Ben", { clientId: "Ben" })],
    ["lobby_locked", connecting([host, "Ben"], { knows: true }), handedOver("Ben")],
    ["no_such_member", pair(), handedOver("Dan")],
    ["no_such_member", informedPair(), handedOver(host)],
    [
      "no_such_member",
      after(lobbyOf([host, "Ben"], { graceMs: 9, knows: true }), cut("Ben")),
      handedOver("Ben"),
    ],
    ["cannot_lead", pair(), handedOver("Ben")],
  ],
  kick: [
    ["no_such_lobby", over(), kicked("Ben")],
    ["old_term", newHost(), kicked("Cid", { clientId: "Ben", term: 1 })],
    ["not_the_host", pair(), kicked("Ben", { clientId: "Ben" })],
    ["no_such_member", pair(), kicked("Dan")],
    ["no_such_member", pair(), kicked(host)],
  ],
  unban: [
    ["no_such_lobby", bannedFrom(over(), "Eve"), unbanned("Eve")],
    ["old_term", withBan(host), unbanned("Eve", { term: 2 })],
    ["not_the_host", withBan(host, "Ben"), unbanned("Eve", { clientId: "Ben" })],
    ["no_such_ban", pair(), unbanned("Ben")],
  ],
  change: [
    ["no_such_lobby", over(), changed({})],
    ["old_term", pair(), changed({}, { term: 2 })],
    ["not_the_host", pair(), changed({}, { clientId: "Ben" })],
    ["wrong_version", pair(), changed({}, { ifVersion: 2 })],
    ["lobby_locked", connecting([host, "Ben"]), changed({})],
    ["max_members_too_low", pair(), changed({ maxMembers: 1 })],
    ["data_too_large", pair(), changed({ data: large })],
  ],
  "change-member": [
    ["no_such_lobby", over(), changedSelf("Ben", {})],
    ["not_a_member", pair(), changedSelf("Dan", {})],
    ["wrong_version", pair(), changedSelf("Ben", {}, { ifVersion: 2 })],
    ["name_taken", lobbyOf([host, "Ben"], { knows: true }), changedSelf("Ben", { displayName: "ANN" })],
    ["data_too_large", pair(), changedSelf("Ben", { data: largeForMember })],
  ],
  look: [
    ["no_such_lobby", over(), look("Ben")],
    ["not_a_member", pair(), look("Dan")],
  ],
  "operator-close": [["no_such_lobby", over(), { kind: "operator-close", requestId: "end" }]],
  "operator-kick": [
    ["no_such_lobby", over(), removed("Ben")],
    ["no_such_member", pair(), removed("Eve")],
  ],
  ice: [
    ["no_such_lobby", over(), { clientId: "Ben" }],
    ["not_a_member", pair(), { clientId: "Dan" }],
  ],
  "read-snapshot": [
    ["no_such_lobby", over(), { clientId: "Ben" }],
    ["not_a_member", pair(), { clientId: "Dan" }],
  ],
  "write-snapshot": [
    ["no_such_lobby", closing([host, "Ben"]), { clientId: host }],
    ["not_a_member", ledByNoMember("Dan"), { clientId: "Dan" }],
    ["not_the_host", pair(), { clientId: "Ben" }],
  ],
};

/** Refused for each reason of its table but the first. */
const fullOfReasons = () => {
  const lobby = gathering([host, "Ben"], { maxMembers: 2 });
  lobby.state &&= { ...lobby.state, locked: true, password };
  return lobby;
};
const eve = { data: largeForMember };
const awayBen = () => after(lobbyOf([host, "Ben"], { graceMs: 9, knows: true }), cut("Ben"));
const gatheringPair = () => gathering([host, "Ben"]);

/** Requests that are refused for the last row's reason, and for all before it as well, one more with each line. */
const everythingWrong: { [K in Kind]: Case<K>[] } = {
  join: [
    ["data_too_large", pair(), join("Dan", "Dan", eve)],
    ["name_taken", pair(), join("Ben", "Eve", eve)],
    ["lobby_full", lobbyOf([host, "Ben"], { maxMembers: 2 }), join("Ben", "Eve", eve)],
    ["lobby_locked", gathering([host, "Ben"], { maxMembers: 2 }), join("Ben", "Eve", eve)],
    ["locked_by_host", fullOfReasons(), { ...join("Ben", "Eve", eve), passwordHash: "right" }],
    // Only one of these two can be.
    ["host_present", fullOfReasons(), { ...join("Ben", "Eve", eve), passwordHash: "right", leads: "must" }],
    ["host_away", hostless(fullOfReasons()), { ...join("Ben", "Eve", eve), passwordHash: "right" }],
    ["wrong_password", hostless(fullOfReasons()), { ...join("Ben", "Eve", eve), passwordHash: "wrong" }],
    // Only one of these two can be.
    ["password_needed", fullOfReasons(), join("Ben", "Eve", eve)],
    ["encryption_required", encrypting(fullOfReasons()), join("Ben", "Eve", eve)],
    ["banned", bannedFrom(encrypting(fullOfReasons()), "Eve"), join("Ben", "Eve", eve)],
    ["already_in_lobby", bannedFrom(encrypting(fullOfReasons()), "Ben"), join("Ben", "Ben", eve)],
    ["no_such_lobby", closing([host, "Ben"], { maxMembers: 2 }), join("Ben", "Ben", eve)],
  ],
  start: [
    ["no_sidecar", pair(), start(host, { sidecar: undefined })],
    ["not_the_host", pair(), start("Eve", { sidecar: undefined })],
    ["too_few_members", lobbyOf([host]), start("Eve", { sidecar: undefined })],
    ["lobby_locked", gatheringPair(), start("Eve", { sidecar: undefined })],
    ["old_term", gatheringPair(), start("Eve", { sidecar: undefined, term: 2 })],
    ["no_such_lobby", over(), start("Eve", { sidecar: undefined, term: 2 })],
  ],
  stop: [
    ["not_mediating", pair(), steer("stop")],
    ["not_the_host", pair(), steer("stop", "Eve")],
    ["old_term", pair(), steer("stop", "Eve", 2)],
    ["no_such_lobby", over(), steer("stop", "Eve", 2)],
  ],
  proceed: [
    ["not_mediating", pair(), steer("proceed")],
    ["not_the_host", pair(), steer("proceed", "Eve")],
    ["old_term", pair(), steer("proceed", "Eve", 2)],
    ["no_such_lobby", over(), steer("proceed", "Eve", 2)],
  ],
  return: [
    ["resume_key_used", pair(), returned("Ben", { resumes: 7 })],
    ["encryption_required", encrypting(pair()), returned("Ben", { resumes: 7, features: [] })],
    ["already_in_lobby", encrypting(pair()), returned("Ben", { resumes: 7, session: host, features: [] })],
    ["no_such_member", encrypting(pair()), returned("Eve", { resumes: 7, session: host, features: [] })],
    [
      "banned",
      encrypting(withBan(host, "Ben")),
      returned("Eve", { resumes: 7, session: host, features: [] }),
    ],
    ["no_such_lobby", over(), returned("Eve", { resumes: 7, session: host })],
  ],
  "hand-over": [
    ["cannot_lead", pair(), handedOver("Ben")],
    ["no_such_member", awayBen(), handedOver("Ben")],
    ["no_such_member", pair(), handedOver("Eve")],
    ["lobby_locked", gatheringPair(), handedOver("Eve")],
    ["not_the_host", gatheringPair(), handedOver("Eve", { clientId: "Ben" })],
    ["old_term", gatheringPair(), handedOver("Eve", { clientId: "Ben", term: 2 })],
    ["no_such_lobby", over(), handedOver("Eve", { clientId: "Ben", term: 2 })],
  ],
  kick: [
    ["no_such_member", pair(), kicked("Eve")],
    ["not_the_host", pair(), kicked("Eve", { clientId: "Ben" })],
    ["old_term", pair(), kicked("Eve", { clientId: "Ben", term: 2 })],
    ["no_such_lobby", over(), kicked("Eve", { clientId: "Ben", term: 2 })],
  ],
  unban: [
    ["no_such_ban", pair(), unbanned("Eve")],
    ["not_the_host", pair(), unbanned("Eve", { clientId: "Ben" })],
    ["old_term", pair(), unbanned("Eve", { clientId: "Ben", term: 2 })],
    ["no_such_lobby", over(), unbanned("Eve", { clientId: "Ben", term: 2 })],
  ],
  change: [
    ["data_too_large", pair(), changed({ data: large })],
    ["max_members_too_low", pair(), changed({ data: large, maxMembers: 1 })],
    ["lobby_locked", gatheringPair(), changed({ data: large, maxMembers: 1 })],
    ["wrong_version", gatheringPair(), changed({ data: large, maxMembers: 1 }, { ifVersion: 7 })],
    [
      "not_the_host",
      gatheringPair(),
      changed({ data: large, maxMembers: 1 }, { ifVersion: 7, clientId: "Ben" }),
    ],
    [
      "old_term",
      gatheringPair(),
      changed({ data: large, maxMembers: 1 }, { ifVersion: 7, clientId: "Ben", term: 2 }),
    ],
    [
      "no_such_lobby",
      over(),
      changed({ data: large, maxMembers: 1 }, { ifVersion: 7, clientId: "Ben", term: 2 }),
    ],
  ],
  "change-member": [
    ["data_too_large", pair(), changedSelf("Ben", { data: largeForMember })],
    [
      "name_taken",
      lobbyOf([host, "Ben"], { knows: true }),
      changedSelf("Ben", { data: largeForMember, displayName: "Ann" }),
    ],
    [
      "wrong_version",
      pair(),
      changedSelf("Ben", { data: largeForMember, displayName: "Ann" }, { ifVersion: 7 }),
    ],
    ["not_a_member", pair(), changedSelf("Eve", { data: largeForMember }, { ifVersion: 7 })],
    ["no_such_lobby", over(), changedSelf("Eve", { data: largeForMember }, { ifVersion: 7 })],
  ],
  look: [
    ["not_a_member", pair(), look("Eve")],
    ["no_such_lobby", over(), look("Eve")],
  ],
  "operator-close": [["no_such_lobby", over(), { kind: "operator-close", requestId: "end" }]],
  "operator-kick": [
    ["no_such_member", pair(), removed("Eve")],
    ["no_such_lobby", over(), removed("Eve")],
  ],
  ice: [
    ["not_a_member", pair(), { clientId: "Eve" }],
    ["no_such_lobby", over(), { clientId: "Eve" }],
  ],
  "read-snapshot": [
    ["not_a_member", pair(), { clientId: "Eve" }],
    ["no_such_lobby", over(), { clientId: "Eve" }],
  ],
  "write-snapshot": [
    ["not_the_host", pair(), { clientId: "Ben" }],
    ["not_a_member", pair(), { clientId: "Eve" }],
    ["no_such_lobby", over(), { clientId: "Eve" }],
  ],
};

/** As if the host had banned it when it was a member. */
function bannedFrom(lobby: Lobby, clientId: string): Lobby {
  lobby.state &&= { ...lobby.state, bans: [{ clientId, session: clientId, name: clientId }] };
  return lobby;
}

const kinds = Object.keys(rules) as Kind[];

/** The codes of all rows that refuse this. */
function refusing<K extends Kind>(kind: K, { state, now }: Lobby, request: Asked[K]): ProblemCode[] {
  return rules[kind].flatMap(([code, refuses]) => (state && refuses(state, request, now) ? code : []));
}

describe.each(kinds)("a %s", (kind) => {
  test.each<Case<typeof kind>>(alone[kind])("is refused with %s alone", (code, lobby, request) => {
    expect(refusing(kind, lobby, request)).toEqual([code]);
    expect(permit(lobby.state, kind, request, lobby.now)).toEqual({ ok: false, codes: [code] });
  });

  test("has a case here for each row of its table", () => {
    expect(new Set(alone[kind].map(([code]) => code))).toEqual(new Set(rules[kind].map(([code]) => code)));
  });

  test.each<Case<typeof kind>>(everythingWrong[kind])(
    "is refused with %s before what stands below it",
    (code, lobby, request) => {
      expect(permit(lobby.state, kind, request, lobby.now)).toEqual({ ok: false, codes: [code] });
    },
  );

  test("is looked at in the order of its table", () => {
    const order = everythingWrong[kind].map(([code]) => code).reverse();
    expect(order).toEqual(rules[kind].map(([code]) => code));
  });

  test("where there is no lobby is refused", () => {
    const [[, , request] = []] = alone[kind];
    if (!request) throw new Error("no case");
    expect(permit(null, kind, request, noon)).toEqual({ ok: false, codes: ["no_such_lobby"] });
  });
});

test("a request that no row refuses gets the lobby", () => {
  const lobby = lobbyOf([host, "Ben"], { knows: true });
  const allowed = { ok: true, value: lobby.state };
  const ask = <K extends Kind>(kind: K, request: Asked[K]) => permit(lobby.state, kind, request, lobby.now);
  expect(ask("join", join("Dan"))).toEqual(allowed);
  expect(ask("start", start(host, { sidecar, term: 1 }))).toEqual(allowed);
  expect(ask("return", returned("Ben"))).toEqual(allowed);
  expect(ask("return", returned("Ben", { session: "Ben" }))).toEqual(allowed);
  expect(ask("hand-over", handedOver("Ben", { term: 1 }))).toEqual(allowed);
  expect(ask("kick", kicked("Ben", { term: 1 }))).toEqual(allowed);
  expect(ask("change", changed({ maxMembers: 2 }, { ifVersion: 0, term: 1 }))).toEqual(allowed);
  expect(ask("change-member", changedSelf("Ben", { displayName: "ben" }, { ifVersion: 0 }))).toEqual(allowed);
  expect(ask("look", look("Ben"))).toEqual(allowed);
  expect(ask("read-snapshot", { clientId: "Ben" })).toEqual(allowed);
  expect(ask("ice", { clientId: "Ben" })).toEqual(allowed);
  expect(ask("write-snapshot", { clientId: host })).toEqual(allowed);
});

test("who came with another name that people read has both names", () => {
  const lobby = lobbyOf([host], { knows: true });
  lobby.happens(joined({ ...member("Ben"), displayName: "Веnjamin" }));
  for (const name of ["ben", "Benjamin"]) {
    expect(permit(lobby.state, "join", join(name), lobby.now)).toMatchObject({ codes: ["name_taken"] });
  }
});

test("in a lobby that a plain client opened, only the same name is taken, as in Orion", () => {
  const { state, now } = pair();
  expect(permit(state, "join", join("ben"), now).ok).toBe(true);
  expect(permit(state, "join", join("8en", "8en", { displayName: "Ben" }), now).ok).toBe(true);
  expect(permit(state, "join", join("Ben", "another"), now)).toMatchObject({ codes: ["name_taken"] });
});

test("the right password opens, and a join without one is no guess", () => {
  const { state, now } = withPassword();
  expect(permit(state, "join", { ...join("Dan"), passwordHash: "right" }, now).ok).toBe(true);
  expect(permit(state, "join", join("Dan"), now)).toMatchObject({ codes: ["password_needed"] });
});

test("while only newcomers are connected, the host may start for all, hand over, and change the lobby", () => {
  const lobby = after(playingWith(informedPair()), joined("Dan"));
  expect(lobby.state?.phase).toMatchObject({ kind: "gathering", policy: { newcomers: ["Dan"] } });
  const { state, now } = lobby;
  expect(permit(state, "start", start(host), now).ok).toBe(true);
  expect(permit(state, "hand-over", handedOver("Ben"), now).ok).toBe(true);
  expect(permit(state, "change", changed({ locked: true }), now).ok).toBe(true);
});

test("a request that was done is answered again, though a row would refuse it by now", () => {
  const full = lobbyOf([host, "Ben"], { maxMembers: 2 });
  expect(full.happens(joined("Ben"))).toEqual(["answer yes"]);
  expect(gathering([host, "Ben"]).happens(started(host))).toEqual(["answer yes"]);
});
