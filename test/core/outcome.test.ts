/** How mediations end, as an operator counts them. */
import { describe, expect, test } from "vitest";
import { inspected } from "../../core/lobby/inspection.ts";
import { explainedBy, nothingExplained, type Outcome, outcomesOf } from "../../core/lobby/outcome.ts";
import type { ConnectionReport } from "../../core/wire/client-message.ts";
import {
  connecting,
  cut,
  ended,
  failed,
  gathering,
  type Happening,
  type Lobby,
  left,
  lobbyOf,
  playing,
  removed,
  reported,
  steered,
  woken,
} from "./a-lobby.ts";

const friends = ["Ann", "Ben", "Cid"] as const;
type Peer = ConnectionReport["peers"][number];

/** Says how it is connected. */
const via = (
  clientId: string,
  ...peers: [who: string, path: Peer["path"], cause?: Peer["cause"]][]
): Happening => ({
  kind: "connection-reported",
  clientId,
  connected: peers.every(([, path]) => path !== null),
  report: {
    cause: null,
    peers: peers.map(([who, path, cause = null]) => ({ clientId: who, path, cause })),
  },
});

/** All outcomes of what happens. */
function outcomes(lobby: Lobby, ...happenings: Happening[]): Outcome[] {
  let explained = nothingExplained;
  return happenings.flatMap((happening) => {
    const before = lobby.state;
    lobby.happens(happening);
    explained = explainedBy(explained, happening);
    return outcomesOf(before, happening, lobby.state, explained, lobby.now);
  });
}

const rows: [what: string, lobby: () => Lobby, happenings: Happening[], outcomes: Outcome[]][] = [
  [
    "players who do not say how they are connected",
    () => connecting(friends),
    [reported("Ann"), reported("Ben"), reported("Cid")],
    [{ kind: "unsaid", why: [], leftOut: 0 }],
  ],
  [
    "direct paths, within a network too",
    () => connecting(["Ann", "Ben"]),
    [via("Ann", ["Ben", "direct"]), via("Ben", ["Ann", "lan"])],
    [{ kind: "direct", why: [], leftOut: 0 }],
  ],
  [
    "one path that needs a relay",
    () => connecting(friends),
    [
      via("Ann", ["Ben", "direct"], ["Cid", "relay", "both-endpoint-dependent"]),
      via("Ben", ["Ann", "direct"]),
      via("Cid", ["Ann", "relay", "both-endpoint-dependent"]),
    ],
    [{ kind: "relayed", why: ["both-endpoint-dependent"], leftOut: 0 }],
  ],
  [
    "a relay over WebSocket",
    () => connecting(["Ann", "Ben"]),
    [via("Ann", ["Ben", "websocket", "no-udp"]), via("Ben", ["Ann", "websocket", "no-udp"])],
    [{ kind: "relayed", why: ["no-udp"], leftOut: 0 }],
  ],
  [
    "a pair that is not connected",
    () => connecting(friends),
    [failed("Ben", "Ann")],
    [{ kind: "failed", why: ["no-packets-received"], leftOut: 0 }],
  ],
  [
    "a player without UDP",
    () => connecting(friends),
    [failed("Ben")],
    [{ kind: "failed", why: ["udp-blocked"], leftOut: 0 }],
  ],
  [
    "a lobby that goes on without one",
    () => connecting(friends, { goesOn: true }),
    [failed("Cid", "Ann"), via("Ann", ["Ben", "direct"]), via("Ben", ["Ann", "direct"])],
    [{ kind: "direct", why: [], leftOut: 0 }],
  ],
  [
    "the host stops",
    () => gathering(friends),
    [steered("stop")],
    [{ kind: "failed", why: ["stopped"], leftOut: 0 }],
  ],
  [
    "a guest leaves",
    () => gathering(friends),
    [left("Ben")],
    [{ kind: "failed", why: ["member_left"], leftOut: 0 }],
  ],
  [
    "the host leaves",
    () => connecting(friends),
    [left("Ann")],
    [{ kind: "failed", why: ["member_left"], leftOut: 0 }],
  ],
  [
    "the operator ends it",
    () => connecting(friends),
    [ended],
    [{ kind: "failed", why: ["stopped"], leftOut: 0 }],
  ],
  ["a lobby that only waits", () => lobbyOf(friends), [left("Ben"), left("Ann")], []],
  ["an alarm", () => gathering(friends), [woken()], []],
];

describe("how a mediation ended, of", () => {
  for (const [what, lobby, happenings, expected] of rows)
    test(what, () => expect(outcomes(lobby(), ...happenings)).toEqual(expected));
});

describe("an operator who looks into a lobby", () => {
  test("sees who is there, and who is away", () => {
    const lobby = lobbyOf(friends, { graceMs: 60_000, knows: true });
    lobby.happens(cut("Ben"));
    const { members, phase, maxMembers } = inspected(lobby.state ?? fail());
    expect([phase, maxMembers]).toEqual(["waiting", 4]);
    expect(members.map(({ name, isHost, presence }) => [name, isHost, presence.kind])).toEqual([
      ["Ann", true, "connected"],
      ["Ben", false, "away"],
      ["Cid", false, "connected"],
    ]);
  });

  test("sees by what players are connected", () => {
    const lobby = connecting(["Ann", "Ben"]);
    lobby.happens(via("Ben", ["Ann", "relay", "udp-blocked"]));
    expect(inspected(lobby.state ?? fail()).members.map(({ path }) => path)).toEqual([null, "relay"]);
    const session = playing(["Ann", "Ben"]);
    expect(inspected(session.state ?? fail()).members.map(({ path }) => path)).not.toContain(null);
  });

  test("sees no code, no incarnation, no request, no password and no network", () => {
    const lobby = lobbyOf(friends, { options: { password: { salt: "salty", hash: "hashed" } } });
    const text = JSON.stringify(inspected(lobby.state ?? fail()));
    const { lobbyId = "", incarnation = "", members = [] } = lobby.state ?? {};
    for (const secret of [
      lobbyId,
      incarnation,
      "salty",
      "hashed",
      ...members.map(({ requestId }) => requestId),
    ])
      expect(text).not.toContain(secret);
  });

  test("removes the host, and another member leads", () => {
    const lobby = lobbyOf(friends, { knows: true, options: { onHostLoss: "migrate" } });
    lobby.happens(removed("Ann", { ban: true }));
    const { hostId, bans } = lobby.state ?? fail();
    expect([hostId, bans?.map(({ name }) => name)]).toEqual(["Ben", ["Ann"]]);
  });
});

function fail(): never {
  throw new Error("there is no lobby");
}
