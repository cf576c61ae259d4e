import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { afterSilence, isNews, type Place, pickSidecar, type Sidecar } from "../../core/fleet.ts";
import { sharedLimits } from "../../core/limits.ts";

const paris: Place = { latitude: 48.86, longitude: 2.35 };
const lyon: Place = { latitude: 45.76, longitude: 4.84 };
const oslo: Place = { latitude: 59.91, longitude: 10.75 };
const tokyo: Place = { latitude: 35.68, longitude: 139.69 };
const suva: Place = { latitude: -18.14, longitude: 178.44 };
const apia: Place = { latitude: -13.83, longitude: -171.76 };

function sidecar(name: string, place?: Place, rest: Partial<Sidecar> = {}): Sidecar {
  return { name, port: 5990, load: 0, heardAt: 0, place, ...rest };
}

type Wish = Omit<Parameters<typeof pickSidecar>[1], "chance">;
const pick = (fleet: readonly Sidecar[], wish: Wish, chance = 0.5) => pickSidecar(fleet, { ...wish, chance });

/** By name: the part of all chances that falls to it. */
function shares(fleet: readonly Sidecar[], wish: Wish): Record<string, number> {
  const chances = Array.from({ length: 60 }, (_, i) => (i + 0.5) / 60);
  const names = chances.map((chance) => pick(fleet, wish, chance)?.name ?? "none");
  const by = Map.groupBy(names, (name) => name);
  return Object.fromEntries(Array.from(by, ([name, some]) => [name, some.length / chances.length]));
}

describe("the sidecar for a mediation", () => {
  test("is one that relays and shows how NATs map, though another is nearer, as long as there is such a one", () => {
    const able = { relays: true, secondPort: 5991 };
    const old = sidecar("old", paris);
    const fleet = [old, sidecar("half", paris, { relays: true }), sidecar("able", tokyo, able)];
    expect(pick(fleet, { place: paris })?.name).toBe("able");
    expect(pick(fleet, { place: paris, not: "able" })?.name).toBe("able");
    expect(pick([old], { place: paris })?.name).toBe("old");
  });

  test("is none when none is alive", () => {
    expect(pick([], { place: paris })).toBeUndefined();
    expect(pick([], { not: "paris" })).toBeUndefined();
  });

  test("is the nearest, however busy", () => {
    const fleet = [sidecar("tokyo", tokyo), sidecar("oslo", oslo), sidecar("paris", paris, { load: 90_000 })];
    expect(shares(fleet, { place: lyon })).toEqual({ paris: 1 });
    expect(shares(fleet, { place: tokyo })).toEqual({ tokyo: 1 });
  });

  test("is each of those about as near as often, whatever they say of their load and whoever spoke last", () => {
    const fleet = [
      sidecar("thief", paris, { load: 0, heardAt: 9 }),
      sidecar("paris", paris, { load: 2_000 }),
      sidecar("lyon", lyon, { load: 40_000, heardAt: 3 }),
      sidecar("oslo", oslo),
    ];
    expect(shares(fleet, { place: paris })).toEqual({ thief: 1 / 3, paris: 1 / 3, lyon: 1 / 3 });
    expect(shares(fleet, { place: paris, not: "thief" })).toEqual({ paris: 1 / 2, lyon: 1 / 2 });
  });

  test("is none that says it is overloaded, unless all that are as near do", () => {
    const load = sharedLimits.overload;
    const [full, free] = [sidecar("paris", paris, { load }), sidecar("lyon", lyon, { load: load - 1 })];
    expect(shares([full, free], { place: paris })).toEqual({ lyon: 1 });
    const both = [full, sidecar("lyon", lyon, { load: 2 * load })];
    expect(shares(both, { place: paris })).toEqual({ paris: 1 / 2, lyon: 1 / 2 });
  });

  test("is near across the date line", () => {
    const fleet = [sidecar("tokyo", tokyo), sidecar("apia", apia)];
    expect(shares(fleet, { place: suva })).toEqual({ apia: 1 });
  });

  test("is any of all when it is not known where the players are", () => {
    const fleet = [
      sidecar("paris", paris),
      sidecar("tokyo", tokyo),
      sidecar("nowhere"),
      sidecar("oslo", oslo),
    ];
    expect(shares(fleet, {})).toEqual({ paris: 1 / 4, tokyo: 1 / 4, nowhere: 1 / 4, oslo: 1 / 4 });
  });

  test("is one that is known to be near rather than one that is nobody knows where", () => {
    const fleet = [sidecar("nowhere"), sidecar("oslo", oslo, { load: 100 })];
    expect(pick(fleet, { place: paris })?.name).toBe("oslo");
  });

  test("is one that is nobody knows where, if there is no other", () => {
    expect(pick([sidecar("nowhere")], { place: paris })?.name).toBe("nowhere");
  });

  test("is another than the one that did not see everyone, even if that is far", () => {
    const fleet = [sidecar("paris", paris), sidecar("tokyo", tokyo)];
    expect(pick(fleet, { place: paris, not: "paris" })?.name).toBe("tokyo");
  });

  test("is the same one again if there is no other", () => {
    expect(pick([sidecar("paris", paris)], { place: paris, not: "paris" })?.name).toBe("paris");
  });

  test("goes to and fro between the two nearest with each reminder", () => {
    const fleet = [sidecar("paris", paris), sidecar("lyon", lyon), sidecar("tokyo", tokyo)];
    const asked = ["paris"];
    for (let i = 0; i < 3; i++) asked.push(pick(fleet, { place: paris, not: asked.at(-1) })?.name ?? "");
    expect(asked).toEqual(["paris", "lyon", "paris", "lyon"]);
  });
});

const place = fc.record({
  latitude: fc.double({ min: -90, max: 90, noNaN: true }),
  longitude: fc.double({ min: -180, max: 180, noNaN: true }),
});
const chances = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
const fleets = fc.uniqueArray(
  fc.record({
    name: fc.string({ maxLength: 3 }),
    port: fc.constant(5990),
    load: fc.nat(5),
    heardAt: fc.nat(5),
    place: fc.option(place, { nil: undefined }),
  }),
  { selector: ({ name }) => name, minLength: 1, maxLength: 8 },
);

test("of any fleet one is chosen, and not the one to avoid while there is another", () => {
  fc.assert(
    fc.property(
      fleets,
      fc.option(place, { nil: undefined }),
      fc.nat(),
      chances,
      (fleet, place, i, chance) => {
        const not = fleet[i % fleet.length]?.name;
        const chosen = pick(fleet, { place, not }, chance);
        expect(fleet).toContain(chosen);
        if (fleet.length > 1) expect(chosen?.name).not.toBe(not);
      },
    ),
  );
});

describe("when the edge's clock jumps", () => {
  const { sidecarLifeMs, fleetGapMs, fleetSpareMs, postClockMs } = sharedLimits;
  const start = 1e12;
  const alive = (heardAt: number) => sidecar("paris", paris, { heardAt });
  const livesUntil = (one: Sidecar) => one.heardAt + sidecarLifeMs;

  test("a sidecar that lived has one more interval, and only one until it speaks", () => {
    const now = start + 20 * 60_000;
    const spared = afterSilence(alive(start), start, now);
    expect(livesUntil(spared)).toBe(now + fleetSpareMs);
    expect(afterSilence(spared, now, now + fleetGapMs + 1)).toEqual(spared);
  });

  test("a sidecar that was dead before stays dead", () => {
    const dead = alive(start - sidecarLifeMs);
    expect(afterSilence(dead, start, start + 20 * 60_000)).toBe(dead);
  });

  test("a silence that is no longer than a quiet fleet's spares nobody", () => {
    expect(afterSilence(alive(start), start, start + fleetGapMs)).toEqual(alive(start));
  });

  test("a sidecar heard in what is now the future lives as if it was heard now", () => {
    expect(livesUntil(afterSilence(alive(start), start, start - 60_000))).toBe(
      start - 60_000 + sidecarLifeMs,
    );
  });

  test("a heartbeat must be newer than the last, unless the last is from before the clocks were set back", () => {
    const isTaken = (at: number | undefined, last: number | undefined) =>
      isNews({ at }, last === undefined ? undefined : { at: last }, start);
    expect(isTaken(start, undefined)).toBe(true);
    expect(isTaken(undefined, undefined)).toBe(true);
    for (const at of [start, start - 1, undefined]) expect(isTaken(at, start)).toBe(false);
    expect(isTaken(start + 1, start)).toBe(true);
    expect(isTaken(start, start + postClockMs)).toBe(false);
    expect(isTaken(start, start + postClockMs + 1)).toBe(true);
  });

  test("a heartbeat under a higher key is news, whatever was signed with the one before", () => {
    const isTaken = (keyNumber: number | undefined, last: number | undefined) =>
      isNews({ at: start, keyNumber }, { at: start + postClockMs, keyNumber: last }, start);
    for (const last of [1, undefined]) expect(isTaken(2, last)).toBe(true);
    expect(isTaken(3, 2)).toBe(true);
    for (const number of [1, 2, undefined]) expect(isTaken(number, 2)).toBe(false);
    for (const number of [1, undefined]) expect(isTaken(number, undefined)).toBe(false);
  });
});

test("choosing leaves the fleet in its order", () => {
  fc.assert(
    fc.property(fleets, (fleet) => {
      const before = [...fleet];
      pick(Object.freeze(fleet), {});
      expect(fleet).toEqual(before);
    }),
  );
});
