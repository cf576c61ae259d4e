import fc from "fast-check";
import { expect, test } from "vitest";
import { codeShape } from "../../core/lobby/code.ts";
import {
  type Filling,
  firstLounge,
  loungeAfterFilled,
  loungeAfterFull,
  loungeName,
  loungeShape,
  regionAt,
  regionOfLounge,
} from "../../core/lounges.ts";
import { edgeLimits } from "../../worker/edge/limits.ts";

/** Lounges are dealt out in turn to nine regions, and to players of no known place. */
const shares = 10;
const regions = ["wnam", "enam", "sam", "weur", "eeur", "me", "afr", "apac", "oc"] as const;
const region = fc.constantFrom(null, ...regions);
const lounges = fc.integer({ min: shares, max: 59_000 });
const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

test.each([
  ["Lisbon", 38.7, -9.1, "weur"],
  ["Warsaw", 52.2, 21, "eeur"],
  ["New York", 40.7, -74, "enam"],
  ["San Francisco", 37.8, -122.4, "wnam"],
  ["São Paulo", -23.6, -46.6, "sam"],
  ["Dubai", 25.2, 55.3, "me"],
  ["Nairobi", -1.3, 36.8, "afr"],
  ["Tokyo", 35.7, 139.7, "apac"],
  ["Sydney", -33.9, 151.2, "oc"],
])("players in %s are put near them", (_, latitude, longitude, region) => {
  expect(regionAt({ latitude, longitude })).toBe(region);
});

test("players of whom no place is known have lounges of their own, with no region", () => {
  expect(regionAt(undefined)).toBeNull();
  expect(regionOfLounge(loungeName(firstLounge(null).lounge))).toBeNull();
});

test("the smallest deployment has one lounge in every region, and one of no region", () => {
  const firsts = [null, ...regions].map((region) => firstLounge(region).lounge);
  expect(firsts.toSorted((a, b) => a - b)).toEqual(Array.from({ length: shares }, (_, lounge) => lounge));
  expect(firsts.map((lounge) => regionOfLounge(loungeName(lounge)))).toEqual([null, ...regions]);
});

test("a region that has one lounge has no other to try", () => {
  for (const region of [null, ...regions]) {
    expect(loungeAfterFull(firstLounge(region), shares, 0.99).lounge).toBe(firstLounge(region).lounge);
  }
});

test("however many lounges turn out to be full, the next is another one of the region", () => {
  fc.assert(
    fc.property(region, lounges, fc.array(random, { maxLength: 40 }), (region, lounges, draws) => {
      let filling: Filling = firstLounge(region);
      for (const random of draws) {
        const before = filling;
        filling = loungeAfterFull(before, lounges, random);
        expect(regionOfLounge(loungeName(filling.lounge))).toBe(region);
        expect(filling.lounge).toBeGreaterThanOrEqual(0);
        expect(filling.lounge).toBeLessThan(lounges);
        if (filling.width > before.width) expect(filling.lounge).not.toBe(before.lounge);
      }
    }),
  );
});

test("every lounge of a region is drawn in the end", () => {
  const drawn = new Set<number>();
  let filling = firstLounge("oc");
  for (let i = 0; i < 2_000; i++) {
    drawn.add(filling.lounge);
    filling = loungeAfterFull(filling, 200, (i * 0.618) % 1);
  }
  expect(drawn.size).toBe(20);
});

/** The lounges that may come next, as places among those of their region. */
function mayBeNext(filling: Filling, lounges: number): number[] {
  const draws = Array.from({ length: 100 }, (_, i) => loungeAfterFull(filling, lounges, i / 100).lounge);
  return [...new Set(draws.map((lounge) => Math.floor(lounge / shares)))].toSorted((a, b) => a - b);
}

test("the next lounge is any of those not drawn from before, as many again, and nobody has been sent there", () => {
  const full = { ...firstLounge("weur"), width: 4, sent: 256 };
  expect(mayBeNext(full, 59_000)).toEqual([4, 5, 6, 7]);
  expect(loungeAfterFull(full, 59_000, 0.5)).toMatchObject({ width: 8, sent: 0 });
});

test("when a region has no more lounges, the next is any of them", () => {
  const lounges = 6 * shares;
  expect(mayBeNext({ ...firstLounge("weur"), width: 4 }, lounges)).toEqual([4, 5]);
  expect(mayBeNext({ ...firstLounge("weur"), width: 6 }, lounges)).toEqual([0, 1, 2, 3, 4, 5]);
  expect(loungeAfterFull({ ...firstLounge("weur"), width: 6 }, lounges, 0.99).width).toBe(6);
});

test("lounges that cannot be dealt out evenly are all used, the last one too", () => {
  const lounges = 5 * shares + 3;
  const used = [null, ...regions].flatMap((region) => {
    const first = firstLounge(region);
    const { width } = loungeAfterFull({ ...first, width: 100 }, lounges, 0);
    return mayBeNext({ ...first, width }, lounges).map((place) => place * shares + first.lounge);
  });
  expect(used.toSorted((a, b) => a - b)).toEqual(Array.from({ length: lounges }, (_, lounge) => lounge));
});

test("when a lounge was filled by this isolate, it looks for the next among the others that it knows: some may have room", () => {
  const filled = {
    ...firstLounge("weur"),
    lounge: firstLounge("weur").lounge + 3 * shares,
    width: 8,
    sent: 256,
  };
  const draws = Array.from({ length: 100 }, (_, i) => loungeAfterFilled(filled, 59_000, i / 100));
  expect(new Set(draws.map(({ lounge }) => Math.floor(lounge / shares)))).toEqual(
    new Set([0, 1, 2, 4, 5, 6, 7]),
  );
  for (const { lounge, width, sent } of draws) {
    expect({ region: regionOfLounge(loungeName(lounge)), width, sent }).toEqual({
      region: "weur",
      width: 8,
      sent: 0,
    });
  }
});

test("when the first lounge was filled, the next is another one", () => {
  const next = loungeAfterFilled(firstLounge("weur"), 59_000, 0.5);
  expect(next).toEqual({ lounge: firstLounge("weur").lounge + shares, width: 2, sent: 0 });
});

test("thousands of full lounges are got past in the tries one client has", () => {
  let filling = firstLounge("weur");
  for (let i = 0; i < edgeLimits.loungeDraws - 2; i++) filling = loungeAfterFull(filling, 59_000, 0.5);
  expect(filling.width).toBe(5_900);
});

test("while one lounge in six has room, hardly anybody is sent away", () => {
  const hasRoom = ({ lounge }: Filling) => Math.floor(lounge / shares) % 6 === 5;
  const random = aRandom();
  let sentAway = 0;
  for (let client = 0; client < 1_000; client++) {
    let filling = firstLounge("weur");
    for (let draw = 1; draw < edgeLimits.loungeDraws && !hasRoom(filling); draw++)
      filling = loungeAfterFull(filling, 59_000, random());
    if (!hasRoom(filling)) sentAway += 1;
  }
  expect(sentAway).toBeLessThan(10);
});

/** Numbers from 0 up to 1, the same in every run. */
function aRandom(): () => number {
  let state = 1;
  return () => {
    // Park and Miller, 1988.
    state = (state * 48_271) % 0x7fff_ffff;
    return state / 0x7fff_ffff;
  };
}

test("a lounge's name is no lobby's code, and no code is a lounge's name", () => {
  for (const lounge of [0, 9, 10, 12_345, 58_999]) {
    expect(loungeName(lounge)).toMatch(loungeShape);
    expect(loungeName(lounge)).not.toMatch(codeShape);
  }
  for (const code of ["00000", "L1234", "11234", "K3Y7Z"]) expect(code).not.toMatch(loungeShape);
});
