/** Who may do what: each row of the table refuses by itself, and where several would, the first one answers. */
import { describe, expect, test } from "vitest";
import { type Asked, permit, rules } from "../../core/lobby/rules.ts";
import type { ProblemCode } from "../../core/problem.ts";
import {
  closing,
  connecting,
  gathering,
  joined,
  type Lobby,
  left,
  lobbyOf,
  member,
  sidecar,
  started,
  steered,
} from "./a-lobby.ts";

type Kind = keyof Asked;
type Case<K extends Kind> = [code: ProblemCode, lobby: Lobby, request: Asked[K]];

const host = "Ann";
const pair = () => lobbyOf([host, "Ben"]);
const over = () => {
  const lobby = lobbyOf([host, "Ben", "Cid"]);
  lobby.happens(left(host));
  return lobby;
};
const join = (name: string, clientId = name): Asked["join"] => ({
  kind: "join",
  member: { ...member(clientId), name, requestId: "another" },
});
const returned = (clientId: string): Asked["return"] => ({
  kind: "return",
  clientId,
  holder: "l1",
  requestId: "r",
});
const start = (by: string, wish: Partial<Asked["start"]> = {}): Asked["start"] => ({
  ...started(by, { requestId: "new" }),
  ...wish,
});
const kick = (by: string, memberId: string): Asked["kick"] => ({ kind: "kick", clientId: by, memberId });
const change = (by: string, wish: Partial<Asked["change"]> = {}): Asked["change"] => ({
  kind: "change",
  clientId: by,
  ...wish,
});

/** For each row a lobby and a request that nothing else refuses. */
const alone: { [K in Kind]: Case<K>[] } = {
  join: [
    ["no_such_lobby", over(), join("Dan")],
    ["already_in_lobby", pair(), join("Ben's other name", "Ben")],
    ["lobby_locked", gathering([host, "Ben"]), join("Dan")],
    ["lobby_locked", connecting([host, "Ben"]), join("Dan")],
    ["lobby_full", lobbyOf([host, "Ben"], { maxMembers: 2 }), join("Dan")],
    ["name_taken", pair(), join("Ben", "somebody else")],
  ],
  start: [
    ["no_such_lobby", over(), start(host)],
    ["lobby_locked", gathering([host, "Ben"]), start(host)],
    ["too_few_members", lobbyOf([host]), start(host)],
    ["not_the_host", pair(), start("Ben")],
    ["no_sidecar", pair(), start(host, { sidecar: undefined })],
    ["no_sidecar", lobbyOf([host, "Ben"], { relayOnly: true }), start(host)],
  ],
  stop: [
    ["no_such_lobby", over(), steered("stop")],
    ["not_the_host", gathering([host, "Ben"]), steered("stop", "Ben")],
    ["not_mediating", pair(), steered("stop")],
  ],
  proceed: [
    ["no_such_lobby", over(), steered("proceed")],
    ["not_the_host", gathering([host, "Ben"]), steered("proceed", "Ben")],
    ["not_mediating", pair(), steered("proceed")],
  ],
  return: [
    ["no_such_lobby", over(), returned("Ben")],
    ["no_such_member", pair(), returned("Dan")],
  ],
  kick: [
    ["no_such_lobby", over(), kick(host, "Ben")],
    ["not_the_host", pair(), kick("Ben", "Ben")],
    ["no_such_member", pair(), kick(host, "Dan")],
    ["no_such_member", pair(), kick(host, host)],
  ],
  change: [
    ["no_such_lobby", over(), change(host)],
    ["not_the_host", pair(), change("Ben")],
    ["lobby_locked", connecting([host, "Ben"]), change(host)],
    ["lobby_full", pair(), change(host, { maxMembers: 1 })],
  ],
};

/** Requests that are refused for the last row's reason, and for all before it as well, one more with each line. */
const everythingWrong: { [K in Kind]: Case<K>[] } = {
  join: [
    ["name_taken", pair(), join("Ben", "somebody else")],
    ["lobby_full", lobbyOf([host, "Ben"], { maxMembers: 2 }), join("Ben", "somebody else")],
    ["lobby_locked", gathering([host, "Ben"], { maxMembers: 2 }), join("Ben", "somebody else")],
    ["already_in_lobby", gathering([host, "Ben"], { maxMembers: 2 }), join("Ben")],
    ["no_such_lobby", closing([host, "Ben"], { maxMembers: 2 }), join("Ben")],
  ],
  start: [
    ["no_sidecar", pair(), start(host, { sidecar: undefined })],
    ["not_the_host", pair(), start("Eve", { sidecar: undefined })],
    ["too_few_members", lobbyOf([host]), start("Eve", { sidecar: undefined })],
    ["lobby_locked", gathering([host, "Ben"]), start("Eve", { sidecar: undefined })],
    ["no_such_lobby", over(), start("Eve", { sidecar: undefined })],
  ],
  stop: [
    ["not_mediating", pair(), steered("stop")],
    ["not_the_host", pair(), steered("stop", "Eve")],
    ["no_such_lobby", over(), steered("stop", "Eve")],
  ],
  proceed: [
    ["not_mediating", pair(), steered("proceed")],
    ["not_the_host", pair(), steered("proceed", "Eve")],
    ["no_such_lobby", over(), steered("proceed", "Eve")],
  ],
  return: [
    ["no_such_member", pair(), returned("Eve")],
    ["no_such_lobby", over(), returned("Eve")],
  ],
  kick: [
    ["no_such_member", pair(), kick(host, "Eve")],
    ["not_the_host", pair(), kick("Ben", "Eve")],
    ["no_such_lobby", over(), kick("Ben", "Eve")],
  ],
  change: [
    ["lobby_full", pair(), change(host, { maxMembers: 1 })],
    ["lobby_locked", gathering([host, "Ben"]), change(host, { maxMembers: 1 })],
    ["not_the_host", gathering([host, "Ben"]), change("Ben", { maxMembers: 1 })],
    ["no_such_lobby", over(), change("Ben", { maxMembers: 1 })],
  ],
};

const kinds = Object.keys(rules) as Kind[];

/** The codes of all rows that refuse this. */
function refusing<K extends Kind>(kind: K, { state }: Lobby, request: Asked[K]): ProblemCode[] {
  return rules[kind].flatMap(([code, refuses]) => (state && refuses(state, request) ? code : []));
}

describe.each(kinds)("a %s", (kind) => {
  test.each<Case<typeof kind>>(alone[kind])("is refused with %s alone", (code, lobby, request) => {
    expect(refusing(kind, lobby, request)).toEqual([code]);
    expect(permit(lobby.state, kind, request)).toEqual({ ok: false, codes: [code] });
  });

  test("has a case here for each row of its table", () => {
    expect(new Set(alone[kind].map(([code]) => code))).toEqual(new Set(rules[kind].map(([code]) => code)));
  });

  test.each<Case<typeof kind>>(everythingWrong[kind])(
    "is refused with %s before what stands below it",
    (code, lobby, request) => {
      expect(permit(lobby.state, kind, request)).toEqual({ ok: false, codes: [code] });
    },
  );

  test("is looked at in the order of its table", () => {
    const order = everythingWrong[kind].map(([code]) => code).reverse();
    expect(order).toEqual(rules[kind].map(([code]) => code));
  });

  test("where there is no lobby is refused", () => {
    const [[, , request] = []] = alone[kind];
    if (!request) throw new Error("no case");
    expect(permit(null, kind, request)).toEqual({ ok: false, codes: ["no_such_lobby"] });
  });
});

test("a request that no row refuses gets the lobby", () => {
  const lobby = pair();
  const allowed = { ok: true, value: lobby.state };
  expect(permit(lobby.state, "join", join("Dan"))).toEqual(allowed);
  expect(permit(lobby.state, "start", start(host, { sidecar }))).toEqual(allowed);
  expect(permit(lobby.state, "kick", kick(host, "Ben"))).toEqual(allowed);
  expect(permit(lobby.state, "change", change(host, { maxMembers: 2 }))).toEqual(allowed);
});

test("a request that was done is answered again, though a row would refuse it by now", () => {
  const full = lobbyOf([host, "Ben"], { maxMembers: 2 });
  expect(full.happens(joined("Ben"))).toEqual(["answer yes"]);
  expect(gathering([host, "Ben"]).happens(started(host))).toEqual(["answer yes"]);
});
