/** The whole picture: what a client can show of the lobby it is in. */
import { describe, expect, test } from "vitest";
import { picture } from "../../core/wire/picture.ts";
import { readBy } from "../../measure/kit/wire.ts";
import {
  answerOf,
  changedSelf,
  connecting,
  cut,
  gathering,
  heard,
  hidden,
  joined,
  kicked,
  knower,
  type Lobby,
  lobbyId,
  lobbyOf,
  looked,
  member,
  playing,
  reported,
  returned,
  seen,
  woken,
} from "./a-lobby.ts";

const friends = ["Ann", "Ben", "Cid"] as const;
const rules = { isPublic: false, knows: true };

function pictureFor(lobby: Lobby, name = "Ben") {
  lobby.happens(looked(name));
  const answer = answerOf(lobby) as { ok: boolean; value: unknown };
  // Nothing is in it that is not described.
  const read = readBy(picture, answer.value);
  expect(answer.value).toEqual(read);
  return read;
}

test("of a plain lobby has all that there is, and nothing else", () => {
  const someone = { presence: "connected", data: {}, ready: false, hidden: false, via: null };
  expect(pictureFor(lobbyOf(friends, rules))).toEqual({
    lobbyId,
    lobbyName: "Friday",
    title: "Friday",
    game: null,
    isPublic: false,
    maxMembers: 4,
    locked: false,
    hasPassword: false,
    lifetime: "mediation",
    topology: "star",
    privacy: "open",
    onLoss: "abort",
    onHostLoss: "close",
    signals: "peers",
    encryption: "preferred",
    graceMs: 0,
    hostId: "Ann",
    term: 1,
    version: 2,
    data: {},
    members: friends.map((name) => ({ clientId: name, name, displayName: name, ...someone })),
    phase: { kind: "waiting", seen: [], awaited: [] },
  });
});

test("says what the host has chosen", () => {
  const options = {
    lifetime: "session",
    topology: "mesh",
    onHostLoss: "migrate",
    signals: "all",
    game: "chess",
    title: "Šachy",
    locked: true,
    password: { salt: "s", hash: "h" },
    data: { rated: true },
  } as const;
  const lobby = lobbyOf(["Ann"], { ...rules, graceMs: 5_000, goesOn: true, relayOnly: true, options });
  const { password: _, ...told } = options;
  expect(pictureFor(lobby, "Ann")).toMatchObject({
    ...told,
    hasPassword: true,
    onLoss: "continue",
    privacy: "relay-only",
    graceMs: 5_000,
    bans: [],
  });
});

test("says of each member whether it is there, looks, is ready, and how it is connected", () => {
  const lobby = playing(friends, { graceMs: 30_000 });
  lobby.happens(hidden("Cid"), changedSelf("Cid", { data: { ready: true } }), cut("Ben"));
  lobby.happens(joined(knower("Dan")));
  expect(pictureFor(lobby, "Ann").members).toMatchObject([
    { clientId: "Ann", presence: "connected", via: "unknown" },
    { clientId: "Ben", presence: "away", via: "unknown" },
    { clientId: "Cid", hidden: true, ready: true },
    { clientId: "Dan", via: null },
  ]);
});

describe("of a mediation", () => {
  test("says who has been seen, and who is awaited", () => {
    const lobby = gathering(friends, { ...rules, graceMs: 30_000 });
    lobby.happens(seen("Ben", 1), seen("Cid", 2), cut("Cid"));
    const phase = { kind: "gathering", mediation: "Ann star", seen: ["Ben"], awaited: ["Ann", "Cid"] };
    expect(pictureFor(lobby).phase).toEqual(phase);
  });

  test("says who has reported", () => {
    const lobby = connecting(friends, rules);
    lobby.happens(reported("Cid"));
    expect(pictureFor(lobby).phase).toMatchObject({
      kind: "connecting",
      seen: ["Cid"],
      awaited: ["Ann", "Ben"],
    });
  });

  test("for newcomers names those alone who take part", () => {
    const lobby = playing(friends);
    lobby.happens(joined(knower("Dan")), seen("Ann", 1));
    expect(pictureFor(lobby).phase).toMatchObject({ seen: ["Ann"], awaited: ["Dan"] });
  });
});

describe("who is awaited is told", () => {
  const six = ["Ann", "Ben", "Cid", "Dan", "Eve", "Gil"] as const;
  const progress = "ptpMediation_progress";

  test("with each reminder, and when only few are left, to those whose clients know the word", () => {
    const lobby = gathering(six, { ...rules, maxMembers: 8 });
    expect(lobby.happens(seen("Ann", 1), seen("Ben", 2))).toEqual([]);
    expect(lobby.waits(10_000).happens(woken())).toContain(`${progress} to ${six.join(", ")}`);
    expect(heard(lobby, "Cid", progress)).toEqual([
      { mediation: "Ann star", seen: ["Ann", "Ben"], awaited: ["Cid", "Dan", "Eve", "Gil"] },
    ]);
    expect(lobby.happens(seen("Cid", 3), seen("Dan", 4))).toEqual([]);
    lobby.happens(seen("Eve", 5));
    expect(heard(lobby, "Gil", progress)).toMatchObject([{ awaited: ["Gil"] }]);
  });

  test("to nobody whose client does not", () => {
    const lobby = gathering(friends, { isPublic: false });
    const lines = [...lobby.happens(seen("Ann", 1), seen("Ben", 2)), ...lobby.waits(10_000).happens(woken())];
    expect(lines.filter((line) => line.startsWith(progress))).toEqual([]);
  });
});

describe("is in the answer", () => {
  const hasPicture = (lobby: Lobby) => "lobby" in (answerOf(lobby) as { value: object }).value;

  test("to a join, of a client that knows the additions, and of no other", () => {
    const lobby = lobbyOf(["Ann"], rules);
    lobby.happens(joined(knower("Ben")));
    expect(hasPicture(lobby)).toBe(true);
    lobby.happens(joined(member("Cid")));
    expect(hasPicture(lobby)).toBe(false);
  });

  test("to a member that is back, as the lobby is now", () => {
    const lobby = lobbyOf(friends, { ...rules, graceMs: 30_000 });
    lobby.happens(cut("Ben"), kicked("Cid"), returned("Ben"));
    const members = [{ clientId: "Ann" }, { clientId: "Ben", presence: "connected" }];
    expect(answerOf(lobby)).toMatchObject({ value: { lobby: { members } } });
  });
});
