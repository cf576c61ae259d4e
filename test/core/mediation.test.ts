import { expect, test } from "vitest";
import { lobbyLimits } from "../../core/lobby/limits.ts";
import { abortReasons } from "../../core/problem.ts";
import {
  answerOf,
  connecting,
  endpoint,
  gathering,
  heard,
  joined,
  type Lobby,
  left,
  lobbyId,
  lobbyOf,
  lost,
  phaseOf,
  reported,
  seen,
  sidecar,
  started,
  timing,
  woken,
} from "./a-lobby.ts";

const friends = ["Ann", "Ben", "Cid"] as const;
const peersOf = (lobby: Lobby, name: string) => heard(lobby, name, "ptpMediation_peersConnection_start");

test("a mediation from its start to its end", () => {
  const lobby = lobbyOf(friends);
  expect(lobby.happens(started("Ann"))).toEqual(["save", "ptpMediation_send to Ann, Ben, Cid", "answer yes"]);
  expect(lobby.happens(seen("Cid", 1003), seen("Ann", 1001))).toEqual([]);
  expect(lobby.happens(seen("Ben", 1002))).toEqual([
    "save",
    "ptpMediation_peersConnection_start to Ann",
    "ptpMediation_peersConnection_start to Ben, Cid",
  ]);
  expect(lobby.happens(reported("Ben"), reported("Ann"))).toEqual(["save", "save"]);
  expect(lobby.happens(reported("Cid"))).toEqual([
    "save",
    "unlist",
    "ptpMediation_success to Ann, Ben, Cid",
    "lobby_closed to Ann, Ben, Cid, released",
    "forget",
  ]);
  expect(heard(lobby, "Ben", "ptpMediation_success")).toEqual([{}]);
  expect(heard(lobby, "Ben", "lobby_closed")).toEqual([{ lobbyId, lobbyName: "Friday" }]);
  expect(lobby.state?.phase).toEqual({ kind: "closing", success: true });
});

test("everyone is told where to send the datagram", () => {
  const lobby = gathering(friends);
  for (const name of friends) {
    expect(heard(lobby, name, "ptpMediation_send")).toEqual([{ port: sidecar.port, host: sidecar.host }]);
  }
});

test("of a sidecar without a host of its own, only the port is told", () => {
  const lobby = lobbyOf(["Ann", "Ben"]);
  const { host: _, ...unnamed } = sidecar;
  lobby.happens(started("Ann", { sidecar: unnamed }));
  expect(heard(lobby, "Ben", "ptpMediation_send")).toEqual([{ port: sidecar.port }]);
});

test("the host gets all others in order of arrival, each other player gets the host", () => {
  const lobby = gathering(friends);
  lobby.happens(seen("Cid", 1003), seen("Ben", 1002), seen("Ann", 1001));
  expect(peersOf(lobby, "Ann")).toEqual([{ peers: [endpoint(1002), endpoint(1003)] }]);
  expect(peersOf(lobby, "Ben")).toEqual([{ peers: [endpoint(1001)] }]);
  expect(peersOf(lobby, "Cid")).toEqual([{ peers: [endpoint(1001)] }]);
});

test("a start is refused for the first reason of: locked, fewer than two players, not the host, no sidecar", () => {
  const none = { sidecar: undefined, requestId: "new" };
  const answers = (lobby: Lobby, who: string) => lobby.happens(started(who, none)).join();

  const locked = gathering(["Ann", "Ben"]);
  expect(answers(locked, "Ben")).toBe("answer lobby_locked");
  const lockedToo = connecting(["Ann", "Ben"]);
  expect(answers(lockedToo, "Eve")).toBe("answer lobby_locked");
  const alone = lobbyOf(["Ann"]);
  expect(answers(alone, "Eve")).toBe("answer too_few_members");
  expect(answers(alone, "Ann")).toBe("answer too_few_members");
  const two = lobbyOf(["Ann", "Ben"]);
  expect(answers(two, "Ben")).toBe("answer not_the_host");
  expect(answers(two, "Eve")).toBe("answer not_the_host");
  expect(answers(two, "Ann")).toBe("answer no_sidecar");
});

test("the lobby is locked from the start to the end of a mediation, and open after an abort", () => {
  const lobby = gathering(["Ann", "Ben", "Cid"]);
  expect(lobby.happens(joined("Dan"))).toEqual(["answer lobby_locked"]);
  lobby.happens(left("Cid"));
  expect(lobby.happens(joined("Dan"))).toContain("answer yes");
});

test("the last endpoint a player is seen at before all are seen is the one that counts", () => {
  const lobby = gathering(["Ann", "Ben"]);
  lobby.happens(seen("Ben", 5000), seen("Ben", 5001), seen("Ann", 1001));
  expect(peersOf(lobby, "Ann")).toEqual([{ peers: [endpoint(5001)] }]);
});

test("a datagram that comes after all were seen neither restarts the connecting nor changes anything", () => {
  const lobby = connecting(["Ann", "Ben"]);
  lobby.happens(reported("Ben"));
  const before = lobby.state;
  expect(lobby.happens(seen("Ben", 6000), seen("Ann", 6001))).toEqual([]);
  expect(lobby.state).toBe(before);
});

test("a stranger's datagram does not stand in for a player's", () => {
  const lobby = gathering(["Ann", "Ben"]);
  expect(lobby.happens(seen("Ann", 1001), seen("Eve", 6666))).toEqual([]);
  expect(phaseOf(lobby)).toBe("gathering");
});

test("a datagram before the start does not count", () => {
  const lobby = lobbyOf(["Ann", "Ben"]);
  lobby.happens(seen("Ben", 5000), started("Ann"));
  expect(lobby.happens(seen("Ann", 1001))).toEqual([]);
  expect(phaseOf(lobby)).toBe("gathering");
});

test("a success reported before the connecting phase does not count", () => {
  const lobby = lobbyOf(["Ann", "Ben"]);
  lobby.happens(reported("Ben"), started("Ann"), reported("Ben"));
  lobby.happens(seen("Ann", 1001), seen("Ben", 1002));
  expect(lobby.happens(reported("Ann"))).toEqual(["save"]);
  expect(phaseOf(lobby)).toBe("connecting");
});

test("a success reported twice counts once", () => {
  const lobby = connecting(["Ann", "Ben"]);
  lobby.happens(reported("Ben"));
  const before = lobby.state;
  expect(lobby.happens(reported("Ben"))).toEqual([]);
  expect(lobby.state).toBe(before);
  expect(phaseOf(lobby)).toBe("connecting");
});

test("a stranger's success does not count", () => {
  const lobby = connecting(["Ann", "Ben"]);
  expect(lobby.happens(reported("Ann"), reported("Eve"))).toEqual(["save"]);
  expect(phaseOf(lobby)).toBe("connecting");
});

for (const [phase, lobbyIn] of Object.entries({ gathering, connecting })) {
  test(`a player leaving while ${phase} aborts, after the rest have heard who left`, () => {
    const lobby = lobbyIn(friends);
    expect(lobby.happens(left("Ben"))).toEqual([
      "save",
      "list 2/4",
      "lobby_peerDisconnect to Ann, Cid",
      "ptpMediation_aborted to Ann, Cid",
    ]);
    expect(heard(lobby, "Cid", "ptpMediation_aborted")).toEqual([
      { abortReason: abortReasons.member_left, code: "member_left" },
    ]);
    expect(lobby.state?.phase).toMatchObject({ kind: "waiting" });
  });

  test(`several players lost while ${phase} abort it once`, () => {
    const lobby = lobbyIn(friends);
    const lines = lobby.happens(lost("Ben", "Cid"));
    expect(lines.filter((line) => line.startsWith("ptpMediation_aborted"))).toEqual([
      "ptpMediation_aborted to Ann",
    ]);
    expect(lines.slice(-2)).toEqual(["ptpMediation_aborted to Ann", "lobby_closed to Ben, Cid, released"]);
  });
}

test("a player who is the last not seen leaving aborts, and does not let the others connect", () => {
  const lobby = gathering(friends);
  lobby.happens(seen("Ann", 1001), seen("Ben", 1002));
  expect(lobby.happens(left("Cid")).at(-1)).toBe("ptpMediation_aborted to Ann, Ben");
  expect(phaseOf(lobby)).toBe("waiting");
});

test("after an abort the host may start again, and endpoints seen before do not count", () => {
  const lobby = gathering(friends);
  lobby.happens(seen("Ann", 1001), seen("Ben", 1002), left("Cid"));
  lobby.happens(started("Ann", { requestId: "second start" }));
  expect(answerOf(lobby)).toEqual({ ok: true, value: null });
  expect(lobby.happens(seen("Ben", 2002))).toEqual([]);
  lobby.happens(seen("Ann", 2001));
  expect(peersOf(lobby, "Ann")).toEqual([{ peers: [endpoint(2002)] }]);
  expect(peersOf(lobby, "Ben")).toEqual([{ peers: [endpoint(2001)] }]);
});

test("after an abort a success reported before does not count", () => {
  const lobby = connecting(friends);
  lobby.happens(reported("Ann"), reported("Ben"), left("Cid"));
  lobby.happens(reported("Ann"));
  lobby.happens(started("Ann", { requestId: "second start" }), seen("Ann", 2001), seen("Ben", 2002));
  expect(lobby.happens(reported("Ann"))).toEqual(["save"]);
  expect(phaseOf(lobby)).toBe("connecting");
  expect(lobby.happens(reported("Ben"))).toContain("ptpMediation_success to Ann, Ben");
});

test("after an abort nothing of the old mediation comes back: no reminder, no abort, no deadline", () => {
  const lobby = gathering(friends);
  lobby.happens(left("Cid"));
  lobby.waits(timing.ptpmServerConnectTimeoutMs);
  expect(lobby.happens(woken())).toEqual([]);

  const later = connecting(friends);
  later.happens(left("Cid"));
  later.waits(timing.ptpmConnectTimeoutMs);
  expect(later.happens(woken())).toEqual([]);
});

test("a player joining after an abort takes part in the next mediation", () => {
  const lobby = gathering(["Ann", "Ben"]);
  lobby.happens(left("Ben"), joined("Dan"), started("Ann", { requestId: "second start" }));
  expect(lobby.happens(seen("Ann", 1001))).toEqual([]);
  lobby.happens(seen("Dan", 1004));
  expect(peersOf(lobby, "Ann")).toEqual([{ peers: [endpoint(1004)] }]);
});

test("a full lobby of 64 connects like any other", () => {
  const guests = Array.from({ length: 63 }, (_, i) => `Guest ${i + 1}`);
  const lobby = gathering(["Ann", ...guests], { maxMembers: 64 });
  lobby.happens(...guests.map((name, i) => seen(name, 2000 + i)));
  lobby.happens(seen("Ann", 1001));
  expect(peersOf(lobby, "Ann")).toEqual([{ peers: guests.map((_, i) => endpoint(2000 + i)) }]);
  expect(guests.every((name) => peersOf(lobby, name).length === 1)).toBe(true);
});

test("an endpoint costs a row of its own only if no reminder writes it before the object can sleep", () => {
  const seldom = lobbyOf(["Ann", "Ben"]);
  seldom.happens(started("Ann", { timing: { ...timing, ptpmConnectRequestIntervalMs: 60_000 } }));
  expect(seldom.happens(seen("Ann", 1001))).toEqual(["save"]);
  seldom.waits(60_000 - lobbyLimits.awakeMs);
  expect(seldom.happens(seen("Ann", 1002))).toEqual([]);
  expect(seldom.waits(lobbyLimits.awakeMs).happens(woken())[0]).toBe("save");
  const here = gathering(["Ann", "Dan"], { isPublic: false });
  expect(here.happens(seen("Ann", 1001))).toEqual(["save"]);
});
