/** Players who look for a lobby of a game at the same time: who is sent where. Time is the test's own. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { type Condition, readCondition } from "../../core/directory/search.ts";
import type { ListedLobby } from "../../core/wire/http.ts";
import { objectLimits } from "../../worker/objects/limits.ts";
import { lobby, type Placement, type Seeker } from "./a-directory.ts";

type End = (placement: Placement) => void;
type Matches = {
  readonly size: { kept: number; pending: number };
  place(seeker: Seeker, now: number, end: End): Placement | "waits";
  isOpen(lobby: ListedLobby, joined: readonly string[], now: number): void;
  giveBack(session: string, now: number): void;
  expire(now: number): void;
};
/** Imported by address because its types are those of Workers. */
const { Matches }: { Matches: new (listed: (game: string) => Iterable<object>) => Matches } = await import(
  new URL("../../worker/objects/matches.ts", import.meta.url).href
);

/** A game with its lobbies, and the players who look for one. */
function aGame() {
  const listed: { lobby: ListedLobby; round?: number }[] = [];
  const matches = new Matches((game) => listed.filter((one) => one.lobby.game === game));
  /** Where each was sent in the end. */
  const sent = new Map<string, Placement>();
  let now = 1_000_000;
  const game = {
    matches,
    listed,
    sent,
    waits: (ms: number) => {
      now += ms;
    },
    /** Where the player is sent at once; `waits` if it has to wait. */
    seeks: (session: string, more: Partial<Seeker> = {}) => {
      const seeker: Seeker = {
        session,
        game: "chess",
        where: [],
        not: [],
        code: `code of ${session}`,
        plan: { name: "Tea", maxMembers: 4 },
        ...more,
      };
      sent.delete(session);
      const placed = matches.place(seeker, now, (placement) => sent.set(session, placement));
      if (placed !== "waits") sent.set(session, placed);
      return placed === "waits" || placed === null
        ? placed
        : placed.kind === "open"
          ? "open"
          : placed.lobbyId;
    },
    lists: (id: string, more: Partial<ListedLobby> = {}, joined: string[] = [], round = 0) => {
      const entry = { lobby: lobby(id, { game: "chess", ...more }), round };
      const at = listed.findIndex((one) => one.lobby.id === id);
      if (at < 0) listed.push(entry);
      else listed[at] = entry;
      listed.sort((one, other) => (one.round ?? 0) - (other.round ?? 0));
      matches.isOpen(entry.lobby, joined, now);
    },
    givesBack: (session: string) => matches.giveBack(session, now),
    expires: () => matches.expire(now),
  };
  return game;
}

const where = (...texts: string[]): Condition[] => texts.flatMap((text) => readCondition(text) ?? []);

test("a player is sent to the lobby that is full soonest, and to none that it may not join", () => {
  const game = aGame();
  game.lists("FULL", { currentMembers: 4, full: true });
  game.lists("LOCKED", { currentMembers: 3, locked: true });
  game.lists("SECRET", { currentMembers: 3, hasPassword: true });
  game.lists("AWAY", { currentMembers: 4, full: false });
  game.lists("OTHER", { currentMembers: 3, game: "golf" });
  expect(game.seeks("Ann")).toBe("open");
  game.givesBack("Ann");
  game.lists("TWO", { currentMembers: 2 });
  game.lists("THREE", { currentMembers: 3 });
  expect([game.seeks("Ann"), game.seeks("Ben"), game.seeks("Cid"), game.seeks("Dan")]).toEqual([
    "THREE",
    "TWO",
    "TWO",
    "open",
  ]);
});

test("one address that opens many lobbies gets no more of the players than others", () => {
  const game = aGame();
  for (let i = 0; i < 5; i++) game.lists(`S${i}`, { currentMembers: 1, maxMembers: 2 }, [], i);
  game.lists("HONEST", { currentMembers: 1, maxMembers: 2 });
  const sent = ["A", "B", "C"].map((session) => game.seeks(session));
  expect(new Set(sent.slice(0, 2))).toEqual(new Set(["S0", "HONEST"]));
  expect(sent[2]).toBe("S1");
});

test("players who come at once wait for the first of them, and all go into its lobby; the fifth opens the next", () => {
  const game = aGame();
  expect(["A", "B", "C", "D", "E", "F"].map((session) => game.seeks(session))).toEqual([
    "open",
    "waits",
    "waits",
    "waits",
    "open",
    "waits",
  ]);
  game.lists("code of A");
  expect(game.sent.get("D")).toEqual({ kind: "join", lobbyId: "code of A" });
  expect(game.sent.has("F")).toBe(false);
  // Its places are kept for those who waited.
  expect(game.seeks("G")).toBe("waits");
  game.lists("code of A", { currentMembers: 2 }, ["B"]);
  game.givesBack("C");
  expect(game.seeks("H")).toBe("code of A");
  expect(game.seeks("I")).toBe("waits");
});

test("a place is kept for ten seconds, and one player has one", () => {
  const game = aGame();
  game.lists("X", { currentMembers: 3 });
  expect(game.seeks("Ann")).toBe("X");
  for (let i = 0; i < 20; i++) expect(game.seeks("Ann")).toBe("X");
  expect(game.matches.size.kept).toBe(1);
  game.waits(objectLimits.matchKeptMs - 1);
  expect(game.seeks("Ben")).toBe("open");
  game.givesBack("Ben");
  game.waits(1);
  expect(game.seeks("Ben")).toBe("X");
});

test("a player who joins uses up its own place alone, and one who came by code uses up none", () => {
  const game = aGame();
  game.lists("X", { maxMembers: 8 });
  for (const session of ["A", "B"]) game.seeks(session);
  game.lists("X", { maxMembers: 8, currentMembers: 2 }, ["by code"]);
  expect(game.matches.size.kept).toBe(2);
  game.lists("X", { maxMembers: 8, currentMembers: 3 }, ["A"]);
  expect(game.matches.size.kept).toBe(1);
  // Told again, because the answer was lost.
  game.lists("X", { maxMembers: 8, currentMembers: 3 }, ["A"]);
  expect(game.matches.size.kept).toBe(1);
});

test("if the one who is to open a lobby fails, the first who waits opens one, and the others wait for that", () => {
  const game = aGame();
  for (const session of ["A", "B", "C"]) game.seeks(session);
  game.givesBack("A");
  expect(game.sent.get("B")).toEqual({ kind: "open" });
  expect(game.sent.has("C")).toBe(false);
  game.lists("code of B");
  expect(game.sent.get("C")).toEqual({ kind: "join", lobbyId: "code of B" });
});

test("if it never comes back, the others wait for four seconds", () => {
  const game = aGame();
  for (const session of ["A", "B", "C"]) game.seeks(session);
  game.waits(objectLimits.matchOpeningMs - 1);
  game.expires();
  expect(game.sent.has("B")).toBe(false);
  game.waits(1);
  game.expires();
  expect(game.sent.get("B")).toEqual({ kind: "open" });
  // A late lobby is one like any other.
  game.lists("code of A");
  expect(game.seeks("D")).toBe("code of A");
});

test("a lobby that opens but is not listed, because its network has its share, is still that of those who wait", () => {
  const game = aGame();
  for (const session of ["A", "B"]) game.seeks(session);
  game.matches.isOpen(lobby("code of A", { game: "chess" }), [], 1_000_000);
  expect(game.sent.get("B")).toEqual({ kind: "join", lobbyId: "code of A" });
});

test("nobody waits for a lobby that is not what it looks for, or that will have a password", () => {
  const game = aGame();
  const plan = { name: "Tea", maxMembers: 4, data: { map: "dust" } };
  expect(game.seeks("A", { plan })).toBe("open");
  expect(game.seeks("B", { where: where("map:eq:dune") })).toBe("open");
  expect(game.seeks("C", { where: where("map:eq:dust") })).toBe("waits");
  game.givesBack("B");
  game.lists("code of A", { data: { map: "dust" }, currentMembers: 2 }, ["C"]);
  expect(game.seeks("D", { where: where("map:ne:dust"), plan: { ...plan, hasPassword: true } })).toBe("open");
  expect(
    game.seeks("E", { where: where("map:eq:dust"), not: ["code of A"], plan: { ...plan, locked: true } }),
  ).toBe("open");
  expect(game.seeks("F", { not: ["code of A"] })).toBe("open");
});

test("asked again, as after a lost answer, a player opens the same lobby, and those who wait go on waiting", () => {
  const game = aGame();
  expect([game.seeks("A"), game.seeks("B"), game.seeks("A")]).toEqual(["open", "waits", "open"]);
  expect(game.matches.size.pending).toBe(1);
  // Under another code it is another lobby, and the one who waited opens one.
  expect(game.seeks("A", { code: "another" })).toBe("waits");
  expect(game.sent.get("B")).toEqual({ kind: "open" });
});

test("who waits and asks again waits once: the first wait ends with nothing", () => {
  const game = aGame();
  game.seeks("A");
  game.seeks("B");
  game.matches.giveBack("B", 1_000_000);
  expect(game.sent.get("B")).toBeNull();
  game.sent.delete("B");
  expect(game.seeks("B")).toBe("waits");
  game.lists("code of A");
  expect(game.sent.get("B")).toEqual({ kind: "join", lobbyId: "code of A" });
});

test("places and lobbies to come are bounded, and beyond that players find lobbies all the same", () => {
  const game = aGame();
  for (let i = 0; i < objectLimits.matchPending + 50; i++)
    expect(game.seeks(`P${i}`, { game: `game-${i}` })).toBe("open");
  expect(game.matches.size.pending).toBe(objectLimits.matchPending);
  game.lists("BIG", { maxMembers: 1_000_000, currentMembers: 1 });
  for (let i = 0; i < 200; i++) {
    game.lists(`X${i}`, { maxMembers: 64, currentMembers: 1 });
    for (let n = 0; n < 63; n++) game.seeks(`${i} ${n}`);
  }
  expect(game.matches.size.kept).toBe(objectLimits.matchKept);
  expect(game.seeks("late")).toMatch(/^X/);
  // All of it ends by itself.
  game.waits(objectLimits.matchKeptMs);
  game.expires();
  expect(game.matches.size).toEqual({ kept: 0, pending: 0 });
});

test("when the clock is set back, what was kept ends all the same", () => {
  const game = aGame();
  game.lists("X", { currentMembers: 3 });
  game.seeks("A");
  game.seeks("B");
  game.waits(-60_000);
  game.expires();
  expect(game.matches.size).toEqual({ kept: 0, pending: 0 });
});

/**
 * Players come, join, open, are refused and vanish in any order. No lobby is ever sent more than it has places for, and when all
 * have come to rest, no two lobbies of the game are half empty that one could have held.
 */
test("whatever happens in whichever order, no place is given twice, and one lobby at most stays half full unless players give up", () => {
  const step = fc.record({
    who: fc.nat(11),
    what: fc.constantFrom("seek", "go", "go", "go", "fail", "wait"),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
      const game = aGame();
      const inside = new Map<string, Set<string>>();
      const settled = new Set<string>();
      const go = (who: string) => {
        const placed = game.sent.get(who);
        if (!placed || settled.has(who)) return;
        game.sent.delete(who);
        settled.add(who);
        const id = placed.kind === "open" ? `code of ${who}` : placed.lobbyId;
        const members = (inside.get(id) ?? new Set()).add(who);
        inside.set(id, members);
        expect(members.size).toBeLessThanOrEqual(4);
        game.lists(id, { currentMembers: members.size, full: members.size === 4 }, [who]);
      };
      const seeking = new Set<string>();
      // A place that is given back may be one in a lobby behind which another was opened already.
      let givenBack = 0;
      for (const { who: number, what } of steps) {
        const who = `P${number}`;
        if (settled.has(who)) continue;
        if (what === "seek") {
          seeking.add(who);
          game.seeks(who);
        } else if (what === "go") go(who);
        else if (what === "fail") {
          if (seeking.delete(who)) givenBack += 1;
          game.sent.delete(who);
          game.givesBack(who);
        } else game.waits(100);
      }
      // All who look for one get there in the end.
      for (let round = 0; round < 20; round++) for (const who of seeking) go(who);
      for (const who of seeking) expect(settled).toContain(who);
      const halfEmpty = [...inside.values()].filter(({ size }) => size < 4);
      expect(halfEmpty.length).toBeLessThanOrEqual(1 + givenBack);
    }),
    { numRuns: 2_000 },
  );
});
