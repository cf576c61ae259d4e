/** A lobby that goes on without the members a mediation loses (`onLoss: "continue"`), and one that does not. */
import { describe, expect, test } from "vitest";
import type { LobbyEvent } from "../../core/lobby/event.ts";
import { lobbyLimits } from "../../core/lobby/limits.ts";
import {
  connecting,
  endpoint,
  failed,
  gathering,
  heard,
  left,
  lobbyOf,
  lost,
  otherSidecar,
  phaseOf,
  reachedOnly,
  reported,
  seen,
  sidecar,
  silent,
  started,
  woken,
} from "./a-lobby.ts";

const friends = ["Ann", "Ben", "Cid"] as const;
const goesOn = { goesOn: true };

describe("while their endpoints are gathered", () => {
  test("a player who is not seen is left out a little after the others are", () => {
    const lobby = gathering(friends, goesOn);
    expect(lobby.happens(seen("Ann", 1001))).toEqual([]);
    expect(lobby.happens(seen("Ben", 1002))).toEqual(["save"]);
    expect(lobby.waits(lobbyLimits.stragglerMs).happens(woken())).toEqual([
      "save",
      "ptpMediation_peersConnection_start to Ann",
      "ptpMediation_peersConnection_start to Ben",
      "ptpMediation_aborted to Cid",
    ]);
    expect(heard(lobby, "Cid", "ptpMediation_aborted")).toMatchObject([{ code: "left_out" }]);
    expect(lobby.happens(seen("Cid", 1003))).toEqual([]);
    expect(lobby.happens(reported("Cid"), reported("Ann"), reported("Ben"))).toEqual([
      "save",
      "save",
      "unlist",
      "ptpMediation_success to Ann, Ben",
      "lobby_closed to Ann, Ben, Cid, released",
      "forget",
    ]);
  });

  test("one who comes in that time is not left out", () => {
    const lobby = gathering(friends, goesOn);
    lobby.happens(seen("Ann", 1001), seen("Ben", 1002));
    expect(lobby.waits(lobbyLimits.stragglerMs - 1).happens(seen("Cid", 1003))).toEqual([
      "save",
      "ptpMediation_peersConnection_start to Ann",
      "ptpMediation_peersConnection_start to Ben, Cid",
    ]);
  });

  test("without the host it does not go on", () => {
    const lobby = gathering(friends, goesOn);
    lobby.happens(seen("Ben", 1002), seen("Cid", 1003));
    expect(lobby.state?.phase).not.toHaveProperty("goOnAt");
    expect(
      lobby
        .passes(60_000 - 1)
        .waits(1)
        .happens(woken()),
    ).toEqual(["save", "list 3/4", "ptpMediation_aborted to Ann, Ben, Cid"]);
  });

  test("players that are not known any more after a sleep are asked again", () => {
    const lobby = gathering(friends, goesOn);
    lobby.happens(seen("Ann", 1001), seen("Ben", 1002));
    if (lobby.state?.phase.kind === "gathering") {
      lobby.state = { ...lobby.state, phase: { ...lobby.state.phase, seen: {} } };
    }
    expect(lobby.waits(lobbyLimits.stragglerMs).happens(woken())).toEqual(["save"]);
    expect(lobby.waits(5_000).happens(woken())).toContain("ptpMediation_send to Ann, Ben, Cid");
  });

  test("a player that says it cannot be reached is left out at once, and the host hears why", () => {
    const lobby = gathering(friends, goesOn);
    lobby.happens(seen("Ann", 1001), seen("Ben", 1002));
    expect(lobby.happens(failed("Cid"))).toEqual([
      "save",
      "ptpMediation_report to Ann",
      "ptpMediation_aborted to Cid",
      "ptpMediation_peersConnection_start to Ann",
      "ptpMediation_peersConnection_start to Ben",
    ]);
    expect(heard(lobby, "Ann", "ptpMediation_report")).toEqual([
      { clientId: "Cid", name: "Cid", cause: "udp-blocked", peers: [] },
    ]);
  });

  test("a guest that leaves is no reason to stop, the last one is", () => {
    const lobby = gathering(friends, goesOn);
    lobby.happens(seen("Ann", 1001), seen("Ben", 1002));
    expect(lobby.happens(left("Cid"))).toEqual([
      "save",
      "list 2/4",
      "lobby_peerDisconnect to Ann, Ben",
      "ptpMediation_peersConnection_start to Ann",
      "ptpMediation_peersConnection_start to Ben",
    ]);
    expect(lobby.happens(left("Ben"))).toEqual([
      "save",
      "list 1/4",
      "lobby_peerDisconnect to Ann",
      "ptpMediation_aborted to Ann",
    ]);
  });
});

describe("while the players connect", () => {
  test("a pair that does not connect costs only that guest its place", () => {
    const lobby = connecting(friends, goesOn);
    expect(lobby.happens(failed("Cid", "Ann"))).toEqual([
      "save",
      "ptpMediation_report to Ann",
      "ptpMediation_aborted to Cid",
    ]);
    expect(lobby.happens(reported("Ben"), reachedOnly("Ann", "Ben"))).toEqual([
      "save",
      "save",
      "unlist",
      "ptpMediation_success to Ann, Ben",
      "lobby_closed to Ann, Ben, Cid, released",
      "forget",
    ]);
  });

  test("whom the host did not reach is left out, though it believes to be connected", () => {
    const lobby = connecting(friends, goesOn);
    lobby.happens(reported("Cid"), reported("Ben"));
    expect(lobby.happens(reachedOnly("Ann", "Ben"))).toEqual([
      "save",
      "unlist",
      "ptpMediation_aborted to Cid",
      "ptpMediation_success to Ann, Ben",
      "lobby_closed to Ann, Ben, Cid, released",
      "forget",
    ]);
  });

  test("a host that reaches nobody ends it for all", () => {
    for (const failure of [failed("Ann"), failed("Ann", "Ben"), reachedOnly("Ann", "a stranger")]) {
      const lobby = connecting(friends, goesOn);
      expect(lobby.happens(failure)).toEqual(["save", "ptpMediation_aborted to Ann, Ben, Cid"]);
      expect(phaseOf(lobby)).toBe("waiting");
    }
  });

  test("those who say nothing are left out in the end", () => {
    const lobby = connecting(friends, goesOn);
    lobby.happens(reported("Ann"), reported("Ben"));
    expect(
      lobby
        .passes(40_000 - 1)
        .waits(1)
        .happens(woken()),
    ).toEqual([
      "save",
      "unlist",
      "ptpMediation_aborted to Cid",
      "ptpMediation_success to Ann, Ben",
      "lobby_closed to Ann, Ben, Cid, released",
      "forget",
    ]);
    expect(heard(lobby, "Cid", "ptpMediation_aborted")).toMatchObject([{ code: "left_out" }]);
  });

  test("an audit that is due when time is up does not list the lobby again", () => {
    const lobby = lobbyOf(friends, goesOn).waits(lobbyLimits.auditIntervalMs - 40_000);
    lobby.happens(started("Ann"), ...friends.map((name) => seen(name, 1001)));
    lobby.happens(reported("Ann"), reported("Ben"));
    expect(
      lobby
        .passes(40_000 - 1)
        .waits(1)
        .happens(woken())
        .slice(-2),
    ).toEqual(["lobby_closed to Ann, Ben, Cid, released", "forget"]);
  });

  test("a guest that is lost may be the last one waited for", () => {
    const lobby = connecting(friends, goesOn);
    lobby.happens(reported("Ann"), reported("Ben"));
    expect(lobby.happens(lost("Cid"))).toContain("ptpMediation_success to Ann, Ben");
  });

  test("after one that was aborted the next one has everybody again", () => {
    const lobby = connecting(friends, goesOn);
    lobby.happens(failed("Cid", "Ann"), failed("Ann"));
    expect(lobby.happens(started("Ann", { requestId: "again" }))).toContain(
      "ptpMediation_send to Ann, Ben, Cid",
    );
    expect(lobby.happens(seen("Ann", 1), seen("Ben", 2), seen("Cid", 3))).toContain(
      "ptpMediation_peersConnection_start to Ben, Cid",
    );
  });
});

describe("in a lobby that does not go on, as Orion has it", () => {
  test("a pair that does not connect ends the mediation at once, and the host hears which", () => {
    const lobby = connecting(friends);
    lobby.happens(reported("Ann"));
    expect(lobby.happens(failed("Cid", "Ann"))).toEqual([
      "save",
      "ptpMediation_report to Ann",
      "ptpMediation_aborted to Ann, Ben, Cid",
    ]);
    expect(heard(lobby, "Ben", "ptpMediation_aborted")).toMatchObject([{ code: "could_not_connect" }]);
  });

  test("nobody is left out for being late", () => {
    const lobby = gathering(friends);
    lobby.happens(seen("Ann", 1001), seen("Ben", 1002));
    expect(lobby.waits(lobbyLimits.stragglerMs).happens(woken())).toEqual([]);
  });

  test("a failure that is told before anybody was introduced ends it too", () => {
    const lobby = gathering(friends);
    expect(lobby.happens(failed("Ben"))).toEqual([
      "save",
      "ptpMediation_report to Ann",
      "ptpMediation_aborted to Ann, Ben, Cid",
    ]);
  });
});

describe("a report of the mediation before, on its way when that was over,", () => {
  for (const rules of [{}, goesOn]) {
    test(`changes nothing in the next, ${rules === goesOn ? "which goes on without the lost" : "as Orion has it"}`, () => {
      const lobby = connecting(friends, rules);
      lobby.happens(failed("Ann"), started("Ann", { requestId: "the second" }));
      const late = { ...failed("Cid", "Ann"), mediation: "Ann star" } as LobbyEvent;
      expect(lobby.happens(late)).toEqual([]);
      lobby.happens(seen("Ann", 1001), seen("Ben", 1002), seen("Cid", 1003));
      expect(lobby.happens({ ...reported("Cid"), mediation: "Ann star" } as LobbyEvent)).toEqual([]);
      expect(lobby.state?.phase).toMatchObject({ kind: "connecting", reported: [], lost: [] });
      expect(lobby.happens({ ...reported("Cid"), mediation: "the seco" } as LobbyEvent)).toEqual(["save"]);
    });
  }
});

test("who is connected by a relay says why, and the host hears it", () => {
  const lobby = connecting(["Ann", "Ben"]);
  const peers = [{ clientId: "Ann", path: "relay", cause: "both-endpoint-dependent" }] as const;
  lobby.happens({
    kind: "connection-reported",
    clientId: "Ben",
    connected: true,
    report: { cause: null, peers: [...peers] },
  });
  expect(heard(lobby, "Ann", "ptpMediation_report")).toMatchObject([{ clientId: "Ben", peers }]);
});

test("the host does not hear of a pair that may be direct in a moment", () => {
  const lobby = connecting(["Ann", "Ben"]);
  const peers = [{ clientId: "Ann", path: "relay", cause: "not-yet-direct" }] as const;
  const report = { cause: null, peers: [...peers] };
  const lines = lobby.happens({ kind: "connection-reported", clientId: "Ben", connected: true, report });
  expect(lines).toEqual(["save"]);
});

describe("a lobby whose players are connected by relay alone", () => {
  const relays = { ...sidecar, relays: true };
  const knowing = (name: string, port: number) =>
    ({ ...seen(name, port), observed: { endpoint: endpoint(port), candidates: [] } }) as LobbyEvent;

  test("keeps its relay when a reminder names a sidecar without one", () => {
    const lobby = lobbyOf(["Ann", "Ben"], { relayOnly: true });
    lobby.happens(started("Ann", { sidecar: relays }), knowing("Ann", 1));
    lobby.waits(10_000).happens(woken(otherSidecar));
    expect(lobby.state?.phase).toMatchObject({ sidecar: "oslo", relay: { host: "paris.example" } });
  });

  test("cannot connect one that knows nothing of relays", () => {
    const lobby = lobbyOf(friends, { relayOnly: true });
    lobby.happens(started("Ann", { sidecar: relays }), knowing("Ann", 1), knowing("Ben", 2));
    expect(lobby.happens(seen("Cid", 3))).toEqual(["save", "ptpMediation_aborted to Ann, Ben, Cid"]);
    expect(heard(lobby, "Ben", "ptpMediation_aborted")).toMatchObject([{ code: "could_not_connect" }]);
  });

  test("goes on without one that knows nothing of relays, if it may", () => {
    const lobby = lobbyOf(friends, { relayOnly: true, goesOn: true });
    lobby.happens(started("Ann", { sidecar: relays }), knowing("Ann", 1), knowing("Ben", 2));
    expect(lobby.happens(seen("Cid", 3))).toEqual([
      "save",
      "ptpMediation_peersConnection_start to Ann",
      "ptpMediation_peersConnection_start to Ben",
      "ptpMediation_aborted to Cid",
    ]);
  });
});

test("a lobby whose players are connected by relay alone does not start without one", () => {
  const lobby = lobbyOf(["Ann", "Ben"], { relayOnly: true });
  expect(lobby.happens(started("Ann"))).toEqual(["answer no_sidecar"]);
});

describe("a player whom its sidecar does not answer", () => {
  test("is sent to another, with everybody else", () => {
    const lobby = gathering(friends);
    lobby.happens(seen("Ben", 1002));
    expect(lobby.waits(lobbyLimits.silentMs).happens(silent("Cid"))).toEqual(["save"]);
    expect(lobby.waits(1).happens(woken(otherSidecar))).toEqual([
      "save",
      "list 3/4",
      "ptpMediation_send to Ann, Ben, Cid",
    ]);
    expect(heard(lobby, "Cid", "ptpMediation_send")).toMatchObject([{ port: otherSidecar.port }]);
  });

  test("brings nothing forward too soon, again, for another mediation, or when it was seen", () => {
    const lobby = gathering(friends);
    expect(lobby.waits(lobbyLimits.silentMs - 1).happens(silent("Cid"))).toEqual([]);
    expect(lobby.waits(1).happens(silent("Cid", "another"), silent("Dan"))).toEqual([]);
    lobby.happens(seen("Ben", 1002));
    expect(lobby.happens(silent("Ben"))).toEqual([]);
    expect(lobby.happens(silent("Cid"), silent("Ann"))).toEqual(["save"]);
    lobby.waits(1).happens(woken(otherSidecar));
    expect(lobby.happens(silent("Cid"))).toEqual([]);
  });

  test("is not heard once the players connect", () => {
    expect(connecting(friends).waits(lobbyLimits.silentMs).happens(silent("Cid"))).toEqual([]);
  });
});
