/** A lobby that gives members time to return when their connections end. */
import { describe, expect, test } from "vitest";
import { sharedLimits } from "../../core/limits.ts";
import { wakeAt } from "../../core/lobby/deadlines.ts";
import { lasting, restored } from "../../core/lobby/lasting.ts";
import { lifeLines } from "../../core/lobby/life.ts";
import { lobbyLimits } from "../../core/lobby/limits.ts";
import { presenceOf } from "../../core/lobby/state.ts";
import {
  answerOf,
  closing,
  connecting,
  cut,
  endpoint,
  failed,
  gathering,
  type Happening,
  heard,
  joined,
  knower,
  type Lobby,
  left,
  lobbyId,
  lobbyOf,
  lost,
  member,
  phaseOf,
  reported,
  returned,
  said,
  seen,
  started,
  woken,
} from "./a-lobby.ts";

const graceMs = 30_000;
const friends = ["Ann", "Ben", "Cid"] as const;
const rules = { graceMs, isPublic: false, knows: true };
const isListed = { graceMs, knows: true };
const isPrivate = { isPublic: false };

function presence({ state }: Lobby, name: string): string {
  return state ? presenceOf(state, name).kind : "none";
}

function wakesAt({ state }: Lobby): number {
  return state ? wakeAt(state) : Number.NaN;
}

/** Ben is away in each of these. */
const lobbies = {
  waiting: () => lobbyOf(friends, rules),
  gathering: () => gathering(friends, rules),
  connecting: () => connecting(friends, rules),
  closing: () => closing(friends, rules),
};
type Phase = keyof typeof lobbies;

const events = {
  "his connection ends once more": cut("Ben"),
  "he is found to be gone": lost("Ben"),
  "he leaves for good": left("Ben"),
  "he returns": returned("Ben"),
  "he returns at another object": returned("Ben", { holder: "l9" }),
  "another guest's connection ends": cut("Cid"),
  "the host's connection ends": cut("Ann"),
  "somebody takes his name": joined({ ...member("Dan"), name: "Ben" }),
  "somebody joins": joined("Dan"),
  "another member chats": said("Cid", "hi"),
  "the host leaves": left("Ann"),
  "the alarm comes early": woken(),
} satisfies Record<string, Happening>;

/** The phase afterwards, then what comes of it. */
type Row = readonly [Phase, ...string[]];
const nothing: Record<Phase, Row> = {
  waiting: ["waiting"],
  gathering: ["gathering"],
  connecting: ["connecting"],
  closing: ["closing"],
};
const inEach = (...lines: string[]): Record<Phase, Row> => ({
  waiting: ["waiting", ...lines],
  gathering: ["gathering", ...lines],
  connecting: ["connecting", ...lines],
  closing: ["closing"],
});
const goneFrom = "lobby_peerDisconnect to Ann, Cid";
const table: Record<keyof typeof events, Record<Phase, Row>> = {
  "his connection ends once more": nothing,
  "he is found to be gone": nothing,
  "he leaves for good": {
    waiting: ["waiting", "save", goneFrom],
    gathering: ["waiting", "save", goneFrom, "ptpMediation_aborted to Ann, Cid"],
    connecting: ["waiting", "save", goneFrom, "ptpMediation_aborted to Ann, Cid"],
    closing: ["closing"],
  },
  "he returns": {
    ...inEach("save", "lobby_memberBack to Ann, Cid", "answer yes"),
    closing: ["closing", "answer no_such_lobby"],
  },
  "he returns at another object": {
    ...inEach("save", "lobby_memberBack to Ann, Cid", "answer yes"),
    closing: ["closing", "answer no_such_lobby"],
  },
  "another guest's connection ends": inEach("save", "lobby_memberAway to Ann"),
  "the host's connection ends": inEach("save", "lobby_memberAway to Cid"),
  "somebody takes his name": {
    waiting: ["waiting", "answer name_taken"],
    gathering: ["gathering", "answer lobby_locked"],
    connecting: ["connecting", "answer lobby_locked"],
    closing: ["closing", "answer no_such_lobby"],
  },
  "somebody joins": {
    waiting: ["waiting", "save", "lobby_peerConnect to Ann, Cid", "answer yes"],
    gathering: ["gathering", "answer lobby_locked"],
    connecting: ["connecting", "answer lobby_locked"],
    closing: ["closing", "answer no_such_lobby"],
  },
  "another member chats": inEach("lobby_messaging_received to Ann, Cid"),
  "the host leaves": {
    waiting: ["closing", "save", "lobby_closed to Ben, Cid, released", "forget"],
    gathering: ["closing", "save", "lobby_closed to Ben, Cid, released", "forget"],
    connecting: ["closing", "save", "lobby_closed to Ben, Cid, released", "forget"],
    closing: ["closing"],
  },
  "the alarm comes early": nothing,
};

describe.each(Object.keys(lobbies) as Phase[])("while Ben is away from a %s lobby", (phase) => {
  test.each(Object.keys(events) as (keyof typeof events)[])("%s", (what) => {
    const lobby = lobbies[phase]();
    lobby.happens(cut("Ben"));
    const [after, ...lines] = table[what][phase];
    const before = lobby.state;
    expect(lobby.happens(events[what])).toEqual(lines);
    expect(phaseOf(lobby)).toBe(after);
    if (!lines.includes("save")) expect(lobby.state).toBe(before);
  });
});

describe("a member whose connection ends", () => {
  test("is away, and only those who know the word are told", () => {
    const lobby = lobbyOf(friends, isListed);
    expect(lobby.happens(cut("Ben"))).toEqual(["save", "lobby_memberAway to Ann, Cid"]);
    expect(presence(lobby, "Ben")).toBe("away");
    expect(lobby.state?.members.map(({ name }) => name)).toEqual(["Ann", "Ben", "Cid"]);
  });

  test("has left at once where there is no grace", () => {
    const lobby = lobbyOf(friends, isPrivate);
    expect(lobby.happens(cut("Ben"))).toEqual(["save", "lobby_peerDisconnect to Ann, Cid"]);
    expect(lobby.state).toMatchObject({ away: [] });
  });

  test("leaves when its time is over, as if it had been lost then", () => {
    const lobby = lobbyOf(friends, isListed);
    lobby.happens(cut("Ben"));
    expect(wakesAt(lobby)).toBe(lobby.now + graceMs);
    expect(lobby.waits(graceMs - 1).happens(woken())).toEqual([]);
    const before = lobby.state;
    expect(lobby.waits(1).happens(woken())).toEqual([
      "save",
      "list 2/4",
      "lobby_peerDisconnect to Ann, Cid",
      "lobby_closed to Ben, released",
    ]);
    expect(lobby.state).toMatchObject({ away: [] });
    expect(lifeLines(before, woken(), lobby.state, lobby.now)).toEqual([
      { lobbyId, event: "member_left", name: "Ben", why: "lost", members: 2 },
    ]);
    expect(lobby.happens(returned("Ben"))).toEqual(["answer no_such_member"]);
  });

  test("keeps its time when it is lost again meanwhile", () => {
    const lobby = lobbyOf(friends, rules);
    lobby.happens(cut("Ben"));
    const before = wakesAt(lobby);
    lobby.waits(graceMs / 2).happens(cut("Ben"), lost("Ben"));
    expect(wakesAt(lobby)).toBe(before);
  });

  test("keeps its place, and the directory counts it, as long as there is another", () => {
    const lobby = lobbyOf(friends, { ...isListed, maxMembers: 4 });
    expect(lobby.happens(cut("Ben")).some((line) => line.startsWith("list"))).toBe(false);
    expect(lobby.happens(joined("Dan"))).toContain("list 4/4");
    expect(lobby.state?.members.map(({ name }) => name)).toEqual(["Ann", "Ben", "Cid", "Dan"]);
  });

  test("loses its place to a newcomer when there is no other", () => {
    const lobby = lobbyOf(friends, { ...isListed, maxMembers: 3 });
    lobby.happens(cut("Ben"));
    expect(lobby.happens(joined("Dan"))).toEqual([
      "save",
      "list 3/3",
      "lobby_peerDisconnect to Ann, Cid",
      "lobby_closed to Ben, released",
      "lobby_peerConnect to Ann, Cid",
      "answer yes",
    ]);
    expect(lobby.happens(joined("Eve"))).toEqual(["answer lobby_full"]);
  });

  test("is not missed a second time by the object that it has moved away from", () => {
    const lobby = lobbyOf(friends, rules);
    lobby.happens(cut("Ben"), returned("Ben", { holder: "l9" }));
    expect(lobby.happens(cut("Ben", "l4"), { ...lost("Ben"), holder: "l4" } as Happening)).toEqual([]);
    expect(lobby.happens(cut("Ben", "l9"))).toEqual(["save", "lobby_memberAway to Ann, Cid"]);
  });

  test("is not asked for by audits", () => {
    const lobby = lobbyOf(friends, { ...isListed, graceMs: 2 * lobbyLimits.auditIntervalMs });
    lobby.happens(cut("Ben"));
    expect(lobby.waits(lobbyLimits.auditIntervalMs).happens(woken())).toEqual([
      "save",
      "list 3/4",
      "audit Cid",
    ]);
  });
});

describe("a plain Orion client has no key to return with, and has left at once", () => {
  /** Ann and Ben know the additions. */
  const withPlain = (options: object = {}) => {
    const lobby = lobbyOf(["Ann", "Ben"], { ...rules, ...options });
    lobby.happens(joined("Dan"));
    return lobby.waits(lobbyLimits.presentMs);
  };

  test("when its connection ends", () => {
    const lobby = withPlain();
    expect(lobby.happens(cut("Dan"))).toEqual(["save", "lobby_peerDisconnect to Ann, Ben"]);
  });

  test("when it is lost with others, who may return", () => {
    const lobby = withPlain({ isPublic: true });
    expect(lobby.happens(lost("Ben", "Dan"))).toEqual([
      "save",
      "list 2/4",
      "lobby_memberAway to Ann",
      "lobby_peerDisconnect to Ann",
      "lobby_closed to Dan, released",
    ]);
    expect(presence(lobby, "Ben")).toBe("away");
  });

  test("also as host: one that is not lost with it follows", () => {
    const lobby = lobbyOf(["Ann"], { graceMs, isPublic: false, options: { onHostLoss: "migrate" } });
    lobby.happens(joined(knower("Ben")), joined(knower("Cid")));
    lobby.happens(lost("Ann", "Ben"));
    expect(lobby.state).toMatchObject({ hostId: "Cid", term: 2, away: [{ clientId: "Ben" }] });
  });

  test("also as host: the lobby closes", () => {
    const lobby = lobbyOf(["Ann", "Ben"], { graceMs, ...isPrivate }).waits(lobbyLimits.presentMs);
    expect(lobby.happens(cut("Ann"))).toEqual(["save", "lobby_closed to Ben, released", "forget"]);
  });
});

describe("a member that returns in time", () => {
  test("hears who is there, in order of arrival, and the others hear nothing in Orion's words", () => {
    const lobby = lobbyOf(friends, rules);
    lobby.happens(cut("Ben"));
    lobby.happens(joined("Dan"));
    lobby.happens(returned("Ben", { holder: "l9" }));
    expect(answerOf(lobby)).toMatchObject({
      ok: true,
      value: {
        lobbyId,
        lobbyName: "Friday",
        lobbyMembers: ["Ann", "Ben", "Cid", "Dan"],
        host: "Ann",
        privacy: "open",
      },
    });
    expect(presence(lobby, "Ben")).toBe("connected");
    expect(lobby.state?.members[1]).toMatchObject({ name: "Ben", holder: "l9" });
    lobby.happens(said("Ann", "welcome back"));
    const told = lobby.effects.flatMap((effect) => (effect.kind === "send" ? effect.to : []));
    expect(told.map(({ name, holder }) => `${name} at ${holder}`)).toContain("Ben at l9");
    expect(told).toHaveLength(4);
  });

  test("is answered again when the answer was lost, and nobody hears of it twice", () => {
    const lobby = lobbyOf(friends, rules);
    lobby.happens(cut("Ben"), returned("Ben"));
    const [first, before] = [answerOf(lobby), lobby.state];
    expect(lobby.happens(returned("Ben"))).toEqual(["answer yes"]);
    expect(answerOf(lobby)).toEqual(first);
    expect(lobby.state).toBe(before);
  });

  test("even when its time is over and the alarm is late", () => {
    const lobby = lobbyOf(friends, rules);
    lobby.happens(cut("Ben"));
    expect(lobby.waits(graceMs + 1).happens(returned("Ben"))).toContain("answer yes");
    expect(lobby.happens(woken())).toEqual([]);
  });

  test("wakes the lobby no more", () => {
    const lobby = lobbyOf(["Ann", "Dan"], rules);
    const before = wakesAt(lobby);
    lobby.happens(cut("Dan"));
    expect(wakesAt(lobby)).toBe(lobby.now + graceMs);
    lobby.happens(returned("Dan"));
    expect(wakesAt(lobby)).toBe(before);
  });
});

describe("a host that is away", () => {
  test("keeps the lobby open, and is its host when it is back", () => {
    const lobby = lobbyOf(friends, rules);
    expect(lobby.happens(cut("Ann"))).toEqual(["save", "lobby_memberAway to Ben, Cid"]);
    expect(lobby.happens(joined("Dan")).at(-1)).toBe("answer yes");
    lobby.happens(returned("Ann", { holder: "l9" }));
    expect(lobby.happens(started("Ann"))).toContain("ptpMediation_send to Ann, Ben, Cid, Dan");
  });

  test("closes it when its time is over", () => {
    const lobby = lobbyOf(friends, isListed);
    lobby.happens(cut("Ann"));
    const before = lobby.waits(graceMs).state;
    expect(lobby.happens(woken())).toEqual([
      "save",
      "unlist",
      "lobby_closed to Ben, Cid, released",
      "lobby_closed to Ann, released",
      "forget",
    ]);
    expect(lifeLines(before, woken(), lobby.state, lobby.now).at(-1)).toMatchObject({ why: "host lost" });
  });

  test("is not alone: when all are away, the lobby is over when their time is", () => {
    const lobby = lobbyOf(friends, rules);
    lobby.happens(cut("Ann"), lost("Ben", "Cid"));
    expect(lobby.state?.away).toHaveLength(3);
    lobby.waits(graceMs);
    expect(lobby.happens(woken())).toEqual([
      "save",
      "lobby_closed to , released",
      "lobby_closed to Ann, Ben, Cid, released",
      "forget",
    ]);
  });
});

test("a host whose time is over just when an audit is due closes the lobby, and nothing is listed again", () => {
  const lobby = lobbyOf(friends, { ...isListed, graceMs: lobbyLimits.auditIntervalMs });
  lobby.happens(cut("Ann"));
  const lines = lobby.waits(lobbyLimits.auditIntervalMs).happens(woken());
  expect(lines.filter((line) => line.startsWith("list") || line.startsWith("audit"))).toEqual([]);
  expect(lines.at(-1)).toBe("forget");
  expect(wakesAt(lobby)).toBe(lobby.now + lobbyLimits.auditIntervalMs);
});

describe("a mediation counts a member that is away as missing", () => {
  test("it waits for it, and asks it again when it is back", () => {
    const lobby = gathering(friends, rules);
    lobby.happens(seen("Ann", 1001), seen("Ben", 1002), cut("Ben"));
    expect(lobby.happens(seen("Cid", 1003))).toEqual(["ptpMediation_progress to Ann, Cid"]);
    expect(phaseOf(lobby)).toBe("gathering");
    lobby.happens(returned("Ben"));
    expect(lobby.waits(1).happens(woken())).toEqual(["save", "ptpMediation_send to Ann, Ben, Cid"]);
    expect(phaseOf(lobby)).toBe("gathering");
    lobby.happens(seen("Ben", 2002));
    expect(heard(lobby, "Ann", "ptpMediation_peersConnection_start")).toEqual([
      { peers: [endpoint(2002), endpoint(1003)] },
    ]);
  });

  test("it is not reminded, and the others are", () => {
    const lobby = gathering(friends, rules);
    lobby.happens(cut("Ben"));
    expect(lobby.waits(10_000).happens(woken())).toEqual([
      "save",
      "ptpMediation_send to Ann, Cid",
      "ptpMediation_progress to Ann, Cid",
    ]);
  });

  test("when it does not return, the mediation ends as if it had left then", () => {
    const lobby = gathering(friends, rules);
    lobby.happens(cut("Ben"));
    lobby.passes(graceMs - 1).waits(1);
    expect(lobby.happens(woken())).toContain("ptpMediation_aborted to Ann, Cid");
    expect(lobby.state?.phase).toEqual({ kind: "waiting", aborted: "member_left" });
  });

  test("one that goes on goes on without it a little later, and it is in the lobby still", () => {
    const lobby = gathering(friends, { ...rules, goesOn: true });
    lobby.happens(...friends.slice(0, 2).map((name) => seen(name, 1001)), cut("Cid"));
    expect(lobby.waits(lobbyLimits.stragglerMs).happens(woken())).toEqual([
      "save",
      "ptpMediation_peersConnection_start to Ann",
      "ptpMediation_peersConnection_start to Ben",
    ]);
    expect(lobby.state?.phase).toMatchObject({ lost: ["Cid"] });
    expect(lobby.happens(returned("Cid"))).toEqual(["save", "lobby_memberBack to Ann, Ben", "answer yes"]);
  });

  test("it is not over as long as one that reported is away, and is when that one is back", () => {
    const lobby = connecting(friends, rules);
    lobby.happens(reported("Ben"), cut("Ben"), reported("Ann"));
    expect(lobby.happens(reported("Cid"))).toEqual(["save"]);
    expect(lobby.happens(returned("Ben"))).toEqual([
      "save",
      "lobby_memberBack to Ann, Cid",
      "ptpMediation_success to Ann, Ben, Cid",
      "lobby_closed to Ann, Ben, Cid, released",
      "forget",
      "answer yes",
    ]);
  });

  test("one that goes on is over for the rest when time is up, whatever the one that is away has reported", () => {
    const lobby = connecting(friends, { ...rules, graceMs: 600_000, goesOn: true });
    lobby.happens(reported("Ben"), cut("Ben"), reported("Ann"), reported("Cid"));
    expect(
      lobby
        .passes(40_000 - 1)
        .waits(1)
        .happens(woken()),
    ).toEqual([
      "save",
      "ptpMediation_success to Ann, Cid",
      "lobby_closed to Ann, Ben, Cid, released",
      "forget",
    ]);
  });

  test("a host that is away hears no report", () => {
    const lobby = connecting(friends, rules);
    lobby.happens(cut("Ann"));
    expect(lobby.happens(failed("Cid", "Ann"))).toEqual(["save", "ptpMediation_aborted to Ben, Cid"]);
  });
});

describe("what must survive", () => {
  test("a lobby with a grace is a row from its opening: its host's socket may be the one that breaks", () => {
    expect(lobbyOf(["Ann"], rules).state?.isLasting).toBe(true);
    expect(lobbyOf(["Ann"], isPrivate).state?.isLasting).toBe(false);
  });

  test("who is away is known after a restart, and until when", () => {
    const lobby = lobbyOf(friends, rules);
    lobby.happens(cut("Ben"));
    lobby.state = lobby.state && restored(structuredClone(lasting(lobby.state)));
    expect(wakesAt(lobby)).toBe(lobby.now + graceMs);
    expect(lobby.happens(returned("Ben"))).toContain("answer yes");
  });
});

describe("when the clock jumps", () => {
  test("forward, members that are away have all their time again", () => {
    const lobby = lobbyOf(friends, rules);
    lobby.happens(cut("Ben"));
    lobby.waits(graceMs + sharedLimits.clockSlackMs + 1).happens(woken());
    expect(presence(lobby, "Ben")).toBe("away");
    expect(wakesAt(lobby)).toBe(lobby.now + graceMs);
    expect(lobby.waits(graceMs).happens(woken())).toContain("lobby_peerDisconnect to Ann, Cid");
  });

  test("back, they have no more than that", () => {
    const lobby = lobbyOf(friends, rules);
    lobby.happens(cut("Ben"));
    lobby.waits(-3_600_000).happens(woken());
    expect(wakesAt(lobby)).toBe(lobby.now + graceMs);
  });
});
