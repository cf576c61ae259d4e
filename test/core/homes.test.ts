import fc from "fast-check";
import { expect, test } from "vitest";
import {
  type Filling,
  fewestHomes,
  firstHome,
  homeAfterFilled,
  homeAfterFull,
  regionAt,
  regionOfHome,
} from "../../core/homes.ts";
import { limits } from "../../core/limits.ts";

const regions = ["wnam", "enam", "sam", "weur", "eeur", "me", "afr", "apac", "oc"] as const;
const region = fc.constantFrom(null, ...regions);
const homes = fc.integer({ min: fewestHomes, max: 59_000 });
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

test("players of whom no place is known have homes of their own, with no region", () => {
  expect(regionAt(undefined)).toBeNull();
  expect(regionOfHome(firstHome(null).home)).toBeNull();
});

test("the smallest deployment has one home in every region, and one of no region", () => {
  const firsts = [null, ...regions].map((region) => firstHome(region).home);
  expect(firsts.toSorted((a, b) => a - b)).toEqual(Array.from({ length: fewestHomes }, (_, home) => home));
  expect(firsts.map(regionOfHome)).toEqual([null, ...regions]);
});

test("a region that has one home has no other to try", () => {
  for (const region of [null, ...regions]) {
    expect(homeAfterFull(firstHome(region), fewestHomes, 0.99).home).toBe(firstHome(region).home);
  }
});

test("however many homes turn out to be full, the next is another one of the region", () => {
  fc.assert(
    fc.property(region, homes, fc.array(random, { maxLength: 40 }), (region, homes, draws) => {
      let filling: Filling = firstHome(region);
      for (const random of draws) {
        const before = filling;
        filling = homeAfterFull(before, homes, random);
        expect(regionOfHome(filling.home)).toBe(region);
        expect(filling.home).toBeGreaterThanOrEqual(0);
        expect(filling.home).toBeLessThan(homes);
        if (filling.width > before.width) expect(filling.home).not.toBe(before.home);
      }
    }),
  );
});

test("every home of a region is drawn in the end", () => {
  const drawn = new Set<number>();
  let filling = firstHome("oc");
  for (let i = 0; i < 2_000; i++) {
    drawn.add(filling.home);
    filling = homeAfterFull(filling, 200, (i * 0.618) % 1);
  }
  expect(drawn.size).toBe(20);
});

/** The homes that may come next, as places among those of their region. */
function mayBeNext(filling: Filling, homes: number): number[] {
  const draws = Array.from({ length: 100 }, (_, i) => homeAfterFull(filling, homes, i / 100).home);
  return [...new Set(draws.map((home) => Math.floor(home / fewestHomes)))].toSorted((a, b) => a - b);
}

test("the next home is any of those not drawn from before, as many again, and nobody has been sent there", () => {
  const full = { ...firstHome("weur"), width: 4, sent: 256 };
  expect(mayBeNext(full, 59_000)).toEqual([4, 5, 6, 7]);
  expect(homeAfterFull(full, 59_000, 0.5)).toMatchObject({ width: 8, sent: 0 });
});

test("when a region has no more homes, the next is any of them", () => {
  const homes = 6 * fewestHomes;
  expect(mayBeNext({ ...firstHome("weur"), width: 4 }, homes)).toEqual([4, 5]);
  expect(mayBeNext({ ...firstHome("weur"), width: 6 }, homes)).toEqual([0, 1, 2, 3, 4, 5]);
  expect(homeAfterFull({ ...firstHome("weur"), width: 6 }, homes, 0.99).width).toBe(6);
});

test("homes that cannot be dealt out evenly are all used, the last one too", () => {
  const homes = 5 * fewestHomes + 3;
  const used = [null, ...regions].flatMap((region) => {
    const first = firstHome(region);
    const { width } = homeAfterFull({ ...first, width: 100 }, homes, 0);
    return mayBeNext({ ...first, width }, homes).map((place) => place * fewestHomes + first.home);
  });
  expect(used.toSorted((a, b) => a - b)).toEqual(Array.from({ length: homes }, (_, home) => home));
});

test("when a home was filled by this isolate, it looks for the next among the others that it knows: some may have room", () => {
  const filled = {
    ...firstHome("weur"),
    home: firstHome("weur").home + 3 * fewestHomes,
    width: 8,
    sent: 256,
  };
  const draws = Array.from({ length: 100 }, (_, i) => homeAfterFilled(filled, 59_000, i / 100));
  expect(new Set(draws.map(({ home }) => Math.floor(home / fewestHomes)))).toEqual(
    new Set([0, 1, 2, 4, 5, 6, 7]),
  );
  for (const { home, width, sent } of draws) {
    expect({ region: regionOfHome(home), width, sent }).toEqual({ region: "weur", width: 8, sent: 0 });
  }
});

test("when the first home was filled, the next is another one", () => {
  const next = homeAfterFilled(firstHome("weur"), 59_000, 0.5);
  expect(next).toEqual({ home: firstHome("weur").home + fewestHomes, width: 2, sent: 0 });
});

test("thousands of full homes are got past in the tries one client has", () => {
  let filling = firstHome("weur");
  for (let i = 0; i < limits.homeDraws - 2; i++) filling = homeAfterFull(filling, 59_000, 0.5);
  expect(filling.width).toBe(5_900);
});

test("while one home in six has room, hardly anybody is sent away", () => {
  const hasRoom = ({ home }: Filling) => Math.floor(home / fewestHomes) % 6 === 5;
  const random = aRandom();
  let sentAway = 0;
  for (let client = 0; client < 1_000; client++) {
    let filling = firstHome("weur");
    for (let draw = 1; draw < limits.homeDraws && !hasRoom(filling); draw++)
      filling = homeAfterFull(filling, 59_000, random());
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
