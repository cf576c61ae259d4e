/** What an operator reads about a lobby: every story here is a lobby's, and its lines are those of the log. */
import { describe, expect, test } from "vitest";
import { wakeAt } from "../../core/lobby/deadlines.ts";
import type { LobbyEvent } from "../../core/lobby/event.ts";
import { lasting, restored } from "../../core/lobby/lasting.ts";
import { type LifeLine, lifeLines } from "../../core/lobby/life.ts";
import type { LobbyState } from "../../core/lobby/state.ts";
import {
  failed,
  type Happening,
  joined,
  left,
  listingFailed,
  lobbyId,
  lost,
  member,
  noon,
  opened,
  reachedOnly,
  reported,
  said,
  seen,
  silent,
  started,
  takenBy,
  timing,
  woken,
} from "./a-lobby.ts";

/** A lobby whose life is written down. */
function life(options: Parameters<typeof opened>[1] = {}) {
  let state: LobbyState | null = null;
  let now = noon;
  const lobby = {
    lines(...events: Happening[]): object[] {
      return events.flatMap((event) => {
        const before = state;
        state = takenBy(state, event, now).state;
        return lifeLines(before, event, state, now).map(({ lobbyId: id, ...line }: LifeLine) => {
          expect(id).toBe(lobbyId);
          return line;
        });
      });
    },
    /** Every alarm that the lobby asks for meanwhile comes in time. */
    waits(ms: number) {
      const end = now + ms;
      for (; state && wakeAt(state) < end; state = takenBy(state, woken(), now).state) now = wakeAt(state);
      now = end;
      return lobby;
    },
    sleeps() {
      state = state && restored(structuredClone(lasting(state)));
      return lobby;
    },
  };
  return { lobby, opening: opened(member("Ann"), options) };
}

/** The same with these members, at the moment when the server has seen them all. */
function introduced(names: string[], options: Parameters<typeof opened>[1] = {}) {
  const { lobby, opening } = life(options);
  lobby.lines(opening, ...names.map(joined), started("Ann"));
  lobby.lines(...["Ann", ...names].map((name, i) => seen(name, 1001 + i)));
  return lobby;
}

function via(clientId: string, path: "lan" | "direct" | "relay"): LobbyEvent {
  const peers = [{ clientId: "another", path, cause: null }];
  return { kind: "connection-reported", clientId, connected: true, report: { cause: null, peers } };
}

test("a lobby that opens, meets and connects is told in a line each", () => {
  const { lobby, opening } = life();
  expect(lobby.lines(opening)).toEqual([
    { event: "lobby_opened", name: "Ann", lobbyName: "Friday", isPublic: true, maxMembers: 4 },
  ]);
  expect(lobby.lines(joined("Ben"))).toEqual([{ event: "member_joined", name: "Ben", members: 2 }]);
  expect(lobby.lines(started("Ann"))).toEqual([{ event: "mediation_started", members: 2 }]);
  expect(lobby.lines(seen("Ann", 1), seen("Ann", 1), seen("Ann", 2), seen("Ben", 1))).toEqual([
    { event: "members_seen", seen: 1, of: 2 },
    { event: "members_seen", seen: 2, of: 2 },
  ]);
  expect(lobby.waits(400).lines(via("Ben", "direct"), via("Ann", "direct"))).toEqual([
    { event: "members_connected", connected: 2, of: 2, via: { direct: 2 }, ms: 400 },
    { event: "lobby_closed", why: "connected" },
  ]);
});

test("members count by the weakest of their paths, and a plain Orion client by none", () => {
  const lobby = introduced(["Ben", "Cid", "Dot"]);
  const peers = (["lan", "relay", "direct"] as const).map((path) => ({ clientId: path, path, cause: null }));
  const host: LobbyEvent = {
    kind: "connection-reported",
    clientId: "Ann",
    connected: true,
    report: { cause: null, peers },
  };
  const lines = lobby.lines(via("Ben", "lan"), host, reported("Dot"), via("Cid", "direct"));
  expect(lines[0]).toMatchObject({ connected: 4, of: 4, via: { lan: 1, direct: 1, relay: 1, unknown: 1 } });
});

test("chat, reminders, repeated requests and news of strangers are no lines", () => {
  const { lobby, opening } = life();
  lobby.lines(opening, joined("Ben"));
  expect(lobby.lines(said("Ann", "hi"), joined("Ben"), left("Zoe"), listingFailed, woken())).toEqual([]);
  lobby.lines(started("Ann"));
  expect(lobby.waits(10_000).lines(woken(), started("Ann"), silent("Ben"), reported("Ben"))).toEqual([]);
});

test("a lobby that slept in the middle still knows how long it took, and by which paths", () => {
  const lobby = introduced(["Ben"]).waits(1_000).sleeps();
  lobby.lines(via("Ben", "relay"));
  expect(lobby.waits(500).sleeps().lines(via("Ann", "relay"))[0]).toEqual({
    event: "members_connected",
    connected: 2,
    of: 2,
    via: { relay: 2 },
    ms: 1_500,
  });
});

describe("a mediation that fails is told with its code", () => {
  test.each<[code: string, events: LobbyEvent[], waits: number]>([
    ["member_left", [left("Ben")], 0],
    ["could_not_connect", [failed("Ben")], 0],
    ["connecting_timeout", [woken()], timing.ptpmConnectTimeoutMs],
  ])("%s", (code, events, ms) => {
    const lines = introduced(["Ben", "Cid"])
      .waits(ms)
      .lines(...events);
    expect(lines.at(-1)).toEqual({ event: "mediation_aborted", code, ms });
  });

  test("endpoints_timeout", () => {
    const { lobby, opening } = life();
    lobby.lines(opening, joined("Ben"), started("Ann"));
    const ms = timing.ptpmServerConnectTimeoutMs;
    expect(lobby.waits(ms).lines(woken())).toEqual([
      { event: "mediation_aborted", code: "endpoints_timeout", ms },
    ]);
    expect(lobby.lines(started("Ann", { requestId: "again" }))).toEqual([
      { event: "mediation_started", members: 2 },
    ]);
  });
});

describe("members that go are told", () => {
  test("a guest, by its own will or not", () => {
    const { lobby, opening } = life();
    lobby.lines(opening, joined("Ben"), joined("Cid"));
    expect(lobby.lines(left("Ben"))).toEqual([
      { event: "member_left", name: "Ben", why: "left", members: 2 },
    ]);
    expect(lobby.lines(lost("Cid"))).toEqual([
      { event: "member_left", name: "Cid", why: "lost", members: 1 },
    ]);
  });

  test.each([
    [left("Ann"), "left"],
    [lost("Ann"), "lost"],
  ])("the host, with its lobby: %o", (event, why) => {
    const { lobby, opening } = life();
    lobby.lines(opening, joined("Ben"));
    expect(lobby.lines(event)).toEqual([
      { event: "member_left", name: "Ann", why, members: 1 },
      { event: "lobby_closed", why: `host ${why}` },
    ]);
    expect(lobby.waits(1e7).lines(woken(), left("Ben"))).toEqual([]);
  });
});

describe("in a lobby that goes on", () => {
  test("the members it goes on without are named, before they are seen and after", () => {
    const { lobby, opening } = life({ goesOn: true });
    lobby.lines(opening, joined("Ben"), joined("Cid"), joined("Dot"), started("Ann"));
    lobby.lines(seen("Ann", 1), seen("Ben", 2), seen("Cid", 3));
    expect(lobby.waits(5_000).lines(woken())).toEqual([
      { event: "members_seen", seen: 3, of: 4 },
      { event: "member_left_out", name: "Dot" },
    ]);
    expect(lobby.lines(via("Ben", "lan"), failed("Cid"))).toEqual([
      { event: "member_left_out", name: "Cid" },
    ]);
    expect(lobby.lines(via("Ann", "lan"))[0]).toMatchObject({ connected: 2, of: 4, via: { lan: 2 } });
  });

  test("a host that reached only some is connected to those", () => {
    const lobby = introduced(["Ben", "Cid"], { goesOn: true });
    expect(lobby.lines(reported("Ben"), reachedOnly("Ann", "Ben"))).toEqual([
      { event: "member_left_out", name: "Cid" },
      { event: "members_connected", connected: 2, of: 3, via: { unknown: 1, direct: 1 }, ms: 0 },
      { event: "lobby_closed", why: "connected" },
    ]);
  });

  test("the last one waited for leaves, and the others are connected", () => {
    const lobby = introduced(["Ben", "Cid"], { goesOn: true });
    lobby.lines(reported("Ann"), reported("Ben"));
    expect(lobby.lines(left("Cid"))).toMatchObject([
      { event: "member_left", name: "Cid" },
      { event: "members_connected", connected: 2, of: 3 },
      { event: "lobby_closed", why: "connected" },
    ]);
  });
});
