/** One player keeps the others from playing: what the host can do, and what the lobby does by itself. */
import { describe, expect, test } from "vitest";
import { readKeptLobby } from "../../core/lobby/kept.ts";
import { lasting } from "../../core/lobby/lasting.ts";
import { lobbyLimits } from "../../core/lobby/limits.ts";
import type { Member } from "../../core/lobby/state.ts";
import {
  answerOf,
  connecting,
  failed,
  gathering,
  heard,
  joined,
  type Lobby,
  left,
  lobbyId,
  lobbyOf,
  lost,
  member,
  noLobby,
  opened,
  phaseOf,
  playing,
  reachedOnly,
  reported,
  returned,
  seen,
  started,
  steered,
  timing,
} from "./a-lobby.ts";

const friends = ["Ann", "Ben", "Mal"] as const;
let starts = 0;
const start = () => started("Ann", { requestId: `start ${starts++}` });
const codesHeard = (lobby: Lobby, name: string) =>
  heard(lobby, name, "ptpMediation_aborted").map(({ code }) => code);

describe("a start is called off", () => {
  const callingOff: [how: string, (lobby: Lobby) => void][] = [
    ["says that it cannot connect", (lobby) => lobby.happens(failed("Mal"))],
    [
      "is never seen",
      (lobby) =>
        lobby.happens(seen("Ann", 1), seen("Ben", 2)) && lobby.passes(timing.ptpmServerConnectTimeoutMs),
    ],
    [
      "is silent to the end when all are to connect",
      (lobby) => {
        lobby.happens(seen("Ann", 1), seen("Ben", 2), seen("Mal", 3), reported("Ann"), reported("Ben"));
        lobby.passes(timing.ptpmConnectTimeoutMs);
      },
    ],
    [
      "cannot be reached, as the host says",
      (lobby) => lobby.happens(seen("Ann", 1), seen("Ben", 2), seen("Mal", 3), reachedOnlyBut("Mal")),
    ],
    [
      "is waited for until the host stops",
      (lobby) =>
        lobby.happens(seen("Ann", 1), seen("Ben", 2)) &&
        lobby.waits(lobbyLimits.stragglerMs).happens(steered("stop")),
    ],
  ];
  /** Ann reports that she has a path to Ben, and none to this player. */
  function reachedOnlyBut(name: string) {
    const event = reachedOnly("Ann", "Ben");
    if (event.kind !== "connection-reported") throw new Error("no report");
    event.report.peers.push({ clientId: name, path: null, cause: "no-packets-received" });
    return event;
  }

  test.each(callingOff)("twice by one who %s: the third goes without it", (_, callOff) => {
    const lobby = lobbyOf(friends);
    for (let i = 0; i < lobbyLimits.callOffs; i++) {
      lobby.happens(start());
      expect(heard(lobby, "Mal", "ptpMediation_send")).toHaveLength(1);
      callOff(lobby);
      expect(phaseOf(lobby)).toBe("waiting");
    }
    expect(lobby.happens(start())).toEqual([
      "save",
      "ptpMediation_send to Ann, Ben",
      "ptpMediation_aborted to Mal",
      "answer yes",
    ]);
    expect(codesHeard(lobby, "Mal")).toEqual(["left_out"]);
    // What it says now is heard by nobody, and it cannot end what it has no part in.
    expect(lobby.happens(seen("Mal", 3), failed("Mal"), reported("Mal"))).toEqual([]);
    lobby.happens(seen("Ann", 1), seen("Ben", 2));
    expect(phaseOf(lobby)).toBe("connecting");
    expect(lobby.happens(left("Mal"))).not.toContain("ptpMediation_aborted to Ann, Ben");
    expect(lobby.happens(reported("Ann"), reported("Ben"))).toContain("ptpMediation_success to Ann, Ben");
  });

  test("once, and then again a quarter of an hour later, by one with bad luck: the next goes with it", () => {
    const lobby = lobbyOf(friends);
    for (let i = 0; i < 4; i++) {
      lobby.happens(start());
      expect(heard(lobby, "Mal", "ptpMediation_send")).toHaveLength(1);
      lobby.happens(failed("Mal"));
      lobby.waits(lobbyLimits.callOffMs);
    }
  });

  test("by the host: it is never left out", () => {
    const lobby = lobbyOf(friends);
    for (let i = 0; i < 4; i++) lobby.happens(start(), failed("Ann"));
    lobby.happens(start());
    for (const name of friends) expect(heard(lobby, name, "ptpMediation_send")).toHaveLength(1);
  });

  test("by the host, that stops before anybody could answer: nobody is charged with it", () => {
    const lobby = lobbyOf(friends);
    for (let i = 0; i < 3; i++) lobby.happens(start(), steered("stop"));
    lobby.happens(start());
    expect(heard(lobby, "Mal", "ptpMediation_send")).toHaveLength(1);
  });

  test.each([false, true])(
    "by the host, that has no path to anybody: no guest is charged (goesOn: %s)",
    (goesOn) => {
      const lobby = lobbyOf(friends, { goesOn });
      for (let i = 0; i < 2; i++) {
        lobby.happens(start(), seen("Ben", 2), seen("Mal", 3), failed("Ann"));
        expect(phaseOf(lobby)).toBe("waiting");
      }
      // With somebody to go on with, those who were there before would be left out.
      lobby.happens(joined("Eve"), start());
      for (const name of [...friends, "Eve"]) expect(heard(lobby, name, "ptpMediation_send")).toHaveLength(1);
    },
  );

  test("by the host of a lobby that goes on, that names one: that one is charged, and no other", () => {
    const lobby = lobbyOf(["Ann", "Ben", "Mal"], { goesOn: true });
    const names = (other: string) => failed("Ann", other);
    // Ann has said nothing of Ben, with whom the start ends as well.
    for (let i = 0; i < 2; i++) lobby.happens(start(), seen("Ben", 2), names("Mal"));
    expect(lobby.happens(start())).toContain("ptpMediation_send to Ann, Ben");
  });

  test("by the only guest: it is asked again, because the host would be alone", () => {
    const lobby = lobbyOf(["Ann", "Ben"]);
    for (let i = 0; i < 5; i++) {
      lobby.happens(start());
      expect(heard(lobby, "Ben", "ptpMediation_send")).toHaveLength(1);
      lobby.happens(failed("Ben"));
    }
  });

  test("by two in turns: both are left out after two each", () => {
    const lobby = lobbyOf(["Ann", "Ben", "Mal", "Mel"]);
    for (const name of ["Mal", "Mel", "Mal", "Mel"]) lobby.happens(start(), failed(name));
    expect(lobby.happens(start())).toContain("ptpMediation_send to Ann, Ben");
  });

  test.each([9, 62])("by %i in turns, who are all still there: all are left out after two each", (size) => {
    const liars = Array.from({ length: size }, (_, i) => `Mal ${i}`);
    const lobby = lobbyOf(["Ann", "Ben", ...liars], { maxMembers: 64 });
    for (const name of [...liars, ...liars]) {
      expect(lobby.happens(start())[0]).not.toContain("answer");
      expect(lobby.happens(failed(name))).toContain(`save`);
      if (lobby.state) lobby.state = readKeptLobby(structuredClone(lasting(lobby.state)), lobbyId);
    }
    expect(lobby.happens(start())).toContain("ptpMediation_send to Ann, Ben");
  });

  test("twice, and the object sleeps: it still knows by whom", () => {
    const lobby = lobbyOf(friends);
    for (let i = 0; i < 2; i++) lobby.happens(start(), failed("Mal"));
    if (lobby.state) lobby.state = readKeptLobby(structuredClone(lasting(lobby.state)), lobbyId);
    expect(lobby.happens(start())).toContain("ptpMediation_send to Ann, Ben");
  });
});

describe("a player that leaves and returns", () => {
  const network = "AbC";
  const from = (name: string, of?: string): Member => ({
    ...member(name, `${name} ${starts++}`),
    ...(of !== undefined && { network: of }),
  });
  const lobbyFrom = (...members: readonly [Member, ...Member[]]) => {
    const [host, ...guests] = members;
    const lobby = noLobby();
    lobby.happens(opened(host, { maxMembers: 64 }), ...guests.map(joined));
    return lobby;
  };

  test("in the middle of each start is left out of the third, under whatever name it returns", () => {
    const lobby = lobbyFrom(from("Ann"), from("Ben"), from("Mal", network));
    lobby.happens(start(), left("Mal"), joined(from("Moe", network)), start(), left("Moe"));
    lobby.happens(joined(from("Max", network)));
    expect(lobby.happens(start())).toContain("ptpMediation_send to Ann, Ben");
    expect(codesHeard(lobby, "Max")).toEqual(["left_out"]);
  });

  test("with eight more of its network, all of whom call off starts: none is forgotten", () => {
    const liars = Array.from({ length: 9 }, (_, i) => `Mal ${i}`);
    const lobby = lobbyFrom(from("Ann"), from("Ben"), ...liars.map((name) => from(name, network)));
    for (const name of [...liars, ...liars]) lobby.happens(start(), failed(name));
    lobby.happens(...liars.map(left));
    if (lobby.state) lobby.state = readKeptLobby(structuredClone(lasting(lobby.state)), lobbyId);
    lobby.happens(...liars.map((name) => joined(from(`${name} again`, network))));
    expect(lobby.state?.members).toHaveLength(11);
    expect(lobby.happens(start())).toContain("ptpMediation_send to Ann, Ben");
  });

  test("is not confused with its neighbours, who share its network", () => {
    const lobby = lobbyFrom(from("Ann"), from("Ben", network), from("Mal", network));
    lobby.happens(start(), left("Mal"), joined(from("Moe", network)), start(), left("Moe"));
    lobby.happens(joined(from("Max", network)), joined(from("Cid", network)));
    expect(lobby.happens(start())).toContain("ptpMediation_send to Ann, Ben, Cid");
  });

  test("again and again has to wait, and is told how long", () => {
    const lobby = lobbyFrom(from("Ann"));
    for (let i = 0; i < lobbyLimits.returns; i++) {
      expect(lobby.happens(joined(from("Mal", network)))).toContain("answer yes");
      lobby.happens(left("Mal"));
    }
    expect(lobby.happens(joined(from("Mal", network)))).toEqual(["answer returned_too_often"]);
    expect(answerOf(lobby)).toMatchObject({ retryAfterS: lobbyLimits.returnSeconds });
    // Nobody else has to, nor is a sleep a way around it.
    if (lobby.state) lobby.state = readKeptLobby(structuredClone(lasting(lobby.state)), lobbyId);
    expect(lobby.happens(joined(from("Cid", "oth")), joined(from("Dan")))).not.toContain(
      "answer returned_too_often",
    );
    expect(lobby.happens(joined(from("Mal", network)))).toEqual(["answer returned_too_often"]);
    lobby.waits(lobbyLimits.returnSeconds * 1_000);
    expect(lobby.happens(joined(from("Mal", network)))).toContain("answer yes");
  });

  test("without leaving, because it has lost its links each time, has to wait as well", () => {
    const lobby = playing(["Ann", "Ben"], { goesOn: true, graceMs: 30_000 });
    lobby.happens(joined(from("Mal", network)));
    const again = (resumes: number) => returned("Mal", { resumes, reconnect: true });
    for (let i = 0; i < lobbyLimits.returns; i++) expect(lobby.happens(again(i))).toContain("answer yes");
    expect(lobby.happens(again(lobbyLimits.returns))).toEqual(["answer returned_too_often"]);
    // With its links it disturbs nobody.
    const { returns: resumes } = lobbyLimits;
    expect(lobby.happens(returned("Mal", { resumes }))).toContain("answer yes");
    lobby.waits(lobbyLimits.returnSeconds * 1_000);
    expect(lobby.happens(again(resumes + 1))).toContain("answer yes");
  });

  test("with all sixty of its network, because their router broke, need not wait", () => {
    const crowd = Array.from({ length: 60 }, (_, i) => `Guest ${i}`);
    const lobby = lobbyFrom(from("Ann"), ...crowd.map((name) => from(name, network)));
    lobby.happens(lost(...crowd));
    const answers = lobby.happens(...crowd.map((name) => joined(from(name, network))));
    expect(answers.filter((line) => line === "answer yes")).toHaveLength(60);
  });
});

describe("the host", () => {
  test("goes on without one who stays silent: the others wait five seconds more, and no longer", () => {
    const lobby = gathering(friends);
    lobby.happens(seen("Ann", 1), seen("Ben", 2));
    expect(lobby.happens(steered("proceed"))).toEqual(["save", "answer yes"]);
    const { now } = lobby;
    lobby.passes(lobbyLimits.stragglerMs - 1);
    expect(phaseOf(lobby)).toBe("gathering");
    lobby.passes(1);
    expect(phaseOf(lobby)).toBe("connecting");
    expect(lobby.now - now).toBe(lobbyLimits.stragglerMs);
    expect(codesHeard(lobby, "Mal")).toEqual(["left_out"]);
    lobby.happens(reported("Ann"));
    expect(lobby.happens(reported("Ben"))).toContain("ptpMediation_success to Ann, Ben");
  });

  test("goes on without one who was seen, and does not report", () => {
    const lobby = connecting(friends);
    lobby.happens(reported("Ann"), reported("Ben"), steered("proceed"));
    lobby.passes(lobbyLimits.stragglerMs);
    expect(lobby.effects.map(({ kind }) => kind)).toContain("forget");
    expect(codesHeard(lobby, "Mal")).toEqual(["left_out"]);
    expect(phaseOf(lobby)).toBe("closing");
  });

  test("asks twice: nobody gets less time, nor more", () => {
    const lobby = connecting(friends);
    lobby.happens(steered("proceed"));
    lobby.waits(1_000);
    expect(lobby.happens(steered("proceed", "Ann", "again"))).toEqual(["save", "answer yes"]);
    expect(lobby.happens(steered("proceed", "Ann", "again"))).toEqual(["answer yes"]);
    lobby.happens(reported("Ann"), reported("Ben"));
    lobby.passes(lobbyLimits.stragglerMs - 1_001);
    expect(phaseOf(lobby)).toBe("connecting");
    lobby.passes(1);
    expect(phaseOf(lobby)).toBe("closing");
  });

  test("asks once, and the answer is lost: asking again in the next half takes no time from anybody", () => {
    const lobby = gathering(friends);
    lobby.happens(seen("Ann", 1), seen("Ben", 2), steered("proceed"), seen("Mal", 3));
    expect(phaseOf(lobby)).toBe("connecting");
    const before = lobby.state;
    expect(lobby.happens(steered("proceed"))).toEqual(["answer yes"]);
    expect(lobby.state).toBe(before);
  });

  test("goes on before anybody was seen: it waits until there is somebody to go on with", () => {
    const lobby = gathering(friends);
    lobby.happens(steered("proceed")).concat(lobby.passes(lobbyLimits.stragglerMs).state ? [] : []);
    expect(phaseOf(lobby)).toBe("gathering");
    lobby.happens(seen("Ann", 1), seen("Ben", 2));
    lobby.passes(lobbyLimits.stragglerMs);
    expect(phaseOf(lobby)).toBe("connecting");
  });

  test("stops, and all hear why; it may stop what is stopped, and start again", () => {
    const lobby = connecting(friends);
    lobby.happens(steered("stop"));
    for (const name of friends) expect(codesHeard(lobby, name)).toEqual(["stopped"]);
    expect(lobby.happens(steered("stop"), steered("stop", "Ann", "once more"))).toEqual([
      "answer yes",
      "answer yes",
    ]);
    expect(lobby.happens(start())).toContain("answer yes");
  });
});
