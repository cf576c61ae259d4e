/** The host leaves or hands over, and another member leads. */
import { describe, expect, test } from "vitest";
import {
  answerOf,
  changed,
  connecting,
  cut,
  gathering,
  handedOver,
  heard,
  hidden,
  joined,
  knower,
  left,
  lobbyOf,
  member,
  phaseOf,
  playing,
  reported,
  returned,
  seen,
  started,
  steered,
  whoPlays,
  woken,
} from "./a-lobby.ts";

const friends = ["Ann", "Ben", "Cid"] as const;
const migrates = { isPublic: false, knows: true, options: { onHostLoss: "migrate" } } as const;
const graceMs = 30_000;

describe("when the host leaves", () => {
  test("the lobby closes, as Orion has it", () => {
    expect(lobbyOf(friends, { isPublic: false, knows: true }).happens(left("Ann")).at(-1)).toBe("forget");
  });

  test("of a lobby that migrates, the member that is there longest is host, and all hear it", () => {
    const lobby = lobbyOf(friends, migrates);
    expect(lobby.happens(left("Ann"))).toEqual([
      "save",
      "lobby_peerDisconnect to Ben, Cid",
      "lobby_hostChanged to Ben, Cid",
    ]);
    expect(heard(lobby, "Cid", "lobby_hostChanged")).toMatchObject([
      { host: "Ben", clientId: "Ben", term: 2 },
    ]);
    expect(lobby.state).toMatchObject({ hostId: "Ben", term: 2 });
  });

  test("a member whose page nobody looks at is host only if there is no other", () => {
    const lobby = lobbyOf(friends, migrates);
    lobby.happens(hidden("Ben"), left("Ann"));
    expect(lobby.state?.hostId).toBe("Cid");
    lobby.happens(left("Cid"));
    expect(lobby.state?.hostId).toBe("Ben");
  });

  test("a member that is away is host only if all are, and leads when it is back", () => {
    const lobby = lobbyOf(friends, { ...migrates, graceMs });
    lobby.happens(cut("Ben"), left("Ann"));
    expect(lobby.state?.hostId).toBe("Cid");
    lobby.happens(left("Cid"));
    expect(lobby.state?.hostId).toBe("Ben");
    lobby.happens(returned("Ben"));
    expect(answerOf(lobby)).toMatchObject({ value: { host: "Ben", lobby: { hostId: "Ben", term: 3 } } });
  });

  test("and nobody is left, the lobby is over", () => {
    const lobby = lobbyOf(friends, migrates);
    expect(lobby.happens(left("Ann"), left("Ben"), left("Cid")).at(-1)).toBe("forget");
  });

  test("the directory hears of the count before anybody hears of the host", () => {
    const lobby = lobbyOf(friends, { ...migrates, isPublic: true });
    expect(lobby.happens(left("Ann"))).toEqual([
      "save",
      "list 2/4",
      "lobby_peerDisconnect to Ben, Cid",
      "lobby_hostChanged to Ben, Cid",
    ]);
  });

  test("a plain Orion client is passed over: it would not know that it is host", () => {
    const lobby = lobbyOf(["Ann"], migrates);
    lobby.happens(joined(member("Ben")), joined(knower("Cid")), hidden("Cid"));
    lobby.happens(left("Ann"));
    expect(lobby.state).toMatchObject({ hostId: "Cid", term: 2 });
  });

  test("and only plain Orion clients are left, they hear that the lobby is closed", () => {
    const lobby = lobbyOf(["Ann"], { ...migrates, isPublic: true });
    lobby.happens(joined(member("Ben")), joined(member("Dan")));
    expect(lobby.happens(left("Ann"))).toEqual([
      "save",
      "unlist",
      "lobby_closed to Ben, Dan, released",
      "forget",
    ]);
  });

  test("and of those who can lead all are away, the place of the host waits for one until its time is over", () => {
    const lobby = lobbyOf(["Ann", "Ben", "Cid"], { ...migrates, graceMs });
    lobby.happens(joined(member("Dan")), cut("Ben"));
    lobby.waits(10_000).happens(cut("Cid"), left("Ann"));
    expect(lobby.state).toMatchObject({ hostId: "Ben", term: 2 });
    // Ben's time is over, and Cid may still return.
    lobby.waits(graceMs - 10_000).happens(woken());
    expect(lobby.state).toMatchObject({ hostId: "Cid", term: 3 });
    expect(lobby.waits(10_000).happens(woken())).toEqual([
      "save",
      "lobby_closed to Dan, released",
      "lobby_closed to Cid, released",
      "forget",
    ]);
  });

  test("one that comes while the host is away leads only when the host's time is over", () => {
    const lobby = lobbyOf(["Ann", "Ben"], { ...migrates, graceMs });
    lobby.happens(joined(member("Dan")), cut("Ben"), left("Ann"), joined(knower("Eve")));
    expect(lobby.state?.hostId).toBe("Ben");
    lobby.waits(graceMs).happens(woken());
    expect(lobby.state).toMatchObject({ hostId: "Eve", term: 3 });
  });

  test("a plain Orion client hears that it is gone, and nothing that Orion does not have", () => {
    const lobby = lobbyOf(["Ann"], migrates);
    lobby.happens(joined(member("Ben")), joined(knower("Cid")));
    expect(lobby.happens(left("Ann"))).toEqual([
      "save",
      "lobby_peerDisconnect to Ben",
      "lobby_peerDisconnect to Cid",
      "lobby_hostChanged to Cid",
    ]);
  });
});

describe("a host that is away", () => {
  test("is host until its time is over, and then another is", () => {
    const lobby = lobbyOf(friends, { ...migrates, graceMs });
    lobby.happens(cut("Ann"));
    expect(lobby.state?.hostId).toBe("Ann");
    lobby.waits(graceMs);
    expect(lobby.happens(woken())).toEqual([
      "save",
      "lobby_peerDisconnect to Ben, Cid",
      "lobby_hostChanged to Ben, Cid",
      "lobby_closed to Ann, released",
    ]);
    expect(lobby.happens(returned("Ann"))).toEqual(["answer no_such_member"]);
  });
});

describe("during a mediation of a star", () => {
  test.each([gathering, connecting])("a host that leaves ends it, and another leads", (lobbyIn) => {
    const lobby = lobbyIn(friends, { ...migrates, goesOn: true });
    const lines = lobby.happens(left("Ann"));
    expect(lines).toContain("ptpMediation_aborted to Ben, Cid");
    expect(lines.at(-1)).toBe("lobby_hostChanged to Ben, Cid");
    expect(phaseOf(lobby)).toBe("waiting");
    expect(lobby.happens(started("Ben", { term: 2 }))).toContain("ptpMediation_send to Ben, Cid");
  });

  test("the host cannot hand over", () => {
    const lobby = connecting(friends, migrates);
    expect(lobby.happens(handedOver("Ben"))).toEqual(["answer lobby_locked"]);
  });
});

test("a mesh that goes on without its host may be connected by that, and then the lobby is over", () => {
  const options = { onHostLoss: "migrate", topology: "mesh" } as const;
  const lobby = connecting(friends, { isPublic: true, knows: true, goesOn: true, options });
  lobby.happens(reported("Ben"), reported("Cid"));
  expect(lobby.happens(left("Ann"))).toEqual([
    "save",
    "unlist",
    "lobby_peerDisconnect to Ben, Cid",
    "ptpMediation_success to Ben, Cid",
    "lobby_closed to Ben, Cid, released",
    "forget",
  ]);
});

describe("while people play", () => {
  const options = { onHostLoss: "migrate" } as const;

  test("a new host of a star is introduced to nobody until it starts", () => {
    const lobby = playing(friends, { options });
    lobby.happens(left("Ann"));
    expect(whoPlays(lobby).playing).toEqual([]);
    lobby.happens(joined(knower("Dan")));
    expect(phaseOf(lobby)).toBe("waiting");
    expect(lobby.happens(started("Ben"))).toContain("ptpMediation_send to Ben, Cid, Dan");
  });

  test("a mesh plays on, and newcomers are connected to it", () => {
    const lobby = playing(friends, { options: { ...options, topology: "mesh" } });
    lobby.happens(left("Ann"));
    expect(whoPlays(lobby).playing).toEqual(["Ben", "Cid"]);
    lobby.happens(joined(knower("Dan")));
    expect(lobby.waits(1).happens(woken())).toContain("ptpMediation_send to Ben, Cid, Dan");
  });

  test("a host of a star that hands over ends what was to connect newcomers to it", () => {
    const lobby = playing(friends, { options });
    lobby.happens(joined(knower("Dan")));
    lobby.passes(1);
    expect(phaseOf(lobby)).toBe("gathering");
    expect(lobby.happens(handedOver("Ben"))).toEqual([
      "save",
      "ptpMediation_aborted to Ann, Dan",
      "lobby_hostChanged to Ann, Ben, Cid, Dan",
      "answer yes",
    ]);
    expect(whoPlays(lobby)).toEqual({ playing: [], waiting: [] });
  });

  test("a host of a mesh that hands over disturbs nobody", () => {
    const lobby = playing(friends, { options: { topology: "mesh" } });
    lobby.happens(joined(knower("Dan")), handedOver("Ben"));
    expect(phaseOf(lobby)).toBe("gathering");
    lobby.happens(...[...friends, "Dan"].map((name, i) => seen(name, 5 + i)));
    lobby.happens(...[...friends, "Dan"].map(reported));
    expect(whoPlays(lobby).playing).toEqual(["Ann", "Ben", "Cid", "Dan"]);
  });
});

test("a host cannot hand over to a plain Orion client, and stays host", () => {
  const lobby = lobbyOf(["Ann"], { isPublic: false, knows: true });
  lobby.happens(joined(member("Ben")));
  expect(lobby.happens(handedOver("Ben"))).toEqual(["answer cannot_lead"]);
  expect(lobby.state?.hostId).toBe("Ann");
});

describe("a host that has handed over", () => {
  const afterwards = () => {
    const lobby = lobbyOf(friends, { isPublic: false, knows: true });
    expect(lobby.happens(handedOver("Ben"))).toEqual([
      "save",
      "lobby_hostChanged to Ann, Ben, Cid",
      "answer yes",
    ]);
    return lobby;
  };

  test("is a guest: what it asks for in its old term is refused as old", () => {
    const lobby = afterwards();
    expect(lobby.happens(started("Ann", { term: 1, requestId: "late" }))).toEqual(["answer old_term"]);
    expect(lobby.happens(changed({ locked: true }, { term: 1 }))).toEqual(["answer old_term"]);
    expect(lobby.happens({ ...steered("stop"), term: 1 })).toEqual(["answer old_term"]);
    expect(lobby.happens(started("Ann", { requestId: "late" }))).toEqual(["answer not_the_host"]);
    expect(lobby.happens(left("Ann"))).toEqual(["save", "lobby_peerDisconnect to Ben, Cid"]);
  });

  test("is answered again when its answer was lost, and hands over once", () => {
    const lobby = afterwards();
    const before = lobby.state;
    expect(lobby.happens(handedOver("Ben"))).toEqual(["answer yes"]);
    expect(lobby.state).toBe(before);
  });

  test("leaves a lobby that outlives its socket", () => {
    // All are in its own object.
    const lobby = lobbyOf(["Ann", "Dan"], { isPublic: false, knows: true }).waits(24 * 3_600_000);
    expect(lobby.state?.isLasting).toBe(false);
    lobby.happens(handedOver("Dan"));
    expect(lobby.state?.isLasting).toBe(true);
    // Not due at once, however long it was kept in a socket.
    expect(lobby.happens(woken())).toEqual([]);
  });
});

test("a join that is answered again names the host, though that came later", () => {
  const lobby = lobbyOf(friends, { isPublic: false, knows: true });
  lobby.happens(handedOver("Cid"), joined(knower("Ben")));
  expect(answerOf(lobby)).toMatchObject({ value: { host: "Cid", lobbyMembers: ["Ann", "Ben"] } });
});
