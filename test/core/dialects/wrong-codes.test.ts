/** What a lounge counts of codes that groovejet's clients try: whom it answers while others guess. */
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { groovejetLimits } from "../../../core/dialects/groovejet/limits.ts";
import { type Network, networksOf } from "../../../core/network.ts";
import type { ProblemCode, Refusal } from "../../../core/problem.ts";

type Asking = { refusal: Refusal } | { refusal: null; ended(refused: ProblemCode | null): void };
type WrongCodes = {
  refuse(networks: readonly Network[]): Refusal | null;
  count(networks: readonly Network[]): void;
  ask(lobbyId: string, networks: readonly Network[], who: "guest" | "host"): Asking;
  noteOpen(lobbyId: string): void;
};
/** The Worker's part as it is used here. It is imported by address because its types are those of Workers. */
const worker: { WrongCodes: new () => WrongCodes } = await import(
  new URL("../../../worker/sessions/wrong-codes.ts", import.meta.url).href
);

const { wrongCodes, quietCodes, unknownCodes, wrongCodeNetworks } = groovejetLimits;
const openRoom = "groovejet:aaaaa";
let codes: WrongCodes;
beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"], now: 1_700_000_000_000 });
  codes = new worker.WrongCodes();
  codes.noteOpen(openRoom);
});
afterEach(() => vi.useRealTimers());

const later = (ms: number) => vi.setSystemTime(Date.now() + ms);
/** An address in a /24 of its own. */
const stranger = (n: number) => networksOf(`203.${n}.113.7`);
let drawn = 0;
const newRoom = () => `groovejet:${(++drawn).toString(36).padStart(5, "0")}`;

/** How a client fares that tries a code: `refused` it is the lobby's answer. */
function tries(
  networks: readonly Network[],
  lobbyId: string,
  refused: ProblemCode | null,
  who: "guest" | "host" = "guest",
): "told" | "refused" {
  if (codes.refuse(networks)) return "refused";
  const asking = codes.ask(lobbyId, networks, who);
  if (asking.refusal) return "refused";
  asking.ended(refused);
  return "told";
}
const guesses = (networks: readonly Network[]) => tries(networks, newRoom(), "no_such_lobby");
const joins = (networks: readonly Network[]) => tries(networks, openRoom, null);

/** One network after the other tries codes of no room, until the lounge refuses to ask about more. */
function besiege(first: number): number {
  let n = first;
  while (guesses(stranger(n)) === "told") n++;
  return n + 1;
}

test("half of what a lounge may ask is kept for networks that do not guess", () => {
  const guesser = stranger(1);
  const told = Array.from({ length: 2 * unknownCodes }, () => guesses(guesser));
  expect(told.filter((one) => one === "told")).toHaveLength(unknownCodes / 2);
  for (let n = 2; n < 2 + unknownCodes / 2; n++) expect(guesses(stranger(n))).toBe("told");
  expect(guesses(stranger(100))).toBe("refused");
});

test("one that guesses is told nothing then, not even of a room that is open", () => {
  const guesser = stranger(1);
  while (guesses(guesser) === "told");
  expect(joins(guesser)).toBe("refused");
  expect(codes.refuse(guesser)).not.toBeNull();
  expect(joins(stranger(2))).toBe("told");
  // It waits for the half that it may use, and no longer.
  later(1_000);
  expect(joins(guesser)).toBe("told");
});

test("a code that the lounge does not ask about counts: few refusals show which rooms are open", () => {
  const next = besiege(1);
  const quiet = stranger(next);
  const answers = Array.from({ length: 10 }, () => guesses(quiet));
  expect(new Set(answers)).toEqual(new Set(["refused"]));
  expect(joins(quiet)).toBe("refused");
  // A mistake or two are none.
  const player = stranger(next + 1);
  for (let mistake = 1; mistake < quietCodes; mistake++) guesses(player);
  expect(joins(player)).toBe("told");
});

test("an address that guesses makes no guessers of its neighbours", () => {
  const guesser = networksOf("203.0.113.1");
  for (let tried = 0; tried < 2 * wrongCodes; tried++) codes.count(guesser);
  besiege(1);
  expect(joins(networksOf("203.0.113.2"))).toBe("told");
});

test("many who join one room at once are one question, and one guess", () => {
  const school = stranger(1);
  const room = newRoom();
  const askings = Array.from({ length: 2 * unknownCodes }, () => {
    expect(codes.refuse(school)).toBeNull();
    return codes.ask(room, school, "guest");
  });
  for (const asking of askings) if (asking.refusal === null) asking.ended(null);
  expect(askings.filter(({ refusal }) => refusal)).toEqual([]);
  // Nothing was used up.
  expect(Array.from({ length: unknownCodes }, (_, n) => guesses(stranger(2 + n)))).not.toContain("refused");
});

test("one code that is tried again and again is as many guesses", () => {
  const guesser = stranger(1);
  const room = newRoom();
  const told = Array.from({ length: 2 * unknownCodes }, () => tries(guesser, room, "no_such_lobby"));
  expect(told.filter((one) => one === "told")).toHaveLength(unknownCodes / 2);
});

test("a room that is there costs its players nothing, whether it lets them in or not", () => {
  const player = stranger(1);
  for (const refused of [null, "lobby_full", "host_away", "banned"] as const)
    for (let times = 0; times < 2 * wrongCodes; times++)
      expect(tries(player, newRoom(), refused)).toBe("told");
});

test("one that comes at once with many codes is a guesser before any is answered", () => {
  const crowd = stranger(1);
  const askings = Array.from({ length: 2 * unknownCodes }, () =>
    codes.refuse(crowd) ? null : codes.ask(newRoom(), crowd, "guest"),
  );
  expect(askings.filter((asking) => asking?.refusal === null)).toHaveLength(unknownCodes / 2);
});

test("a lobby that did not answer shows nothing, so nobody has guessed", () => {
  const player = stranger(1);
  for (let times = 0; times < quietCodes; times++) tries(player, newRoom(), "unavailable");
  besiege(2);
  expect(joins(player)).toBe("told");
});

test("a host that has its room back is given back what it was counted, and not more", () => {
  const host = stranger(1);
  for (let tried = 0; tried < quietCodes; tried++) codes.count(host);
  for (let back = 0; back < 100; back++) expect(tries(host, openRoom, null, "host")).toBe("told");
  besiege(2);
  expect(joins(host)).toBe("refused");
});

test("guessers are forgotten in a minute, and their number is bounded", () => {
  const guesser = stranger(1);
  for (let tried = 0; tried < wrongCodes; tried++) codes.count(guesser);
  expect(joins(guesser)).toBe("refused");
  later(60_000);
  besiege(2);
  expect(joins(guesser)).toBe("told");
  for (let tried = 0; tried < wrongCodes; tried++) codes.count(guesser);
  for (let n = 0; n < wrongCodeNetworks; n++) codes.count([{ name: `other ${n}`, shares: 1 }]);
  expect(codes.refuse(guesser)).toBeNull();
});
