import { expect, test } from "vitest";
import {
  answerOf,
  closing,
  connecting,
  gathering,
  heard,
  joined,
  left,
  lobbyId,
  lobbyOf,
  lost,
  member,
  noLobby,
  noon,
  opened,
  phaseOf,
  said,
  started,
} from "./a-lobby.ts";

const refused = (...codes: string[]) => ({ ok: false, codes });

test("who hosts is alone in the lobby and gets the code to tell friends", () => {
  const lobby = noLobby();
  lobby.happens(opened(member("Ann")));
  expect(answerOf(lobby)).toEqual({ ok: true, value: { lobbyName: "Friday", lobbyId, privacy: "open" } });
  expect(lobby.state).toMatchObject({
    hostId: "Ann",
    members: [member("Ann")],
    phase: { kind: "waiting" },
    maxMembers: 4,
    isPublic: true,
  });
});

test("who joins learns who is here in order of arrival, last of all itself, and who is the host", () => {
  const lobby = lobbyOf(["Ann", "Ben"]);
  lobby.happens(joined("Cid"));
  expect(answerOf(lobby)).toEqual({
    ok: true,
    value: {
      lobbyId,
      lobbyName: "Friday",
      lobbyMembers: ["Ann", "Ben", "Cid"],
      host: "Ann",
      privacy: "open",
    },
  });
});

test("everyone already here hears of the newcomer, and the newcomer does not hear of itself", () => {
  const lobby = lobbyOf(["Ann", "Ben"]);
  lobby.happens(joined("Cid"));
  for (const name of ["Ann", "Ben"]) {
    expect(heard(lobby, name, "lobby_peerConnect")).toEqual([{ lobbyId, peerName: "Cid" }]);
  }
  expect(heard(lobby, "Cid", "lobby_peerConnect")).toEqual([]);
});

test("the member count is right in the directory before anybody hears of a member, coming or going", () => {
  const lobby = lobbyOf(["Ann", "Ben"]);
  expect(lobby.happens(joined("Cid"))).toEqual([
    "save",
    "list 3/4",
    "lobby_peerConnect to Ann, Ben",
    "answer yes",
  ]);
  expect(lobby.happens(left("Ben"))).toEqual(["save", "list 2/4", "lobby_peerDisconnect to Ann, Cid"]);
});

test("a private lobby is never mentioned to the directory", () => {
  const lobby = noLobby();
  const ann = member("Ann");
  const lines = [
    ...lobby.happens(opened(ann, { isPublic: false }), joined("Ben"), left("Ben"), joined("Cid")),
    ...lobby.happens(left("Ann")),
  ];
  expect(lines.filter((line) => line.includes("list"))).toEqual([]);
  expect(lines.slice(-3)).toEqual(["save", "lobby_closed to Cid, released", "forget"]);
});

test("a join is refused for the first reason of: already in it, no such lobby, locked, full, name taken", () => {
  const again = joined(member("Ben", "another try"));
  const twin = joined({ ...member("Zoe"), name: "Ben" });
  const everythingWrong = connecting(["Ann", "Ben"], { maxMembers: 2 });
  everythingWrong.happens(again);
  expect(answerOf(everythingWrong)).toEqual(refused("already_in_lobby"));

  const over = closing(["Ann", "Ben"], { maxMembers: 2 });
  over.happens(twin);
  expect(answerOf(over)).toEqual(refused("no_such_lobby"));

  const lockedAndFull = gathering(["Ann", "Ben"], { maxMembers: 2 });
  lockedAndFull.happens(twin);
  expect(answerOf(lockedAndFull)).toEqual(refused("lobby_locked"));

  const full = lobbyOf(["Ann", "Ben"], { maxMembers: 2 });
  full.happens(twin);
  expect(answerOf(full)).toEqual(refused("lobby_full"));

  const roomy = lobbyOf(["Ann", "Ben"]);
  roomy.happens(twin);
  expect(answerOf(roomy)).toEqual(refused("name_taken"));
});

test("names are unique exactly as written: another case is another name", () => {
  const lobby = lobbyOf(["Ann"]);
  lobby.happens(joined({ ...member("client 2"), name: "ann" }));
  expect(answerOf(lobby)).toMatchObject({ ok: true, value: { lobbyMembers: ["Ann", "ann"] } });
  lobby.happens(joined({ ...member("client 3"), name: "ann" }));
  expect(answerOf(lobby)).toEqual(refused("name_taken"));
});

test("a name is free again once its player has left", () => {
  const lobby = lobbyOf(["Ann", "Ben"]);
  lobby.happens(left("Ben"), joined({ ...member("client 3"), name: "Ben" }));
  expect(answerOf(lobby)).toMatchObject({ ok: true, value: { lobbyMembers: ["Ann", "Ben"] } });
});

test("a lobby for one is full with its host", () => {
  const lobby = lobbyOf(["Ann"], { maxMembers: 1 });
  lobby.happens(joined("Ben"));
  expect(answerOf(lobby)).toEqual(refused("lobby_full"));
});

test("a lobby takes 64 players, and not one more, whatever it was opened with", () => {
  const lobby = lobbyOf(["Ann"], { maxMembers: 1000 });
  for (let i = 2; i <= 64; i++) lobby.happens(joined(`Guest ${i}`));
  expect(answerOf(lobby)).toMatchObject({ ok: true });
  expect(lobby.state?.members).toHaveLength(64);
  lobby.happens(joined("Guest 65"));
  expect(answerOf(lobby)).toEqual(refused("lobby_full"));
});

test("a refused join changes nothing", () => {
  const lobby = lobbyOf(["Ann", "Ben"], { maxMembers: 2 });
  const before = lobby.state;
  expect(lobby.happens(joined("Cid"))).toEqual(["answer lobby_full"]);
  expect(lobby.state).toBe(before);
});

test("when a guest leaves, the rest hear who it was", () => {
  const lobby = lobbyOf(["Ann", "Ben", "Cid"]);
  lobby.happens(left("Ben"));
  for (const name of ["Ann", "Cid"]) {
    expect(heard(lobby, name, "lobby_peerDisconnect")).toEqual([{ lobbyId, peerName: "Ben" }]);
  }
  expect(lobby.state?.members.map(({ name }) => name)).toEqual(["Ann", "Cid"]);
});

test("guests lost together are taken leave of one by one, and the directory is told once", () => {
  const lobby = lobbyOf(["Ann", "Ben", "Cid", "Dan"]);
  expect(lobby.happens(lost("Dan", "Ben", "nobody"))).toEqual([
    "save",
    "list 2/4",
    "lobby_peerDisconnect to Ann, Cid",
    "lobby_peerDisconnect to Ann, Cid",
    "lobby_closed to Ben, Dan, released",
  ]);
  expect(heard(lobby, "Cid", "lobby_peerDisconnect").map(({ peerName }) => peerName)).toEqual(["Ben", "Dan"]);
});

test("players that were only out of reach hear that the lobby is over for them, host or guest", () => {
  const lobby = lobbyOf(["Ann", "Ben", "Cid"]);
  expect(lobby.happens(lost("Ben"))).toContain("lobby_closed to Ben, released");
  expect(lobby.happens(lost("Ann")).slice(-3)).toEqual([
    "lobby_closed to Cid, released",
    "lobby_closed to Ann, released",
    "forget",
  ]);
});

test("a member is given back for the requestId that took it, and for no other", () => {
  const lobby = lobbyOf(["Ann", "Ben"]);
  const { clientId, requestId } = member("Ben");
  expect(lobby.happens({ kind: "member-left", clientId, requestId: "an earlier one" })).toEqual([]);
  expect(lobby.happens({ kind: "member-left", clientId, requestId })).toContain(
    "lobby_peerDisconnect to Ann",
  );
});

test("a player who left twice is missed once", () => {
  const lobby = lobbyOf(["Ann", "Ben"]);
  lobby.happens(left("Ben"));
  expect(lobby.happens(left("Ben"))).toEqual([]);
});

for (const [phase, lobbyIn] of Object.entries({ waiting: lobbyOf, gathering, connecting })) {
  test(`the host leaving a ${phase} lobby closes it, and nobody hears of a mediation any more`, () => {
    const lobby = lobbyIn(["Ann", "Ben", "Cid"]);
    expect(lobby.happens(left("Ann"))).toEqual([
      "save",
      "unlist",
      "lobby_closed to Ben, Cid, released",
      "forget",
    ]);
    expect(heard(lobby, "Ben", "lobby_closed")).toEqual([{ lobbyId, lobbyName: "Friday" }]);
    expect(phaseOf(lobby)).toBe("closing");
  });
}

test("a host lost together with a guest closes the lobby for those who are left", () => {
  const lobby = gathering(["Ann", "Ben", "Cid"]);
  expect(lobby.happens(lost("Ben", "Ann"))).toContain("lobby_closed to Cid, released");
});

test("a closing lobby cannot be joined, started or talked in, and cannot be left twice", () => {
  const lobby = lobbyOf(["Ann", "Ben"]);
  lobby.happens(left("Ann"));
  const over = lobby.state;
  expect(lobby.happens(joined("Dan"), started("Ben"), said("Ben", "hello?"), left("Ben"))).toEqual([
    "answer no_such_lobby",
    "answer no_such_lobby",
  ]);
  expect(lobby.state).toBe(over);
});

test("chat is heard by everyone, the sender too, once, with name and time", () => {
  const lobby = lobbyOf(["Ann", "Ben", "Cid"]).waits(1234);
  expect(lobby.happens(said("Ben", "Grüße 🎲 a:b"))).toEqual(["lobby_messaging_received to Ann, Ben, Cid"]);
  for (const name of ["Ann", "Ben", "Cid"]) {
    expect(heard(lobby, name, "lobby_messaging_received")).toEqual([
      { lobbyId, message: { timestamp: noon + 1234, senderName: "Ben", message: "Grüße 🎲 a:b" } },
    ]);
  }
});

test("chat is not worth a write", () => {
  const lobby = lobbyOf(["Ann", "Ben"]);
  const before = lobby.state;
  lobby.happens(said("Ben", "hello"));
  expect(lobby.state).toBe(before);
});
