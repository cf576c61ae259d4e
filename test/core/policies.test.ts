/** Mediations of every policy: who is asked and introduced, who may join meanwhile, and what a loss or a success does. */
import { describe, expect, test } from "vitest";
import { lifeLines } from "../../core/lobby/life.ts";
import { lobbyLimits } from "../../core/lobby/limits.ts";
import { newcomerPolicy, pairPolicy, startPolicy } from "../../core/lobby/policy.ts";
import type { LobbyState, MediationPolicy } from "../../core/lobby/state.ts";
import {
  endpoint,
  failed,
  heard,
  joined,
  type Lobby,
  left,
  lobbyOf,
  lost,
  phaseOf,
  reachedOnly,
  reported,
  seen,
  started,
  timing,
  woken,
} from "./a-lobby.ts";

const friends = ["Ann", "Ben", "Cid", "Dan"] as const;
const everyone = "Ann, Ben, Cid, Dan";
type Preset = (state: LobbyState) => MediationPolicy | undefined;

const playing = (...ids: string[]) => ids.map((clientId) => ({ clientId, via: "direct" as const }));
const presets = {
  "Orion's": startPolicy,
  "a mesh": (state) => startPolicy({ ...state, topology: "mesh" }),
  "a session's": (state) => startPolicy({ ...state, lifetime: "session" }),
  "a newcomer's": (state) => newcomerPolicy({ ...state, playing: playing("Ann", "Ben", "Cid") }, ["Dan"]),
  "a mesh newcomer's": (state) =>
    newcomerPolicy({ ...state, topology: "mesh", playing: playing("Ann", "Cid") }, ["Dan"]),
  "noray's pair": () => pairPolicy("Dan", "Ben"),
} satisfies Record<string, Preset>;
type Name = keyof typeof presets;

const start = "ptpMediation_peersConnection_start";
const success = "ptpMediation_success";
const aborted = "ptpMediation_aborted";

function policyOf(name: Name, { state }: Lobby): MediationPolicy {
  const policy = state && presets[name](state);
  if (!policy) throw new Error("there is nobody to connect");
  return policy;
}

/** A lobby of four in which a mediation of this policy has begun. */
function begun(name: Name, options: Parameters<typeof lobbyOf>[1] = {}): Lobby {
  const lobby = lobbyOf(friends, { maxMembers: 8, isPublic: false, ...options });
  lobby.begins(policyOf(name, lobby));
  return lobby;
}

function introduced(name: Name, options: Parameters<typeof lobbyOf>[1] = {}): Lobby {
  const lobby = begun(name, options);
  lobby.happens(...friends.map((friend, i) => seen(friend, 1001 + i)));
  expect(phaseOf(lobby)).toBe("connecting");
  return lobby;
}

/** `wins`: what the last report brings. `start`: what the host's start is answered, if it is not refused. */
type Row = { asked: string; told: string[]; join: string; start?: string; wins: string[]; phase: string };
const table: Record<Name, Row> = {
  "Orion's": {
    asked: everyone,
    told: [`${start} to Ann`, `${start} to Ben, Cid, Dan`],
    join: "answer lobby_locked",
    wins: ["save", `${success} to ${everyone}`, `lobby_closed to ${everyone}, released`, "forget"],
    phase: "closing",
  },
  "a mesh": {
    asked: everyone,
    told: ["Ann", "Ben", "Cid", "Dan"].map((name) => `${start} to ${name}`),
    join: "answer lobby_locked",
    wins: ["save", `${success} to ${everyone}`, `lobby_closed to ${everyone}, released`, "forget"],
    phase: "closing",
  },
  "a session's": {
    asked: everyone,
    told: [`${start} to Ann`, `${start} to Ben, Cid, Dan`],
    join: "answer yes",
    wins: ["save", `${success} to ${everyone}`],
    phase: "waiting",
  },
  "a newcomer's": {
    asked: "Ann, Dan",
    told: [`${start} to Ann`, `${start} to Dan`],
    join: "answer yes",
    start: "answer yes",
    wins: ["save", `${success} to Ann, Dan`],
    phase: "waiting",
  },
  "a mesh newcomer's": {
    asked: "Ann, Cid, Dan",
    told: [`${start} to Ann, Cid`, `${start} to Dan`],
    join: "answer yes",
    start: "answer yes",
    wins: ["save", `${success} to Ann, Cid, Dan`],
    phase: "waiting",
  },
  "noray's pair": {
    asked: "Ben, Dan",
    told: [`${start} to Dan`, `${start} to Ben`],
    join: "answer yes",
    wins: ["save", `${success} to Ben, Dan`],
    phase: "waiting",
  },
};

describe.each(Object.entries(table) as [Name, Row][])("%s mediation", (name, row) => {
  const those = row.asked.split(", ");

  test(`asks ${row.asked} for a datagram, and reminds them`, () => {
    const lobby = lobbyOf(friends, { maxMembers: 8, isPublic: false });
    expect(lobby.begins(policyOf(name, lobby))).toEqual(["save", `ptpMediation_send to ${row.asked}`]);
    lobby.waits(timing.ptpmConnectRequestIntervalMs);
    expect(lobby.happens(woken())).toEqual(["save", `ptpMediation_send to ${row.asked}`]);
  });

  test("introduces them once the last of them is seen, and nobody else counts", () => {
    const lobby = begun(name);
    const others = friends.filter((friend) => !those.includes(friend));
    expect(lobby.happens(...others.map((friend) => seen(friend, 9000)))).toEqual([]);
    const last = those.at(-1) ?? "";
    lobby.happens(...those.slice(0, -1).map((friend, i) => seen(friend, 1001 + i)));
    expect(phaseOf(lobby)).toBe("gathering");
    expect(lobby.happens(seen(last, 1999))).toEqual(["save", ...row.told]);
  });

  test(`meanwhile a stranger's join is answered: ${row.join}`, () => {
    expect(begun(name).happens(joined("Eve")).at(-1)).toBe(row.join);
    expect(introduced(name).happens(joined("Eve")).at(-1)).toBe(row.join);
  });

  test(`meanwhile the host's start is answered: ${row.start ?? "answer lobby_locked"}`, () => {
    const answer = begun(name)
      .happens(started("Ann", { requestId: "new" }))
      .at(-1);
    expect(answer).toBe(row.start ?? "answer lobby_locked");
  });

  test(`when all have reported, the lobby is ${row.phase}`, () => {
    const lobby = introduced(name);
    const others = friends.filter((friend) => !those.includes(friend));
    expect(lobby.happens(...others.map(reported))).toEqual([]);
    lobby.happens(...those.slice(0, -1).map(reported));
    const before = lobby.state;
    expect(lobby.happens(reported(those.at(-1) ?? ""))).toEqual(row.wins);
    expect(phaseOf(lobby)).toBe(row.phase);
    expect(lifeLines(before, reported(those.at(-1) ?? ""), lobby.state, lobby.now)).toMatchObject([
      { event: "members_connected", connected: those.length, of: those.length },
      ...(row.phase === "closing" ? [{ event: "lobby_closed", why: "connected" }] : []),
    ]);
  });

  test("when time runs out, those who take part hear that it failed, and nobody else", () => {
    const lobby = begun(name)
      .passes(timing.ptpmServerConnectTimeoutMs - 1)
      .waits(1);
    expect(lobby.happens(woken())).toEqual(["save", `${aborted} to ${row.asked}`]);
    expect(lobby.state?.phase).toEqual({ kind: "waiting", aborted: "endpoints_timeout" });
  });

  test("a stranger that joins meanwhile, if it may, takes no part", () => {
    const lobby = begun(name);
    if (row.join !== "answer yes") return;
    lobby.happens(joined("Eve"), ...those.map((friend, i) => seen(friend, 1001 + i)));
    expect(phaseOf(lobby)).toBe("connecting");
    expect(lobby.happens(seen("Eve", 1), reported("Eve"), failed("Eve"))).toEqual([]);
    expect(lobby.happens(left("Eve"))).toEqual(["save", `lobby_peerDisconnect to ${everyone}`]);
    expect(phaseOf(lobby)).toBe("connecting");
    expect(lobby.happens(...those.map(reported)).at(-1)).toBe(row.wins.at(-1));
  });
});

describe("in a mesh", () => {
  test("everyone is told of everyone else", () => {
    const lobby = begun("a mesh");
    lobby.happens(...friends.map((friend, i) => seen(friend, 1001 + i)));
    expect(heard(lobby, "Ben", start)).toEqual([{ peers: [endpoint(1001), endpoint(1003), endpoint(1004)] }]);
    expect(heard(lobby, "Dan", start)).toEqual([{ peers: [endpoint(1001), endpoint(1002), endpoint(1003)] }]);
  });

  test("a pair that is not connected ends it for all", () => {
    const lobby = introduced("a mesh");
    expect(lobby.happens(reachedOnly("Ben", "Ann", "Dan")).at(-1)).toBe(`${aborted} to ${everyone}`);
    expect(lobby.state?.phase).toMatchObject({ aborted: "could_not_connect" });
  });

  test("that goes on, the first of a pair to say that it is not connected is left out, and the other stays", () => {
    const lobby = introduced("a mesh", { goesOn: true });
    expect(lobby.happens(reachedOnly("Ben", "Ann", "Dan"))).toContain(`${aborted} to Ben`);
    expect(lobby.happens(reachedOnly("Cid", "Ann", "Dan"))).toEqual(["save", "ptpMediation_report to Ann"]);
    expect(lobby.happens(reported("Ann"), reported("Dan")).slice(-3)).toEqual([
      `${success} to Ann, Cid, Dan`,
      `lobby_closed to ${everyone}, released`,
      "forget",
    ]);
  });

  test("that goes on, even a host that is not seen may be left out", () => {
    const lobby = begun("a mesh", { goesOn: true });
    lobby.happens(seen("Ben", 1), seen("Cid", 2), seen("Dan", 3));
    expect(lobby.waits(lobbyLimits.stragglerMs).happens(woken())).toEqual([
      "save",
      `${start} to Ben`,
      `${start} to Cid`,
      `${start} to Dan`,
      `${aborted} to Ann`,
    ]);
  });
});

describe("a newcomer of a mesh", () => {
  test("is told of its peers, and they of it alone", () => {
    const lobby = introduced("a mesh newcomer's");
    expect(lobby.happens()).toEqual([]);
    expect(heard(lobby, "Dan", start)).toEqual([{ peers: [endpoint(1001), endpoint(1003)] }]);
    expect(heard(lobby, "Cid", start)).toEqual([{ peers: [endpoint(1004)] }]);
    expect(heard(lobby, "Ben", start)).toEqual([]);
  });

  test("that does not reach all its peers is not connected, and stays in the lobby", () => {
    const lobby = introduced("a mesh newcomer's");
    lobby.happens(reported("Cid"));
    expect(lobby.happens(reachedOnly("Dan", "Cid"))).toContain(`${aborted} to Ann, Cid, Dan`);
    expect(lobby.state?.phase).toEqual({ kind: "waiting", aborted: "could_not_connect" });
    expect(lobby.state?.members).toHaveLength(4);
  });

  test("goes on with the rest when one of its peers is silent, and that one plays on", () => {
    const lobby = introduced("a mesh newcomer's");
    lobby.happens(reported("Dan"), reported("Ann"));
    expect(
      lobby
        .passes(timing.ptpmConnectTimeoutMs - 1)
        .waits(1)
        .happens(woken()),
    ).toContain(`${success} to Ann, Dan`);
  });

  test("goes on without a peer that leaves, and somebody else's leaving is no matter", () => {
    const lobby = introduced("a mesh newcomer's");
    expect(lobby.happens(left("Ben"))).toEqual(["save", "lobby_peerDisconnect to Ann, Cid, Dan"]);
    expect(lobby.happens(lost("Cid"))).toEqual([
      "save",
      "lobby_peerDisconnect to Ann, Dan",
      "lobby_closed to Cid, released",
    ]);
    expect(lobby.happens(reported("Dan"), reported("Ann"))).toContain(`${success} to Ann, Dan`);
  });

  test("that leaves ends it for its peers", () => {
    const lobby = introduced("a mesh newcomer's");
    expect(lobby.happens(left("Dan")).at(-1)).toBe(`${aborted} to Ann, Cid`);
    expect(phaseOf(lobby)).toBe("waiting");
  });

  test("is not waited for when the host has left: the lobby is over", () => {
    expect(introduced("a mesh newcomer's").happens(left("Ann")).slice(-2)).toEqual([
      "lobby_closed to Ben, Cid, Dan, released",
      "forget",
    ]);
  });
});

describe("of noray's pair", () => {
  test("the host, which takes no part, hears nothing", () => {
    const lobby = introduced("noray's pair");
    expect(lobby.happens(failed("Ben", "Dan"))).toEqual(["save", `${aborted} to Ben, Dan`]);
  });

  test("one that leaves ends it for the other", () => {
    const lobby = introduced("noray's pair");
    expect(lobby.happens(left("Ben")).at(-1)).toBe(`${aborted} to Dan`);
  });
});
