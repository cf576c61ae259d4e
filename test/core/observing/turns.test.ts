/** Who of those that wait for a budget is next, who goes when a list is full, and who is known. */
import { describe, expect, test } from "vitest";
import { observingLimits } from "../../../core/observing/limits.ts";
import { meet, newMet } from "../../../core/observing/met.ts";
import {
  inOrder,
  join,
  leave,
  newTurns,
  type Place,
  shareOf,
  spared,
  waitingIn,
} from "../../../core/observing/turns.ts";

const { metMs, waitingInTurn } = observingLimits;
const at = (network: string, turn: Place["turn"] = "new"): Place => ({ turn, network });

describe("turns", () => {
  test("networks take them, the latest first, and so do the new and those that come again", () => {
    const turns = newTurns();
    for (const [key, place] of [
      ["a1", at("a")],
      ["b1", at("b")],
      ["a2", at("a")],
      ["a3", at("a")],
      ["c1", at("c", "again")],
      ["c2", at("c", "again")],
    ] as const)
      expect(join(turns, key, place)).toEqual([]);
    expect([...inOrder(turns)]).toEqual(["a3", "c2", "b1", "c1", "a2", "a1"]);
    leave(turns, "a3", at("a"));
    leave(turns, "a3", at("a"));
    expect([...inOrder(turns)]).toEqual(["a2", "c2", "b1", "c1", "a1"]);
    expect(waitingIn(turns)).toBe(5);
  });

  test("a full list does without the older half of the network that has most, if that is much", () => {
    const turns = newTurns();
    for (let i = 1; i < waitingInTurn; i++) join(turns, `eve ${i}`, at("eve"));
    join(turns, "Ann", at("home"));
    const evicted = join(turns, "eve again", at("eve"));
    expect(evicted).toContain("eve 1");
    expect(evicted).not.toContain("Ann");
    expect([...inOrder(turns)].slice(0, 2)).toEqual(["eve again", "Ann"]);
    expect(waitingIn(turns)).toBeLessThanOrEqual(waitingInTurn);
  });

  test("else without those of the networks heard least lately, whatever is in the other list", () => {
    const turns = newTurns();
    join(turns, "Ann", at("home", "again"));
    for (let i = 0; i < waitingInTurn; i++) expect(join(turns, `eve ${i}`, at(`${i}`))).toEqual([]);
    const evicted = join(turns, "one more", at("more"));
    expect(evicted[0]).toBe("eve 0");
    expect(evicted).not.toContain("Ann");
    expect(spared(turns)).toEqual(["Ann"]);
    expect(spared(newTurns())).toEqual([]);
  });

  test("a /24 has one share, and so has an IPv6 /48", () => {
    expect(shareOf("192.0.2.1")).toBe(shareOf("192.0.2.254"));
    expect(shareOf("192.0.2.1")).not.toBe(shareOf("192.0.3.1"));
    expect(shareOf("2001:db8:1:2::1")).toBe(shareOf("2001:db8:1:3::1"));
    expect(shareOf("2001:db8:1::1")).not.toBe(shareOf("2001:db8:2::1"));
  });
});

describe("a token is met", () => {
  test("for an hour at least, and two at most", () => {
    const met = newMet(0);
    expect(meet(met, "Ann", metMs - 1)).toBe(false);
    expect(meet(met, "Ann", metMs - 1)).toBe(true);
    expect(meet(met, "Ben", metMs - 1)).toBe(false);
    expect(meet(met, "Ann", 2 * metMs - 1)).toBe(true);
    expect(meet(met, "Ben", 3 * metMs)).toBe(false);
    expect(meet(met, "Ann", 9 * metMs)).toBe(false);
  });

  test("wrongly one time in twenty, after a million others", () => {
    const met = newMet(0);
    for (let i = 0; i < 1_000_000; i++) meet(met, `token ${i}`, 0);
    let wrong = 0;
    for (let i = 0; i < 1_000; i++) if (meet(met, `honest ${i}`, 0)) wrong += 1;
    expect(wrong).toBeLessThan(100);
    expect(meet(met, "token 7", 0)).toBe(true);
  });
});
