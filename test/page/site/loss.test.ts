import { describe, expect, it } from "vitest";
import { Arrivals, numberIn, probeMs, probeOf } from "../../../page/site/loss.ts";

describe("the share of a peer's packets that gets lost", () => {
  it("is none where all arrive", () => {
    expect(lostOf([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])).toBe(0);
  });

  it("is a half where every second one is missing", () => {
    const every2nd = Array.from({ length: 15 }, (_, i) => 2 * i);
    expect(lostOf(every2nd)).toBeCloseTo(0.5, 1);
  });

  it("counts one that comes late, or twice, once", () => {
    expect(lostOf([0, 1, 2, 4, 3, 5, 5, 6, 7, 8, 9])).toBe(0);
  });

  it("is unknown at the beginning, and when nothing comes any more", () => {
    expect(lostOf([0, 1, 2])).toBeNull();
    const arrivals = arrivalsOf([0, 1, 2, 3, 4, 5, 6, 7]);
    expect(arrivals.lost(8 * probeMs + 60_000)).toBeNull();
  });

  it("begins anew when the peer's page was loaded again", () => {
    expect(lostOf([900, 901, 903, 905, 907, 909, 0, 1, 2, 3, 4, 5, 6, 7])).toBe(0);
  });

  it("takes no memory of a peer that counts as it likes", () => {
    const wild = Array.from({ length: 100_000 }, (_, i) => (i * 2_654_435_761) % 2 ** 32);
    expect(JSON.stringify(arrivalsOf(wild)).length).toBeLessThan(1_000);
    expect(lostOf(wild)).toBeNull();
  });
});

describe("packets that are counted", () => {
  it("have their number in them", () => {
    for (const number of [0, 1, 2 ** 32 - 1]) expect(numberIn(probeOf(number))).toBe(number);
  });

  it("are told from those of the game, whatever these are", () => {
    for (const packet of [[], [0x6c], [0x6c, 0x6f, 0x73, 0x73, 1, 2, 3], [1, 2, 3, 4, 5, 6, 7, 8]]) {
      expect(numberIn(new Uint8Array(packet))).toBeNull();
    }
  });
});

function arrivalsOf(numbers: readonly number[]): Arrivals {
  const arrivals = new Arrivals();
  numbers.forEach((number, i) => {
    arrivals.hear(number, i * probeMs);
  });
  return arrivals;
}

function lostOf(numbers: readonly number[]): number | null {
  return arrivalsOf(numbers).lost(numbers.length * probeMs);
}
