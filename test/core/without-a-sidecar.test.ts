/** No sidecar is alive. Players who can all use the relay over WebSocket are connected all the same, and others never hear of it. */
import { describe, expect, test } from "vitest";
import { wakeAt } from "../../core/lobby/deadlines.ts";
import { keptLobby, readKeptLobby } from "../../core/lobby/kept.ts";
import { lobbyLimits } from "../../core/lobby/limits.ts";
import type { Member } from "../../core/lobby/state.ts";
import {
  heard,
  joined,
  type Lobby,
  type LobbyOptions,
  left,
  lobbyId,
  lobbyOfMembers,
  member,
  phaseOf,
  readied,
  relayingSidecar,
  reported,
  returned,
  started,
  timing,
  whoPlays,
  withFeatures,
  woken,
} from "./a-lobby.ts";

const send = "ptpMediation_send";
const web = ["links", "pings", "ws-relay"] as const;
const page = (name: string) => withFeatures(name, web);
const encrypting = (name: string) => withFeatures(name, [...web, "encrypted"]);
/** The SDK of before. */
const older = (name: string) => withFeatures(name, ["links", "pings"]);
/** Orion's own client. */
const plain = (name: string) => member(name);
const without = (clientId: string, mediation?: string) => readied(clientId, { udp: false }, mediation);
/** The alarm comes, and no sidecar is alive. */
const alone = { kind: "deadline-passed" } as const;

function nextAlarm(lobby: Lobby): Lobby {
  lobby.now = lobby.state ? wakeAt(lobby.state) : lobby.now;
  return lobby;
}

/** Its object has been reset, and has read its row. */
function restarted(lobby: Lobby): Lobby {
  lobby.state = lobby.state && readKeptLobby(structuredClone(keptLobby(lobby.state)), lobbyId);
  return lobby;
}

const lobbyOf = (members: readonly [Member, ...Member[]], options: LobbyOptions = {}): Lobby =>
  lobbyOfMembers(members, { graceMs: 60_000, ...options });

const startsAlone = started("Ann", { sidecar: undefined });
const mediationIn = ({ state }: Lobby) =>
  state && "requestId" in state.phase ? state.phase.requestId.slice(0, 8) : "";

describe("a start without a sidecar", () => {
  test("asks players with the relay over WebSocket whether they are ready, without a port", () => {
    const lobby = lobbyOf([page("Ann"), page("Ben")]);
    expect(lobby.happens(startsAlone)).toEqual(["save", `${send} to Ann, Ben`, "answer yes"]);
    expect(heard(lobby, "Ben", send)).toEqual([{ mediation: "Ann star" }]);
  });

  test("introduces them when all have said that they are ready", () => {
    const lobby = lobbyOf([page("Ann"), page("Ben"), page("Cid")]);
    lobby.happens(startsAlone, without("Ann"), without("Ben"));
    expect(phaseOf(lobby)).toBe("gathering");
    lobby.happens(without("Cid"));
    expect(phaseOf(lobby)).toBe("connecting");
  });

  test("waits for the commitments of those who encrypt", () => {
    const lobby = lobbyOf([encrypting("Ann"), encrypting("Ben")]);
    lobby.happens(startsAlone, without("Ann"), without("Ben"));
    expect(phaseOf(lobby)).toBe("gathering");
    for (const name of ["Ann", "Ben"]) lobby.happens(readied(name, { commitment: "c".repeat(43) }));
    expect(phaseOf(lobby)).toBe("connecting");
  });

  test("connects a lobby that is relay-only", () => {
    const lobby = lobbyOf([page("Ann"), page("Ben")], { relayOnly: true });
    lobby.happens(startsAlone, without("Ann"), without("Ben"));
    expect(phaseOf(lobby)).toBe("connecting");
  });

  for (const [what, other] of [
    ["Orion's own client", plain("Ben")],
    ["an older SDK", older("Ben")],
    ["a client that can do nothing", withFeatures("Ben", [])],
  ] as const) {
    test(`is refused where one has ${what}, whoever else goes on without it`, () => {
      for (const goesOn of [false, true]) {
        const lobby = lobbyOf([page("Ann"), other, page("Cid")], { goesOn });
        expect(lobby.happens(startsAlone)).toEqual(["answer no_sidecar"]);
        expect(phaseOf(lobby)).toBe("waiting");
      }
    });
  }
});

describe("a reminder without a sidecar", () => {
  const later = (lobby: Lobby) => lobby.waits(timing.ptpmConnectRequestIntervalMs);

  test("asks again in the same way, so that a restarted object knows again who is ready", () => {
    const lobby = lobbyOf([page("Ann"), page("Ben"), page("Cid")]);
    lobby.happens(startsAlone, without("Ann"));
    restarted(lobby);
    expect(later(lobby).happens(alone)).toContain(`${send} to Ann, Ben, Cid`);
    expect(heard(lobby, "Ann", send)).toEqual([{ mediation: "Ann star" }]);
    lobby.happens(without("Ann"), without("Ben"), without("Cid"));
    expect(phaseOf(lobby)).toBe("connecting");
  });

  test("tells no plain client anything when the sidecar has died since the start", () => {
    const lobby = lobbyOf([page("Ann"), plain("Ben"), page("Cid")]);
    lobby.happens(started("Ann", { sidecar: relayingSidecar }));
    expect(later(lobby).happens(alone).join()).not.toContain(send);
  });

  test("asks pages all the same when the sidecar has died since the start", () => {
    const lobby = lobbyOf([page("Ann"), page("Ben")]);
    lobby.happens(started("Ann", { sidecar: relayingSidecar }));
    expect(later(lobby).happens(alone)).toContain(`${send} to Ann, Ben`);
    expect(heard(lobby, "Ben", send)).toEqual([{ mediation: "Ann star" }]);
  });

  test("asks those who are left when the plain client has gone", () => {
    const lobby = lobbyOf([page("Ann"), plain("Ben"), page("Cid")], { goesOn: true });
    lobby.happens(started("Ann", { sidecar: relayingSidecar }), left("Ben"));
    expect(later(lobby).happens(alone)).toContain(`${send} to Ann, Cid`);
  });

  test("names a sidecar that has come alive meanwhile", () => {
    const lobby = lobbyOf([page("Ann"), page("Ben")]);
    lobby.happens(startsAlone);
    later(lobby).happens(woken(relayingSidecar));
    expect(lobby.effects).toContainEqual(expect.objectContaining({ kind: "ask", sidecar: "paris" }));
  });
});

describe("newcomers without a sidecar", () => {
  const staying = { options: { lifetime: "session" } } as const;
  function playing(...members: readonly [Member, ...Member[]]): Lobby {
    const lobby = lobbyOf(members, staying);
    const names = members.map(({ clientId }) => clientId);
    lobby.happens(startsAlone, ...names.map((name) => without(name)), ...names.map(reported));
    expect(whoPlays(lobby)).toEqual({ playing: names, waiting: [] });
    return lobby;
  }

  test("are connected at once, if they and their peers have the relay over WebSocket", () => {
    const lobby = playing(page("Ann"), page("Ben"));
    lobby.happens(joined(page("Dan")));
    expect(lobby.waits(1).happens(alone)).toContain(`${send} to Ann, Dan`);
    const mediation = mediationIn(lobby);
    lobby.happens(without("Dan", mediation), without("Ann", mediation), reported("Ann"), reported("Dan"));
    expect(whoPlays(lobby)).toEqual({ playing: ["Ann", "Ben", "Dan"], waiting: [] });
  });

  test("wait for one as before, if one of them has not", () => {
    const lobby = playing(page("Ann"), page("Ben"));
    lobby.happens(joined(plain("Dan")));
    expect(lobby.waits(1).happens(alone)).toEqual(["save"]);
    expect(whoPlays(lobby)).toEqual({ playing: ["Ann", "Ben"], waiting: ["Dan"] });
  });

  test("who waited are seen to at the next look, when the one that needed a sidecar is gone", () => {
    const lobby = playing(page("Ann"), page("Ben"));
    lobby.happens(joined(plain("Dan")), joined(page("Eve")));
    lobby.waits(1).happens(alone);
    lobby.happens(left("Dan"));
    lobby.waits(lobbyLimits.newcomerIntervalMs).happens(alone);
    expect(lobby.waits(1).happens(alone)).toContain(`${send} to Ann, Eve`);
  });

  test("hear when it is over because nobody was ready, and are tried again", () => {
    const lobby = playing(page("Ann"), page("Ben"));
    lobby.happens(joined(page("Dan")));
    lobby.waits(1).happens(alone);
    let told: string[] = [];
    while (phaseOf(lobby) === "gathering") told = nextAlarm(restarted(lobby)).happens(alone);
    expect(told).toContain("ptpMediation_aborted to Ann, Dan");
    expect(whoPlays(lobby)).toEqual({ playing: ["Ann", "Ben"], waiting: ["Dan"] });
    nextAlarm(lobby).happens(alone);
    expect(nextAlarm(lobby).happens(alone)).toContain(`${send} to Ann, Dan`);
  });

  test("a player who returns without its links is one", () => {
    const lobby = playing(page("Ann"), page("Ben"));
    lobby.happens(returned("Ben", { reconnect: true }));
    expect(lobby.waits(1).happens(alone)).toContain(`${send} to Ann, Ben`);
  });
});
