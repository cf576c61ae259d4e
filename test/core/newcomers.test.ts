/** Friends join while others play. They are connected to those, and nobody else notices. */
import { describe, expect, test } from "vitest";
import { keptLobby, readKeptLobby } from "../../core/lobby/kept.ts";
import { lifeLines } from "../../core/lobby/life.ts";
import { lobbyLimits } from "../../core/lobby/limits.ts";
import { type LobbyState, mediationId } from "../../core/lobby/state.ts";
import {
  connecting,
  cut,
  endpoint,
  failed,
  type Happening,
  heard,
  joined,
  knower,
  type Lobby,
  left,
  lobbyId,
  lobbyOf,
  lost,
  phaseOf,
  playing,
  reachedOnly,
  reported,
  returned,
  seen,
  started,
  steered,
  takenBy,
  timing,
  whoPlays,
  woken,
} from "./a-lobby.ts";

const friends = ["Ann", "Ben", "Cid"] as const;
const star = { maxMembers: 8 };
const mesh = { maxMembers: 8, options: { topology: "mesh" } } as const;
const start = "ptpMediation_peersConnection_start";
const send = "ptpMediation_send";
const { newcomerGatheringMs, newcomerConnectingMs } = lobbyLimits;

/** The alarm that asks for datagrams comes, and then all of these are seen, at ports 2001, 2002 and so on. */
function meet(lobby: Lobby, ...names: string[]): string[] {
  lobby.waits(1).happens(woken());
  return lobby.happens(...names.map((name, i) => seen(name, 2001 + i)));
}

/** What members call the mediation under way. */
function startedBy({ state }: Lobby): string {
  const phase = state?.phase;
  return phase?.kind === "gathering" ? mediationId(phase) : "";
}

describe("a lobby that stays", () => {
  test("asks those who play once for each newcomer, and a newcomer who stays silent again", () => {
    const lobby = playing(friends, { ...mesh, knows: true });
    lobby.happens(joined(knower("Dan")));
    const asked = lobby.waits(1).happens(woken());
    expect(asked).toEqual(["save", `${send} to Ann, Ben, Cid, Dan`, "ptpMediation_progress to Dan"]);
    lobby.happens(...friends.map((name, i) => seen(name, 2001 + i)));
    const again = lobby.waits(lobbyLimits.newcomerIntervalMs).happens(woken());
    expect(again).toEqual(["save", `${send} to Dan`, "ptpMediation_progress to Dan"]);
  });

  test("is open for newcomers when its players are connected, and says who plays", () => {
    const lobby = playing(friends, star);
    expect(phaseOf(lobby)).toBe("waiting");
    expect(whoPlays(lobby)).toEqual({ playing: [...friends], waiting: [] });
  });

  test("lets others join while its players connect: they are next", () => {
    const lobby = connecting(friends, {
      ...star,
      isPublic: false,
      knows: true,
      options: { lifetime: "session" },
    });
    expect(lobby.happens(joined(knower("Dan"))).at(-1)).toBe("answer yes");
    expect(whoPlays(lobby)).toEqual({ playing: [], waiting: ["Dan"] });
    lobby.happens(...friends.map(reported));
    expect(lobby.state?.phase).toMatchObject({ kind: "gathering", policy: { newcomers: ["Dan"] } });
  });

  test("has nobody to connect a newcomer to before its first start", () => {
    const lobby = lobbyOf(friends, { ...star, knows: true, options: { lifetime: "session" } });
    lobby.happens(joined(knower("Dan")));
    expect(phaseOf(lobby)).toBe("waiting");
    expect(lobby.happens(started("Ann"))).toContain(`${send} to Ann, Ben, Cid, Dan`);
  });

  test("one that is over when its players are connected has no newcomers", () => {
    const lobby = connecting(friends, { ...star, isPublic: false });
    expect(lobby.happens(joined("Dan"))).toEqual(["answer lobby_locked"]);
  });
});

describe("a newcomer of a star", () => {
  test("is connected to the host, and the others hear no more than that it came", () => {
    const lobby = playing(friends, star);
    expect(lobby.happens(joined(knower("Dan")))).toEqual([
      "save",
      "lobby_peerConnect to Ann, Ben, Cid",
      "answer yes",
    ]);
    expect(lobby.waits(1).happens(woken())).toContain(`${send} to Ann, Dan`);
    const lines = lobby.happens(seen("Ann", 2001), seen("Dan", 2004));
    expect(lines).toContain(`${start} to Ann`);
    expect(heard(lobby, "Dan", start)).toEqual([{ peers: [endpoint(2001)] }]);
    expect(heard(lobby, "Ann", start)).toEqual([{ peers: [endpoint(2004)] }]);
    expect(lobby.happens(reported("Dan"), reported("Ann"))).toEqual([
      "save",
      "save",
      "ptpMediation_success to Ann, Dan",
    ]);
    expect(whoPlays(lobby)).toEqual({ playing: ["Ann", "Ben", "Cid", "Dan"], waiting: [] });
  });

  test("waits for the next when another one is being connected, and both come in", () => {
    const lobby = playing(friends, star);
    lobby.happens(joined(knower("Dan")), joined(knower("Eve")), joined(knower("Gil")));
    expect(whoPlays(lobby).waiting).toEqual(["Eve", "Gil"]);
    meet(lobby, "Ann", "Dan");
    lobby.happens(reported("Ann"), reported("Dan"));
    expect(lobby.state?.phase).toMatchObject({ kind: "gathering", policy: { newcomers: ["Eve", "Gil"] } });
    meet(lobby, "Ann", "Eve", "Gil");
    lobby.happens(reported("Ann"), reported("Eve"), reported("Gil"));
    expect(whoPlays(lobby).playing).toEqual(["Ann", "Ben", "Cid", "Dan", "Eve", "Gil"]);
  });

  test("that is not seen keeps nobody waiting for long, and the next start tries again", () => {
    const lobby = playing(friends, star);
    lobby.happens(joined(knower("Dan")));
    lobby.waits(1).happens(woken(), seen("Ann", 2001));
    lobby.passes(newcomerGatheringMs);
    expect(lobby.state?.phase).toEqual({ kind: "waiting", aborted: "endpoints_timeout" });
    expect(whoPlays(lobby)).toEqual({ playing: [...friends], waiting: [] });
    expect(lobby.happens(started("Ann", { requestId: "next" }))).toContain(`${send} to Ann, Ben, Cid, Dan`);
  });

  test("that does not connect is charged with nothing: it has kept nobody from playing", () => {
    const lobby = playing(friends, star);
    for (let i = 0; i < lobbyLimits.callOffs; i++) {
      lobby.happens(joined(knower("Dan", { requestId: `try ${i}` })));
      meet(lobby, "Ann", "Dan");
      lobby.passes(newcomerConnectingMs);
      expect(lobby.state?.phase).toMatchObject({ aborted: "connecting_timeout" });
      lobby.happens(left("Dan"));
    }
    expect(lobby.state?.callOffs).toBeUndefined();
  });

  test("that leaves ends it for the host alone", () => {
    const lobby = playing(friends, star);
    lobby.happens(joined(knower("Dan")));
    meet(lobby, "Ann", "Dan");
    expect(lobby.happens(left("Dan"))).toEqual([
      "save",
      "lobby_peerDisconnect to Ann, Ben, Cid",
      "ptpMediation_aborted to Ann",
    ]);
    expect(whoPlays(lobby).playing).toEqual([...friends]);
  });

  test("waits for a host that is away, and is connected when that is back", () => {
    const lobby = playing(friends, { ...star, graceMs: 60_000 });
    lobby.happens(joined(knower("Dan")));
    lobby.waits(1).happens(woken(), seen("Dan", 2004), cut("Ann"));
    const first = startedBy(lobby);
    lobby.passes(newcomerGatheringMs);
    expect(lobby.state?.phase).toMatchObject({ kind: "waiting", aborted: "endpoints_timeout" });
    expect(whoPlays(lobby).waiting).toEqual(["Dan"]);
    lobby.happens(returned("Ann"));
    expect(lobby.state?.phase).toMatchObject({ kind: "gathering", policy: { newcomers: ["Dan"] } });
    // Another mediation: nothing that is said of the one before counts.
    expect(startedBy(lobby)).not.toBe(first);
  });

  test("waits for the next try when the host comes back without its links", () => {
    const lobby = playing(friends, { ...star, graceMs: 60_000 });
    lobby.happens(joined(knower("Dan")));
    meet(lobby, "Ann", "Dan");
    lobby.happens(cut("Ann"), returned("Ann", { reconnect: true }));
    const newcomers = expect.arrayContaining(["Ann", "Dan"]);
    expect(lobby.state?.phase).toMatchObject({ kind: "gathering", policy: { newcomers } });
    meet(lobby, "Ann", "Ben", "Cid", "Dan");
    lobby.happens(...[...friends, "Dan"].map(reported));
    expect(whoPlays(lobby).playing.toSorted()).toEqual(["Ann", "Ben", "Cid", "Dan"]);
  });
});

describe("newcomers of a mesh", () => {
  test("are connected to all who play, and to each other; those who play are not introduced again", () => {
    const lobby = playing(friends, mesh);
    lobby.happens(joined(knower("Dan")), joined(knower("Eve")), joined(knower("Gil")), left("Dan"));
    lobby.waits(1).happens(woken());
    lobby.happens(...[...friends, "Eve", "Gil"].map((name, i) => seen(name, 2001 + i)));
    const ports = (name: string) => heard(lobby, name, start).map(({ peers }) => peers);
    expect(ports("Eve")).toEqual([[2001, 2002, 2003, 2005].map(endpoint)]);
    expect(ports("Ann")).toEqual([[endpoint(2004), endpoint(2005)]]);
  });

  test("of whom one is not reached by a player: it is left out, and the player plays on", () => {
    const lobby = playing(friends, mesh);
    lobby.happens(joined(knower("Dan")), joined(knower("Eve")));
    meet(lobby, ...friends, "Dan");
    expect(lobby.happens(reachedOnly("Ben"))).toContain("ptpMediation_aborted to Ann, Ben, Cid, Dan");
    expect(whoPlays(lobby).playing).toEqual([...friends]);
    // Eve is next.
    expect(lobby.state?.phase).toMatchObject({ kind: "gathering", policy: { newcomers: ["Eve"] } });
  });

  test("do not begin anew when the host blames a player that is away, and was not to be connected", () => {
    const lobby = playing(friends, { ...mesh, graceMs: 60_000 });
    lobby.waits(lobbyLimits.presentMs).happens(cut("Cid"), joined(knower("Dan")));
    expect(lobby.state?.phase).toMatchObject({ policy: { members: ["Dan", "Ann", "Ben"] } });
    lobby.happens(failed("Ann", "Cid"));
    expect(lobby.state?.phase).toMatchObject({ kind: "waiting", aborted: "could_not_connect" });
    expect(whoPlays(lobby)).toEqual({ playing: [...friends], waiting: [] });
  });

  test("lose a player in the middle of it, and are connected to the rest", () => {
    const lobby = playing(friends, mesh);
    lobby.happens(joined(knower("Dan")));
    meet(lobby, ...friends, "Dan");
    lobby.happens(lost("Cid"), reported("Ann"), reported("Ben"));
    expect(lobby.happens(reported("Dan"))).toContain("ptpMediation_success to Ann, Ben, Dan");
    expect(whoPlays(lobby).playing).toEqual(["Ann", "Ben", "Dan"]);
  });
});

describe("the host, while newcomers are connected,", () => {
  const midway = () => {
    const lobby = playing(friends, star);
    lobby.happens(joined(knower("Dan")), joined(knower("Eve")));
    return lobby;
  };

  test("may start for all, those who wait too, and that takes its place", () => {
    const lobby = midway();
    const all = "Ann, Ben, Cid, Dan, Eve";
    expect(lobby.happens(started("Ann", { requestId: "round 2" }))).toEqual([
      "save",
      `${send} to ${all}`,
      "answer yes",
    ]);
    lobby.happens(...[...friends, "Dan", "Eve"].map((name, i) => seen(name, 3001 + i)));
    expect(lobby.happens(...[...friends, "Dan", "Eve"].map(reported)).at(-1)).toBe(
      `ptpMediation_success to ${all}`,
    );
    expect(whoPlays(lobby)).toEqual({ playing: [...friends, "Dan", "Eve"], waiting: [] });
  });

  test("may stop that, and then those who wait are next", () => {
    const lobby = midway();
    lobby.passes(1);
    expect(lobby.happens(steered("stop"))).toEqual([
      "save",
      "ptpMediation_aborted to Ann, Dan",
      "answer yes",
    ]);
    expect(lobby.state?.phase).toMatchObject({ kind: "gathering", policy: { newcomers: ["Eve"] } });
  });
});

test("a second round in which some are not connected: they play no more, until they are", () => {
  const lobby = playing(friends, { ...star, goesOn: true });
  lobby.happens(started("Ann", { requestId: "round 2" }), ...friends.map((name, i) => seen(name, 3001 + i)));
  lobby.happens(reported("Cid"), failed("Ben", "Ann"), reported("Ann"));
  expect(whoPlays(lobby)).toEqual({ playing: ["Cid", "Ann"], waiting: [] });
});

describe("a member that was not seen in time for the start", () => {
  const slowDan = () =>
    lobbyOf([...friends, "Dan"], {
      isPublic: false,
      knows: true,
      goesOn: true,
      graceMs: 60_000,
      options: { lifetime: "session" },
    });
  const starts = (lobby: Lobby, requestId: string) => {
    lobby.happens(started("Ann", { requestId }), ...friends.map((name, i) => seen(name, 1001 + i)));
    return lobby;
  };

  test("is connected as a newcomer, by itself, when the others are", () => {
    const lobby = starts(slowDan(), "go");
    expect(lobby.waits(lobbyLimits.stragglerMs).happens(woken())).toContain("ptpMediation_aborted to Dan");
    lobby.happens(...friends.map(reported));
    expect(whoPlays(lobby)).toEqual({ playing: [...friends], waiting: [] });
    expect(lobby.state?.phase).toMatchObject({ kind: "gathering", policy: { newcomers: ["Dan"] } });
    expect(lobby.waits(1).happens(woken())).toContain(`${send} to Ann, Dan`);
    lobby.happens(seen("Ann", 2001), seen("Dan", 2002), reported("Ann"), reported("Dan"));
    expect(whoPlays(lobby).playing).toEqual([...friends, "Dan"]);
  });

  test("is tried once more, and then waits for the next start", () => {
    const lobby = starts(slowDan(), "go");
    lobby.waits(lobbyLimits.stragglerMs).happens(woken(), ...friends.map(reported));
    lobby.waits(1).happens(woken(), seen("Ann", 2001));
    lobby.passes(newcomerGatheringMs);
    expect(phaseOf(lobby)).toBe("waiting");
    expect(whoPlays(lobby)).toEqual({ playing: [...friends], waiting: [] });
  });

  test("because it was away, is connected when it is back", () => {
    const lobby = slowDan();
    lobby.happens(cut("Dan"));
    starts(lobby, "go")
      .waits(lobbyLimits.stragglerMs)
      .happens(woken(), ...friends.map(reported));
    expect(whoPlays(lobby)).toEqual({ playing: [...friends], waiting: ["Dan"] });
    expect(phaseOf(lobby)).toBe("waiting");
    lobby.happens(returned("Dan"));
    expect(lobby.state?.phase).toMatchObject({ kind: "gathering", policy: { newcomers: ["Dan"] } });
  });

  test("is known after a restart of the object", () => {
    const lobby = starts(slowDan(), "go");
    lobby.waits(lobbyLimits.stragglerMs).happens(woken());
    lobby.state = lobby.state && readKeptLobby(structuredClone(keptLobby(lobby.state)), lobbyId);
    lobby.happens(...friends.map(reported));
    expect(lobby.state?.phase).toMatchObject({ kind: "gathering", policy: { newcomers: ["Dan"] } });
  });

  test("and leaves meanwhile, is nobody's newcomer", () => {
    const lobby = starts(slowDan(), "go");
    lobby.waits(lobbyLimits.stragglerMs).happens(woken(), left("Dan"), ...friends.map(reported));
    expect(whoPlays(lobby)).toEqual({ playing: [...friends], waiting: [] });
    expect(phaseOf(lobby)).toBe("waiting");
  });

  test("nor does one follow that could not be connected, or does not want to be", () => {
    const lobby = slowDan();
    lobby.happens(started("Ann"), failed("Dan"), ...friends.map((name, i) => seen(name, 1001 + i)));
    lobby.happens(reported("Ann"), reported("Ben"), failed("Cid", "Ann"));
    expect(whoPlays(lobby)).toEqual({ playing: ["Ann", "Ben"], waiting: [] });
    expect(phaseOf(lobby)).toBe("waiting");
  });

  test("in a second round: the log says that the others are connected, and who follows", () => {
    const lobby = slowDan();
    lobby.happens(started("Ann"), ...[...friends, "Dan"].map((name, i) => seen(name, 1001 + i)));
    lobby.happens(...[...friends, "Dan"].map(reported));
    starts(lobby, "round 2")
      .waits(lobbyLimits.stragglerMs)
      .happens(woken(), reported("Ann"), reported("Ben"));
    const before = lobby.state;
    lobby.happens(reported("Cid"));
    expect(lifeLines(before, reported("Cid"), lobby.state, lobby.now)).toMatchObject([
      { event: "members_connected", connected: 3, of: 4 },
      { event: "mediation_started", members: 2, newcomers: 1 },
    ]);
  });
});

test("one that says it is connected, and the host says is not, does not play", () => {
  const lobby = playing(friends, { ...star, goesOn: true });
  lobby.happens(started("Ann", { requestId: "round 2" }), ...friends.map((name, i) => seen(name, 3001 + i)));
  lobby.happens(reported("Cid"), reported("Ben"), reachedOnly("Ann", "Ben"));
  expect(whoPlays(lobby).playing.toSorted()).toEqual(["Ann", "Ben"]);
});

test("a second round that fails leaves those playing who played", () => {
  const lobby = playing(friends, star);
  lobby.happens(started("Ann", { requestId: "round 2" })).at(-1);
  lobby.passes(timing.ptpmServerConnectTimeoutMs);
  expect(phaseOf(lobby)).toBe("waiting");
  expect(whoPlays(lobby).playing).toEqual([...friends]);
});

test("newcomers are told in the log, when they begin and when they are in", () => {
  const lobby = playing(friends, star);
  const lines = (...happenings: Happening[]) =>
    happenings.flatMap((happening) => {
      const before: LobbyState | null = lobby.state;
      const { state } = takenBy(before, happening, lobby.now);
      lobby.state = state;
      return lifeLines(before, happening, state, lobby.now).map(({ lobbyId: _, ...line }) => line);
    });
  expect(lines(joined(knower("Dan")))).toEqual([
    { event: "member_joined", name: "Dan", members: 4 },
    { event: "mediation_started", members: 2, newcomers: 1 },
  ]);
  lines(joined(knower("Eve")), seen("Ann", 1), seen("Dan", 2), reported("Ann"));
  const via = { unknown: 2 };
  expect(lines(reported("Dan"))).toEqual([
    { event: "members_connected", connected: 2, of: 2, newcomers: 1, via, ms: 0 },
    { event: "mediation_started", members: 2, newcomers: 1 },
  ]);
  expect(lines(started("Ann", { requestId: "round 2" }))).toMatchObject([
    { event: "mediation_aborted", code: "stopped" },
    { event: "mediation_started", members: 5 },
  ]);
});

test("players hear nothing of a newcomer that leaves before anybody is asked", () => {
  const lobby = playing(friends, star);
  lobby.happens(joined(knower("Dan")));
  expect(lobby.happens(left("Dan")).filter((line) => line.includes("aborted"))).toEqual([]);
  lobby.happens(joined(knower("Eve")));
  lobby.passes(1);
  expect(lobby.happens(left("Eve")).filter((line) => line.includes("aborted"))).toEqual([
    "ptpMediation_aborted to Ann",
  ]);
});
