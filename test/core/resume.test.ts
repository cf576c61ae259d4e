/** A member comes back by another connection, with its resume key. */
import { describe, expect, test } from "vitest";
import { sessionOf } from "../../core/lobby/state.ts";
import {
  answerOf,
  connecting,
  cut,
  heard,
  joined,
  kicked,
  knower,
  type Lobby,
  lobbyOf,
  phaseOf,
  playing,
  reported,
  returned,
  seen,
  started,
  whoPlays,
  woken,
} from "./a-lobby.ts";

const friends = ["Ann", "Ben", "Cid"] as const;
const graceMs = 30_000;
const rules = { graceMs, isPublic: false, knows: true };

const memberNamed = ({ state }: Lobby, name: string) => state?.members.find((one) => one.name === name);

test("its client id stays the same, and its new session speaks for it", () => {
  const lobby = lobbyOf(friends, rules);
  lobby.happens(cut("Ben"), returned("Ben", { session: "B2" }));
  const ben = memberNamed(lobby, "Ben");
  expect(ben).toMatchObject({ clientId: "Ben", session: "B2", resumes: 1 });
  expect(ben && sessionOf(ben)).toBe("B2");
});

test("it gets the whole picture, with itself in its old place", () => {
  const lobby = lobbyOf(friends, rules);
  lobby.happens(cut("Ben"), joined(knower("Dan")), returned("Ben"));
  const members = ["Ann", "Ben", "Cid", "Dan"].map((clientId) => ({ clientId, presence: "connected" }));
  expect(answerOf(lobby)).toMatchObject({ value: { lobby: { members, hostId: "Ann" } } });
});

test("each return needs the newest key", () => {
  const lobby = lobbyOf(friends, rules);
  lobby.happens(returned("Ben"));
  expect(lobby.happens(returned("Ben", { requestId: "again" }))).toEqual([
    "lobby_resumeRefused to Ben",
    "answer resume_key_used",
  ]);
  expect(lobby.happens(returned("Ben", { resumes: 1 }))).toContain("answer yes");
});

describe("an old key", () => {
  test("changes nothing, not even a timer, and the member itself is told", () => {
    const lobby = lobbyOf(friends, rules);
    lobby.happens(returned("Ben", { session: "B2" }), cut("Cid"));
    const before = lobby.state;
    const lines = lobby.waits(5_000).happens(returned("Ben", { requestId: "stolen", session: "thief" }));
    expect(lines).toEqual(["lobby_resumeRefused to Ben", "answer resume_key_used"]);
    expect(lobby.state).toBe(before);
  });

  test("is refused in silence while the member is away: nobody is there to hear it", () => {
    const lobby = lobbyOf(friends, rules);
    lobby.happens(returned("Ben", { holder: "l4" }), cut("Ben"));
    expect(lobby.happens(returned("Ben", { requestId: "stolen" }))).toEqual(["answer resume_key_used"]);
  });

  test("is answered again to the client that used it, if it says so: its answer was lost", () => {
    const lobby = lobbyOf(friends, rules);
    lobby.happens(cut("Ben"), returned("Ben", { resumedBy: "mine", session: "B2" }));
    const again = returned("Ben", { requestId: "another", resumedBy: "mine", session: "B3" });
    expect(lobby.happens(again)).toEqual(["save", "lobby_resumedElsewhere to Ben, released", "answer yes"]);
    expect(memberNamed(lobby, "Ben")).toMatchObject({ session: "B3", resumes: 1 });
  });
});

describe("of two connections that speak for one member", () => {
  test("the newer one wins, and the older one is told so, once", () => {
    const lobby = lobbyOf(friends, rules);
    expect(lobby.happens(returned("Ben", { session: "B2" }))).toEqual([
      "save",
      "lobby_resumedElsewhere to Ben, released",
      "answer yes",
    ]);
    const [to] = lobby.effects.flatMap((effect) => (effect.kind === "release" ? effect.to : []));
    expect(to && sessionOf(to)).toBe("Ben");
  });

  test("neither may be another member's", () => {
    const lobby = lobbyOf(friends, rules);
    const before = lobby.state;
    expect(lobby.happens(returned("Ben", { session: "Cid" }))).toEqual(["answer already_in_lobby"]);
    expect(lobby.state).toBe(before);
  });

  test("of two that use one key at once, the second one is refused", () => {
    const lobby = lobbyOf(friends, rules);
    const lines = lobby.happens(
      cut("Ben"),
      returned("Ben", { requestId: "first", resumedBy: "a", session: "B2" }),
      returned("Ben", { requestId: "second", resumedBy: "b", session: "B3" }),
    );
    expect(lines.slice(-2)).toEqual(["lobby_resumeRefused to Ben", "answer resume_key_used"]);
    expect(memberNamed(lobby, "Ben")).toMatchObject({ session: "B2" });
  });
});

test("one that was there for less than ten seconds has no place that waits for it", () => {
  const lobby = lobbyOf(["Ann"], rules);
  lobby.happens(joined(knower("Eve")));
  expect(lobby.waits(9_999).happens(cut("Eve"))).toEqual(["save", "lobby_peerDisconnect to Ann"]);
  lobby.happens(joined(knower("Eve", { requestId: "another" })));
  expect(lobby.waits(10_000).happens(cut("Eve"))).toEqual(["save", "lobby_memberAway to Ann"]);
});

test("one that was kicked while it was away does not come back", () => {
  const lobby = lobbyOf(friends, rules);
  lobby.happens(cut("Ben"), kicked("Ben"));
  expect(lobby.happens(returned("Ben"))).toEqual(["answer no_such_member"]);
});

test("in a full lobby, a newcomer takes the place of the guest that has been away longest, never the host's", () => {
  const lobby = lobbyOf(friends, { ...rules, maxMembers: 3 });
  lobby.happens(cut("Ann"));
  expect(lobby.waits(1).happens(joined(knower("Dan")))).toEqual(["answer lobby_full"]);
  lobby.happens(cut("Cid"));
  lobby.waits(1).happens(cut("Ben"));
  expect(lobby.happens(joined(knower("Dan")))).toContain("lobby_closed to Cid, released");
  expect(lobby.state?.members.map(({ name }) => name)).toEqual(["Ann", "Ben", "Dan"]);
});

describe("one that has lost its links", () => {
  const options = { graceMs, goesOn: true };

  test("is connected again, and the others play on", () => {
    const lobby = playing(friends, options);
    expect(whoPlays(lobby).playing).toEqual([...friends]);
    lobby.happens(cut("Ben"), returned("Ben", { reconnect: true }));
    expect(lobby.state?.phase).toMatchObject({ kind: "gathering", policy: { newcomers: ["Ben"] } });
    expect(lobby.waits(1).happens(woken())).toContain("ptpMediation_send to Ann, Ben");
    lobby.happens(seen("Ann", 1), seen("Ben", 2), reported("Ann"), reported("Ben"));
    expect(whoPlays(lobby)).toEqual({ playing: ["Ann", "Cid", "Ben"], waiting: [] });
  });

  test("does not hold up those who connect just now, and is connected when they are", () => {
    const lobby = connecting(friends, {
      ...options,
      isPublic: false,
      knows: true,
      options: { lifetime: "session" },
    });
    lobby.happens(cut("Ben"), returned("Ben", { reconnect: true }), reported("Ann"));
    lobby.happens(reported("Cid"));
    expect(whoPlays(lobby)).toEqual({ playing: ["Ann", "Cid"], waiting: [] });
    expect(lobby.state?.phase).toMatchObject({ kind: "gathering", policy: { newcomers: ["Ben"] } });
  });

  test("is introduced with the others if that has not happened yet", () => {
    const lobby = lobbyOf(friends, { ...rules, options: { lifetime: "session" } });
    lobby.happens(started("Ann"), seen("Ann", 1), seen("Ben", 2));
    lobby.happens(cut("Ben"), returned("Ben", { reconnect: true }), seen("Ben", 3), seen("Cid", 4));
    expect(heard(lobby, "Ann", "ptpMediation_peersConnection_start")).toMatchObject([
      { peers: [{ port: 3 }, { port: 4 }] },
    ]);
    lobby.happens(...friends.map(reported));
    expect(whoPlays(lobby)).toEqual({ playing: [...friends], waiting: [] });
    expect(phaseOf(lobby)).toBe("waiting");
  });

  test("ends a start that may go on without nobody, at once", () => {
    const lobby = connecting(friends, { ...rules, options: { lifetime: "session" } });
    const lines = lobby.happens(cut("Ben"), returned("Ben", { reconnect: true }));
    expect(lines).toContain("ptpMediation_aborted to Ann, Cid");
    expect(lobby.state?.phase).toEqual({ kind: "waiting", aborted: "could_not_connect" });
  });

  test("the host too: all others are connected to it again", () => {
    const lobby = playing(friends, options);
    lobby.happens(cut("Ann"), returned("Ann", { reconnect: true }));
    expect(lobby.waits(1).happens(woken())).toContain("ptpMediation_send to Ann, Ben, Cid");
    lobby.happens(...friends.map((name, i) => seen(name, 5 + i)), ...friends.map(reported));
    expect(whoPlays(lobby).playing.toSorted()).toEqual([...friends]);
  });
});
