/** Members whose object does not answer: they count as away, and their connections may live. */
import { describe, expect, test } from "vitest";
import { wakeAt } from "../../core/lobby/deadlines.ts";
import { keptLobby, readKeptLobby } from "../../core/lobby/kept.ts";
import { lobbyLimits } from "../../core/lobby/limits.ts";
import {
  cut,
  heardOf,
  joined,
  type Lobby,
  lobbyId,
  lobbyOf,
  lost,
  member,
  outOfReach,
  returned,
  said,
  woken,
} from "./a-lobby.ts";

const graceMs = 60_000;
const { letGoMs } = lobbyLimits;
const friends = ["Ann", "Ben", "Cid"] as const;

/** Ben's object has not answered just now. */
function withoutBen(): Lobby {
  const lobby = lobbyOf(friends, { graceMs, isPublic: false, knows: true });
  expect(lobby.happens(outOfReach("Ben"))).toEqual(["save", "lobby_memberAway to Ann, Cid"]);
  return lobby;
}

/** Until when each member that is away may return, in milliseconds from now. */
function timeLeft({ state, now }: Lobby): Record<string, number> {
  return Object.fromEntries(state?.away.map(({ clientId, until }) => [clientId, until - now]) ?? []);
}

describe("a member whose object does not answer", () => {
  test("is let go as soon as it is heard, and has all its time from then on", () => {
    const lobby = withoutBen().waits(2_000);
    expect(lobby.happens(said("Ben", "Is anybody there?"))).toEqual(["lobby_messaging_received to Ann, Cid"]);
    expect(lobby.happens(heardOf("Ben"))).toEqual(["save", "let-go Ben"]);
    expect(timeLeft(lobby)).toEqual({ Ben: graceMs });
    lobby.waits(100);
    expect(lobby.happens(cut("Ben"))).toEqual(["save"]);
    expect(timeLeft(lobby)).toEqual({ Ben: graceMs });
    expect(lobby.happens(returned("Ben"))).toEqual(["save", "lobby_memberBack to Ann, Cid", "answer yes"]);
  });

  test("is let go again and again if it says nothing, in pauses that grow, until its time is over", () => {
    const lobby = withoutBen();
    const began = lobby.now;
    const times: number[] = [];
    while (lobby.state?.away.length) {
      lobby.now = wakeAt(lobby.state);
      if (lobby.happens(woken()).includes("let-go Ben")) times.push(lobby.now - began);
    }
    expect(times).toEqual([letGoMs, 3 * letGoMs, 7 * letGoMs]);
    expect(lobby.now - began).toBe(graceMs);
  });

  test("is told no more when its connection has ended, and has its time from then on", () => {
    const lobby = withoutBen().waits(letGoMs);
    lobby.happens(woken());
    lobby.waits(100).happens(cut("Ben"));
    expect(timeLeft(lobby)).toEqual({ Ben: graceMs });
    // What is said late by its object is nothing new.
    const before = lobby.state;
    expect(lobby.waits(100).happens(heardOf("Ben"), cut("Ben"), lost("Ben"))).toEqual([]);
    expect(lobby.state).toBe(before);
    expect(lobby.state && wakeAt(lobby.state)).toBe(lobby.now - 100 + graceMs);
  });

  test("is let go after a restart of the lobby's object, too", () => {
    const lobby = withoutBen();
    lobby.state = lobby.state && readKeptLobby(structuredClone(keptLobby(lobby.state)), lobbyId);
    expect(lobby.waits(letGoMs).happens(woken())).toContain("let-go Ben");
  });

  test("is not let go when it is back", () => {
    const lobby = withoutBen();
    lobby.happens(returned("Ben"));
    expect(lobby.happens(heardOf("Ben"))).toEqual([]);
    expect(lobby.waits(letGoMs).happens(woken())).toEqual([]);
  });

  test("is let go a pause after the clock was set back, not hours later", () => {
    const lobby = withoutBen().waits(-3_600_000);
    expect(lobby.happens(woken())).toEqual(["save"]);
    expect(lobby.waits(letGoMs).happens(woken())).toContain("let-go Ben");
  });
});

test("a member whose connection has ended is not let go: there is nothing to close", () => {
  const lobby = lobbyOf(friends, { graceMs, isPublic: false, knows: true });
  lobby.happens(cut("Ben"), lost("Cid"));
  expect(lobby.waits(letGoMs).happens(heardOf("Ben"), heardOf("Cid"), woken())).toEqual([]);
});

test("a plain Orion client whose object does not answer has left", () => {
  const lobby = lobbyOf(["Ann"], { graceMs, isPublic: false, knows: true });
  lobby.happens(joined(member("Ben")));
  expect(lobby.happens(outOfReach("Ben"))).toEqual([
    "save",
    "lobby_peerDisconnect to Ann",
    "lobby_closed to Ben, released",
  ]);
});
