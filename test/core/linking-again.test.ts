/** Two players have lost their link, and both are still in the lobby: one of them asks, and the two are connected again. */
import { expect, test } from "vitest";
import { lobbyLimits } from "../../core/lobby/limits.ts";
import {
  cut,
  joined,
  knower,
  type Lobby,
  lobbyOfMembers,
  missing,
  phaseOf,
  playing,
  reported,
  seen,
  started,
  whoPlays,
  woken,
} from "./a-lobby.ts";

const friends = ["Ann", "Ben", "Cid"] as const;
const mesh = { maxMembers: 8, knows: true, options: { topology: "mesh" } } as const;
const star = { maxMembers: 8, knows: true } as const;
const send = "ptpMediation_send";
const start = "ptpMediation_peersConnection_start";

/** Who is asked for a datagram by the mediation that has begun, and what comes of it when all are seen. */
function meet(lobby: Lobby, ...names: string[]): string[] {
  return [
    ...lobby.waits(1).happens(woken()),
    ...lobby.happens(...names.map((name, i) => seen(name, 2001 + i))),
  ].filter((line) => line.startsWith(send) || line.startsWith(start));
}

test("a player of a mesh is connected again to the one that it misses, and to nobody else", () => {
  const lobby = playing(friends, mesh);
  expect(lobby.happens(missing("Ben", "Cid"))).toEqual(["save"]);
  expect(whoPlays(lobby)).toEqual({ playing: [...friends], waiting: [] });
  expect(meet(lobby, "Ben", "Cid")).toEqual([`${send} to Ben, Cid`, `${start} to Ben`, `${start} to Cid`]);
  expect(lobby.happens(reported("Ben"), reported("Cid")).at(-1)).toBe("ptpMediation_success to Ben, Cid");
  expect(phaseOf(lobby)).toBe("waiting");
  expect(whoPlays(lobby).playing.toSorted()).toEqual([...friends]);
});

test("in a star a guest is connected again to the host, and the host to a guest; two guests are not", () => {
  for (const [who, whom] of [
    ["Ben", "Ann"],
    ["Ann", "Ben"],
  ] as const) {
    const lobby = playing(friends, star);
    lobby.happens(missing(who, whom, "Cid"));
    const peers = who === "Ann" ? ["Ann", "Ben", "Cid"] : ["Ann", "Ben"];
    expect(meet(lobby, ...peers)[0]).toBe(`${send} to ${peers.join(", ")}`);
  }
  const lobby = playing(friends, star);
  expect(lobby.happens(missing("Ben", "Cid"))).toEqual([]);
});

test("nothing comes of it where nobody plays, of a stranger, of oneself, and of peers that are away", () => {
  const lobby = playing(friends, { ...mesh, graceMs: 60_000 });
  lobby.waits(lobbyLimits.presentMs);
  expect(lobby.happens(missing("Dan", "Ann"))).toEqual([]);
  expect(lobby.happens(missing("Ben", "Ben", "Dan"))).toEqual([]);
  expect(lobby.happens(missing("Ben"))).toEqual([]);
  lobby.happens(cut("Cid"));
  expect(lobby.happens(missing("Ben", "Cid"))).toEqual([]);
  expect(phaseOf(lobby)).toBe("waiting");
});

test("while the lobby connects others the wish is dropped: newcomers do not wait for it", () => {
  const lobby = playing(friends, mesh);
  lobby.happens(joined(knower("Dan")));
  const during = lobby.state;
  expect(lobby.happens(missing("Ben", "Cid"))).toEqual([]);
  expect(lobby.state).toBe(during);
});

test("the host's start ends it, and one that comes to nothing leaves the players as they were", () => {
  const lobby = playing(friends, mesh);
  lobby.happens(missing("Ben", "Cid"));
  expect(lobby.happens(started("Ann"))).toContain("answer yes");
  const other = playing(friends, mesh);
  other.happens(missing("Ben", "Cid"));
  const { newcomerGatheringMs, newcomerIntervalMs } = lobbyLimits;
  for (let waited = 0; waited <= newcomerGatheringMs; waited += newcomerIntervalMs)
    other.waits(newcomerIntervalMs).happens(woken(), seen("Ben", 2001));
  expect(phaseOf(other)).toBe("waiting");
  expect(whoPlays(other)).toEqual({ playing: [...friends], waiting: [] });
});

test("a network that asks too often is not heard for half a minute", () => {
  const ben = { ...knower("Ben"), network: "ben" };
  const lobby = lobbyOfMembers([knower("Ann"), ben, knower("Cid")], {
    options: { lifetime: "session", topology: "mesh" },
  });
  lobby.happens(started("Ann"), ...friends.map((name, i) => seen(name, 2001 + i)), ...friends.map(reported));
  expect(whoPlays(lobby).playing).toEqual([...friends]);
  let heard = 0;
  for (; heard < 100 && lobby.happens(missing("Ben", "Cid")).length > 0; heard += 1) {
    meet(lobby, "Ben", "Cid");
    lobby.happens(reported("Ben"), reported("Cid"));
  }
  expect(heard).toBe(lobbyLimits.returns);
  lobby.waits(lobbyLimits.returnSeconds * 1_000).happens(missing("Ben", "Cid"));
  expect(phaseOf(lobby)).toBe("gathering");
});
