/** A request whose answer was lost is made again under the same name. It must not count twice, nor be refused. */
import { describe, expect, test } from "vitest";
import { lobbyLimits } from "../../core/lobby/limits.ts";
import type { LobbyRequest } from "../../core/lobby/request.ts";
import {
  answerOf,
  changed,
  changedSelf,
  connecting,
  endpoint,
  gathering,
  type Happening,
  handedOver,
  joined,
  kicked,
  knower,
  left,
  lobbyOf,
  member,
  noLobby,
  opened,
  phaseOf,
  returned,
  seen,
  started,
  unbanned,
} from "./a-lobby.ts";

test("opening again by the same request gets the same code, and changes nothing", () => {
  const lobby = noLobby();
  lobby.happens(opened(member("Ann")));
  const [first, before] = [answerOf(lobby), lobby.state];
  lobby.happens(opened(member("Ann")));
  expect(answerOf(lobby)).toEqual(first);
  expect(lobby.state).toBe(before);
});

test("opening again by another request, even of the same player, finds the code taken", () => {
  const lobby = lobbyOf(["Ann"]);
  expect(lobby.happens(opened(member("Ann", "another try")))).toEqual(["answer code_taken"]);
  expect(lobby.happens(opened({ ...member("Eve"), requestId: member("Ann").requestId }))).toEqual([
    "answer code_taken",
  ]);
});

test("joining again by the same request gets the same answer, and nobody hears of it twice", () => {
  const lobby = lobbyOf(["Ann", "Ben"]);
  lobby.happens(joined("Cid"));
  const [first, before] = [answerOf(lobby), lobby.state];
  expect(lobby.happens(joined("Cid"))).toEqual(["answer yes"]);
  expect(answerOf(lobby)).toEqual(first);
  expect(lobby.state).toBe(before);
});

test("a request to join that is made again late names those that the first one named, the caller last", () => {
  const lobby = lobbyOf(["Ann", "Ben"]);
  lobby.happens(joined("Cid"), joined("Dan"));
  lobby.happens(joined("Cid"));
  expect(answerOf(lobby)).toMatchObject({ value: { lobbyMembers: ["Ann", "Ben", "Cid"] } });
});

test("joining again by the same request is answered though the lobby is full by now, or locked", () => {
  expect(lobbyOf(["Ann", "Ben"], { maxMembers: 2 }).happens(joined("Ben"))).toEqual(["answer yes"]);
  expect(gathering(["Ann", "Ben"]).happens(joined("Ben"))).toEqual(["answer yes"]);
  expect(connecting(["Ann", "Ben"]).happens(joined("Ben"))).toEqual(["answer yes"]);
});

test("starting again by the same request is answered, and does not start anew", () => {
  const lobby = gathering(["Ann", "Ben"]);
  lobby.happens(seen("Ben", 1002));
  const before = lobby.waits(5_000).state;
  expect(lobby.happens(started("Ann"))).toEqual(["answer yes"]);
  expect(lobby.state).toBe(before);
  lobby.happens(seen("Ann", 1001));
  expect(phaseOf(lobby)).toBe("connecting");
  expect(lobby.happens(started("Ann"))).toEqual(["answer yes"]);
  expect(phaseOf(lobby)).toBe("connecting");
});

test("starting again by the same request is answered though no sidecar is alive any more", () => {
  expect(gathering(["Ann", "Ben"]).happens(started("Ann", { sidecar: undefined }))).toEqual(["answer yes"]);
});

test("an endpoint seen twice is seen", () => {
  const lobby = gathering(["Ann", "Ben"]);
  expect(lobby.happens(seen("Ben", 1002), seen("Ben", 1002))).toEqual([]);
  expect(lobby.state?.phase).toMatchObject({ seen: { Ben: { observed: { endpoint: endpoint(1002) } } } });
});

test("a datagram from the same endpoint again leaves the lobby the same object", () => {
  const lobby = gathering(["Ann", "Ben"]);
  lobby.happens(seen("Ben", 1002));
  const before = lobby.state;
  lobby.happens(seen("Ben", 1002));
  expect(lobby.state).toBe(before);
});

test("a lobby that was left can be joined again by a new request", () => {
  const lobby = lobbyOf(["Ann", "Ben"]);
  lobby.happens(left("Ben"));
  expect(lobby.happens(joined(member("Ben", "another try")))).toContain("answer yes");
});

describe("what members who stay ask for, made again under the same name,", () => {
  const rules = { isPublic: false, knows: true, graceMs: 30_000, maxMembers: 8 };
  const friends = ["Ann", "Ben", "Cid"] as const;
  test.each<[what: string, wish: LobbyRequest, meanwhile: Happening]>([
    ["a return", returned("Ben"), changed({ locked: true })],
    ["a hand-over", handedOver("Ben"), changedSelf("Cid", { data: { ready: true } })],
    // Cid has joined again meanwhile.
    ["a kick", kicked("Cid"), joined(knower("Cid", { requestId: "again" }))],
    ["a change", changed({ data: { round: 1 } }), changed({ data: { round: 2 } })],
    [
      "a member's change",
      changedSelf("Ben", { data: { ready: true } }),
      changedSelf("Ben", { data: { ready: false } }),
    ],
  ])("%s is answered, and not done twice, whatever happened since", (_, wish, meanwhile) => {
    const lobby = lobbyOf(friends, rules);
    lobby.happens(wish, meanwhile);
    const before = lobby.state;
    expect(lobby.happens(wish)).toEqual(["answer yes"]);
    expect(lobby.state).toBe(before);
  });

  test("a lifted ban stays lifted, and one that came since stays", () => {
    const lobby = lobbyOf(friends, rules);
    lobby.happens(kicked("Cid", { ban: true }), unbanned("Cid"));
    lobby.happens(
      joined(knower("Cid", { requestId: "again" })),
      kicked("Cid", { ban: true, requestId: "2" }),
    );
    expect(lobby.happens(unbanned("Cid"))).toEqual(["answer yes"]);
    expect(lobby.state?.bans).toMatchObject([{ clientId: "Cid" }]);
  });

  test("is done anew under another name", () => {
    const lobby = lobbyOf(friends, rules);
    lobby.happens(changed({ data: { round: 1 } }), changed({ data: { round: 2 } }));
    lobby.happens(changed({ data: { round: 1 } }, { requestId: "another" }));
    expect(answerOf(lobby)).toMatchObject({ value: { version: 5 } });
  });

  test("of so many others later, is forgotten", () => {
    const lobby = lobbyOf(friends, rules);
    for (let i = 0; i <= lobbyLimits.doneRequests; i++) lobby.happens(changed({ data: { round: i } }));
    expect(lobby.state?.done).toHaveLength(lobbyLimits.doneRequests);
    expect(lobby.happens(changed({ data: { round: 0 } }))).toContain("lobby_changed to Ann, Ben, Cid");
  });

  test("that was refused is no request that was done", () => {
    const lobby = lobbyOf(friends, rules);
    const wish = changed({ data: { round: 1 } }, { ifVersion: 3 });
    expect(lobby.happens(wish)).toEqual(["answer wrong_version"]);
    lobby.happens(changed({ locked: true }));
    expect(lobby.happens(wish)).toContain("answer yes");
  });
});
