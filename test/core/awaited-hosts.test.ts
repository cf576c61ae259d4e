/** Lobbies that go on without their host for a while: groovejet's rooms. */
import { describe, expect, test } from "vitest";
import { keptLobby, readKeptLobby } from "../../core/lobby/kept.ts";
import { lobbyLimits } from "../../core/lobby/limits.ts";
import type { LobbyRequest } from "../../core/lobby/request.ts";
import {
  answerOf,
  cut,
  heard,
  joined,
  knower,
  type Lobby,
  left,
  lobbyId,
  lobbyOf,
  lost,
  noLobby,
  opened,
  returned,
  signalled,
} from "./a-lobby.ts";

const graceMs = 120_000;
const { hostAwaitedMs } = lobbyLimits;
const rules = {
  isPublic: false,
  knows: true,
  graceMs,
  options: { onHostLoss: "migrate", awaitsHost: true },
} as const;
const room = (...names: [string, ...string[]]) => lobbyOf(names, rules);
const leading = (name: string, leads: "may" | "must"): LobbyRequest => {
  return { kind: "join", member: knower(name, leads === "may" ? { canHost: true } : {}), leads };
};
const hostOf = ({ state }: Lobby) => state?.hostId;
const isOpen = ({ state }: Lobby) => state !== null && state.phase.kind === "waiting";

describe("when the host is gone", () => {
  test.each([
    ["it has left", left("Ann")],
    ["its connection was cut", cut("Ann")],
    ["its object was reset", lost("Ann")],
  ])("and %s, the lobby waits for it, and tells the others that it is away", (_, gone) => {
    const lobby = room("Ann", "Ben", "Cid");
    expect(lobby.happens(gone)).toEqual(["save", "lobby_memberAway to Ben, Cid"]);
    expect(heard(lobby, "Ben", "lobby_memberAway")).toMatchObject([{ clientId: "Ann" }]);
    expect(hostOf(lobby)).toBe("Ann");
  });

  test("however short it was there", () => {
    const lobby = noLobby();
    lobby.happens(opened(knower("Ann"), rules), cut("Ann"));
    expect(isOpen(lobby)).toBe(true);
    lobby.passes(graceMs - 1);
    expect(isOpen(lobby)).toBe(true);
    lobby.passes(1);
    expect(isOpen(lobby)).toBe(false);
  });

  test("a request of its that is undone leaves no lobby behind", () => {
    const lobby = noLobby();
    lobby.happens(opened(knower("Ann"), rules));
    lobby.happens({ kind: "member-left", clientId: "Ann", requestId: knower("Ann").requestId });
    expect(lobby.state).toMatchObject({ phase: { kind: "closing" } });
  });

  test("a guest that has just come leaves as anywhere", () => {
    const lobby = room("Ann");
    lobby.happens(joined(knower("Ben")), cut("Ben"));
    expect(lobby.state?.members).toHaveLength(1);
  });

  test("signals to it are not passed on", () => {
    const lobby = room("Ann", "Ben");
    lobby.happens(left("Ann"));
    expect(lobby.happens(signalled("Ben", "Ann"))).toEqual(["lobby_signalFailed to Ben"]);
  });

  test("its time ends, and nobody can lead, so it is over for those who are there", () => {
    const lobby = room("Ann", "Ben");
    lobby.happens(left("Ann"));
    lobby.passes(graceMs - 1);
    expect(isOpen(lobby)).toBe(true);
    lobby.passes(1);
    expect(heard(lobby, "Ben", "lobby_closed")).toHaveLength(1);
    expect(isOpen(lobby)).toBe(false);
  });
});

describe("who comes meanwhile", () => {
  const hostless = () => {
    const lobby = room("Ann", "Ben");
    lobby.happens(left("Ann"));
    return lobby;
  };

  test.each<[who: string, request: LobbyRequest, answer: string, host: string]>([
    ["a player that cannot lead is refused", joined(knower("Dan")), "answer host_away", "Ann"],
    ["one that can is host at once", leading("Dan", "may"), "answer yes", "Dan"],
    ["one that joins to lead is host at once", leading("Dan", "must"), "answer yes", "Dan"],
  ])("%s", (_, request, answer, host) => {
    const lobby = hostless();
    expect(lobby.happens(request).at(-1)).toBe(answer);
    expect(hostOf(lobby)).toBe(host);
  });

  test.each<[who: string, request: LobbyRequest, answer: string]>([
    ["a player that could lead is a guest", leading("Dan", "may"), "answer yes"],
    ["one that joins to lead is refused", leading("Dan", "must"), "answer host_present"],
  ])("while the host is there, %s", (_, request, answer) => {
    const lobby = room("Ann", "Ben");
    expect(lobby.happens(request).at(-1)).toBe(answer);
    expect(hostOf(lobby)).toBe("Ann");
  });

  test("the newcomer's answer names it as the host, and the others hear of both", () => {
    const lobby = hostless();
    expect(lobby.happens(leading("Dan", "may"))).toEqual([
      "save",
      "lobby_peerConnect to Ben",
      "lobby_hostChanged to Ben, Dan",
      "answer yes",
    ]);
    expect(answerOf(lobby)).toMatchObject({ value: { host: "Dan", lobby: { hostId: "Dan", term: 2 } } });
    expect(lobby.happens(signalled("Ben", "Dan"))).toEqual(["lobby_signal to Dan"]);
  });

  test("of two that come at once only one leads", () => {
    const lobby = hostless();
    lobby.happens(leading("Dan", "must"));
    expect(lobby.happens(leading("Eve", "must"))).toEqual(["answer host_present"]);
    lobby.happens(leading("Fay", "may"));
    expect(hostOf(lobby)).toBe("Dan");
  });

  test("a lobby that awaits no hosts makes nobody host", () => {
    const lobby = lobbyOf(["Ann", "Ben"], { isPublic: false, knows: true, graceMs });
    lobby.happens(cut("Ann"), leading("Dan", "may"));
    expect(hostOf(lobby)).toBe("Ann");
  });
});

describe("the host returns", () => {
  test("as host, if nobody leads by then", () => {
    const lobby = room("Ann", "Ben");
    lobby.happens(cut("Ann"));
    expect(lobby.happens(returned("Ann"))).toEqual(["save", "lobby_memberBack to Ben", "answer yes"]);
    expect(hostOf(lobby)).toBe("Ann");
    lobby.passes(2 * graceMs);
    expect(isOpen(lobby)).toBe(true);
  });

  test("as a guest, if another leads", () => {
    const lobby = room("Ann", "Ben");
    lobby.happens(cut("Ann"), leading("Dan", "may"), returned("Ann"));
    expect(answerOf(lobby)).toMatchObject({ value: { lobby: { hostId: "Dan" } } });
  });
});

describe("a member that can lead", () => {
  const withDan = () => {
    const lobby = room("Ann", "Ben");
    lobby.happens(leading("Dan", "may"), leading("Eve", "may"));
    return lobby;
  };

  test("takes over when the host has been away for a while, the one that is there longest", () => {
    const lobby = withDan();
    lobby.happens(cut("Ann"));
    lobby.passes(hostAwaitedMs - 1);
    expect(hostOf(lobby)).toBe("Ann");
    lobby.passes(1);
    expect(hostOf(lobby)).toBe("Dan");
    expect(heard(lobby, "Ben", "lobby_hostChanged")).toMatchObject([{ clientId: "Dan" }]);
  });

  test("does not while the host is only loading its page again", () => {
    const lobby = withDan();
    lobby.happens(cut("Ann"));
    lobby.passes(hostAwaitedMs - 1);
    lobby.happens(returned("Ann"));
    lobby.passes(graceMs);
    expect(hostOf(lobby)).toBe("Ann");
  });

  test("does not while it is away itself, and does when it is back", () => {
    const lobby = room("Ann", "Ben");
    lobby.happens(leading("Dan", "may"));
    lobby.waits(lobbyLimits.presentMs).happens(cut("Dan"), cut("Ann"));
    lobby.passes(hostAwaitedMs);
    expect(hostOf(lobby)).toBe("Ann");
    lobby.happens(returned("Dan"));
    lobby.passes(1);
    expect(hostOf(lobby)).toBe("Dan");
  });

  test("is still one after the lobby's object has slept", () => {
    const lobby = withDan();
    const kept: unknown = structuredClone(lobby.state && keptLobby(lobby.state));
    lobby.state = readKeptLobby(kept, lobbyId);
    lobby.happens(cut("Ann"));
    lobby.passes(hostAwaitedMs);
    expect(hostOf(lobby)).toBe("Dan");
  });
});
