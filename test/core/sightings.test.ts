/** Somebody has read a player's datagram, and sends it from elsewhere. */
import { expect, test } from "vitest";
import { readKeptLobby } from "../../core/lobby/kept.ts";
import { lasting } from "../../core/lobby/lasting.ts";
import { lobbyLimits } from "../../core/lobby/limits.ts";
import type { Observed } from "../../core/mapping.ts";
import {
  gathering,
  heard,
  joined,
  type Lobby,
  lobbyId,
  lobbyOf,
  member,
  phaseOf,
  seen,
  started,
} from "./a-lobby.ts";

const home = "203.0.113.7";
const other = "203.0.113.8";
const thief = "198.51.100.66";
const six = "2001:db8:7::7";

/** Ben's datagram, from this address. `isAtSocket`: whether his WebSocket is there. */
function from(ip: string, isAtSocket?: boolean, more: Partial<Observed> = {}) {
  return {
    kind: "endpoint-seen",
    clientId: "Ben",
    observed: { endpoint: { ip, port: 7 }, ...more },
    isAtSocket,
  } as const;
}

/** Where Ann, the host, is sent when all are seen. */
function sentTo(lobby: Lobby): unknown {
  lobby.happens(seen("Ann", 1001));
  // What was seen before a sleep is asked for again, for a while.
  if (phaseOf(lobby) === "gathering") lobby.passes(lobbyLimits.confirmMs);
  const [told] = heard(lobby, "Ann", "ptpMediation_peersConnection_start");
  return Object(told).peers?.[0]?.ip;
}

/** The same after these datagrams of Ben's. */
function after(...datagrams: readonly ReturnType<typeof from>[]): unknown {
  const lobby = gathering(["Ann", "Ben"]);
  lobby.happens(...datagrams);
  return sentTo(lobby);
}

test("a thief's datagram does not move a player who was seen at the address of its WebSocket", () => {
  expect(after(from(home, true), from(thief, false))).toBe(home);
  expect(after(from(home, true), from(thief))).toBe(home);
});

test("a player that is seen at the address of its WebSocket takes back what a thief took", () => {
  expect(after(from(thief, false), from(home, true))).toBe(home);
  expect(after(from(thief), from(other), from(home, true))).toBe(home);
});

test("where the addresses cannot be compared, or never agree, a player's changes once in a mediation", () => {
  for (const isAtSocket of [undefined, false]) {
    expect(after(from(home, isAtSocket), from(other, isAtSocket))).toBe(other);
    expect(after(from(home, isAtSocket), from(other, isAtSocket), from(thief, isAtSocket))).toBe(other);
  }
});

test("a player's port changes as often as its router likes, and an IPv6 address within its network", () => {
  const lobby = gathering(["Ann", "Ben"]);
  for (let port = 1; port < 9; port++)
    lobby.happens({ ...from(home), observed: { endpoint: { ip: home, port } } });
  lobby.happens(seen("Ann", 1));
  expect(heard(lobby, "Ann", "ptpMediation_peersConnection_start")).toEqual([
    { peers: [{ ip: home, port: 8 }] },
  ]);
  expect(after(from(six), from("2001:db8:7::8"), from("2001:db8:7::9"), from(six))).toBe(six);
});

test("what one mediation has seen counts for nothing in the next", () => {
  const lobby = gathering(["Ann", "Ben"]);
  lobby.happens(from(home), from(other), { kind: "stop", clientId: "Ann", requestId: "enough" });
  lobby.happens(started("Ann", { requestId: "again" }), from(home), from(thief));
  expect(sentTo(lobby)).toBe(thief);
});

test("a thief's datagram does not move a player who has proved its endpoint, nor does a proof with a stolen token", () => {
  const lobbyWith = (features: readonly ("links" | "pings")[]) => {
    const lobby = lobbyOf(["Ann"]);
    lobby.happens(joined({ ...member("Ben"), features }), started("Ann"));
    return lobby;
  };
  // A client that knows links never sends its token over UDP.
  const modern = lobbyWith(["links"]);
  modern.happens(from(home, false, { proven: true }), from(thief, true), from(thief));
  expect(sentTo(modern)).toBe(home);
  const roaming = lobbyWith(["links"]);
  roaming.happens(from(home, true, { proven: true }), from(other, false, { proven: true }));
  expect(sentTo(roaming)).toBe(other);
  const plain = lobbyWith([]);
  plain.happens(from(home, true), from(thief, false, { proven: true }));
  expect(sentTo(plain)).toBe(home);
});

test("a sleep in between helps no thief", () => {
  const lobby = gathering(["Ann", "Ben"]);
  lobby.happens(from(home, true));
  const slept = () => {
    if (lobby.state) lobby.state = readKeptLobby(structuredClone(lasting(lobby.state)), lobbyId);
  };
  slept();
  lobby.happens(from(thief));
  expect(sentTo(lobby)).toBe(home);
  const moved = gathering(["Ann", "Ben"]);
  moved.happens(from(home), from(other));
  if (moved.state) moved.state = readKeptLobby(structuredClone(lasting(moved.state)), lobbyId);
  moved.happens(from(thief), from(other));
  expect(sentTo(moved)).toBe(other);
});
