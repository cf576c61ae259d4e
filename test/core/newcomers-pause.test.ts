/** Somebody joins while others play, and no sidecar is there that could see them. */
import { expect, test } from "vitest";
import { wakeAt } from "../../core/lobby/deadlines.ts";
import type { LobbyEvent } from "../../core/lobby/event.ts";
import { keptLobby, readKeptLobby } from "../../core/lobby/kept.ts";
import { lobbyLimits } from "../../core/lobby/limits.ts";
import {
  cut,
  joined,
  knower,
  type Lobby,
  left,
  lobbyId,
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
const star = { maxMembers: 8, graceMs: 60_000 };
const send = "ptpMediation_send";
const { newcomerIntervalMs, newcomerGatheringMs, newcomerPauseGrowth } = lobbyLimits;
const hour = 3_600_000;

/** The alarm comes, and no sidecar is alive. */
const alone: LobbyEvent = { kind: "deadline-passed" };

function nextAlarm(lobby: Lobby): Lobby {
  if (!lobby.state) throw new Error("no lobby");
  lobby.now = wakeAt(lobby.state);
  return lobby;
}

/** Ann, Ben and Cid play, Dan has come, and there was no sidecar for him. */
function danWaits(): Lobby {
  const lobby = playing(friends, star);
  lobby.happens(joined(knower("Dan")));
  expect(nextAlarm(lobby).happens(alone)).toEqual(["save"]);
  expect(phaseOf(lobby)).toBe("waiting");
  expect(whoPlays(lobby)).toEqual({ playing: [...friends], waiting: ["Dan"] });
  return lobby;
}

/** From the alarm on that finds a sidecar, until those who wait are connected. */
function getConnected(lobby: Lobby, ...names: string[]): void {
  lobby.happens(woken());
  expect(lobby.waits(1).happens(woken())).toContain(`${send} to Ann, ${names.join(", ")}`);
  lobby.happens(...["Ann", ...names].map((name, i) => seen(name, 2001 + i)));
  lobby.happens(...["Ann", ...names].map(reported));
  expect(whoPlays(lobby)).toEqual({ playing: [...friends, ...names], waiting: [] });
}

test("a newcomer waits for a sidecar, and is connected when one is back", () => {
  const lobby = danWaits();
  for (let tries = 0; tries < 20; tries++) {
    const told = nextAlarm(lobby)
      .happens(alone)
      .filter((line) => line.startsWith("ptp"));
    expect(told).toEqual([]);
  }
  getConnected(nextAlarm(lobby), "Dan");
  expect(lobby.state?.newcomersPause).toBeUndefined();
});

test("each pause is a quarter longer: 26 tries in the first hour, and 14 more in a day", () => {
  const lobby = danWaits();
  const began = lobby.now;
  const tries: number[] = [0];
  while (lobby.now < began + 24 * hour) {
    nextAlarm(lobby).happens(alone);
    const { until = 0, ms = 0 } = lobby.state?.newcomersPause ?? {};
    if (until === lobby.now + ms) tries.push(lobby.now - began);
  }
  expect(tries[1]).toBe(newcomerIntervalMs);
  expect((tries[2] ?? 0) - newcomerIntervalMs).toBe(newcomerIntervalMs * newcomerPauseGrowth);
  expect(tries.filter((at) => at < hour)).toHaveLength(26);
  expect(tries.filter((at) => at < 24 * hour)).toHaveLength(40);
});

test("another newcomer brings the next try at once, for both", () => {
  const lobby = danWaits();
  nextAlarm(lobby).happens(alone);
  lobby.happens(joined(knower("Eve")));
  expect(phaseOf(lobby)).toBe("gathering");
  expect(lobby.waits(1).happens(woken())).toContain(`${send} to Ann, Dan, Eve`);
});

test("the host's start takes in who waits, and nobody waits any more", () => {
  const lobby = danWaits();
  lobby.happens(started("Ann", { requestId: "round 2" }));
  expect(lobby.state?.newcomers).toBeUndefined();
  expect(lobby.state?.newcomersPause).toBeUndefined();
});

test("a restart of the object ends no pause", () => {
  const lobby = danWaits();
  lobby.state = lobby.state && readKeptLobby(structuredClone(keptLobby(lobby.state)), lobbyId);
  getConnected(nextAlarm(lobby), "Dan");
});

test("when the newcomer has left, or its peer is away, the lobby looks once more, and then no more", () => {
  for (const happening of [left("Dan"), cut("Ann")]) {
    const lobby = danWaits();
    lobby.happens(happening);
    expect(nextAlarm(lobby).happens(woken())).toEqual(["save"]);
    expect(lobby.state?.newcomersPause).toBeUndefined();
    expect(phaseOf(lobby)).toBe("waiting");
  }
});

test("a newcomer whose peer is back is tried at once", () => {
  const lobby = danWaits();
  lobby.happens(cut("Ann"));
  nextAlarm(lobby).happens(woken());
  lobby.happens(returned("Ann"));
  expect(phaseOf(lobby)).toBe("gathering");
});

test("when the sidecar dies that all were sent to, nobody is seen, and the newcomer waits for another", () => {
  const lobby = playing(friends, star);
  lobby.happens(joined(knower("Dan")));
  expect(nextAlarm(lobby).happens(woken())).toContain(`${send} to Ann, Dan`);
  lobby.passes(newcomerGatheringMs);
  expect(phaseOf(lobby)).toBe("waiting");
  expect(whoPlays(lobby).waiting).toEqual(["Dan"]);
  // The next pause is longer, although there seems to be a sidecar.
  const { ms = 0 } = lobby.state?.newcomersPause ?? {};
  lobby.passes(ms + newcomerGatheringMs);
  expect(lobby.state?.newcomersPause?.ms).toBe(ms * newcomerPauseGrowth);
  getConnected(nextAlarm(lobby), "Dan");
});

test("a newcomer who is the only one not seen waits for the next start, as before", () => {
  const lobby = playing(friends, star);
  lobby.happens(joined(knower("Dan")));
  nextAlarm(lobby).happens(woken());
  lobby.happens(seen("Ann", 2001));
  lobby.passes(newcomerGatheringMs);
  expect(phaseOf(lobby)).toBe("waiting");
  expect(whoPlays(lobby).waiting).toEqual([]);
  expect(lobby.state?.newcomersPause).toBeUndefined();
});

test("a pause is as long as it was when the clock is set back", () => {
  const lobby = danWaits().waits(-hour);
  expect(lobby.happens(alone)).toEqual(["save"]);
  expect(lobby.state && wakeAt(lobby.state)).toBe(lobby.now + newcomerIntervalMs);
});
