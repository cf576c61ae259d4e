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

describe("the sidecar for a mediation", () => {
  test("is one that relays and shows how NATs map, though another is nearer, as long as there is such a one", () => {
    const able = { relays: true, secondPort: 5991 };
    const old = sidecar("old", paris);
    const fleet = [old, sidecar("half", paris, { relays: true }), sidecar("able", tokyo, able)];
    expect(pickSidecar(fleet, { place: paris })?.name).toBe("able");
    expect(pickSidecar(fleet, { place: paris, not: "able" })?.name).toBe("able");
    expect(pickSidecar([old], { place: paris })?.name).toBe("old");
  });

  test("is none when none is alive", () => {
    expect(pickSidecar([], { place: paris })).toBeUndefined();
    expect(pickSidecar([], { not: "paris" })).toBeUndefined();
  });

  test("is the nearest, however busy", () => {
    const fleet = [sidecar("tokyo", tokyo), sidecar("oslo", oslo), sidecar("paris", paris, { load: 9_000 })];
    expect(pickSidecar(fleet, { place: lyon })?.name).toBe("paris");
    expect(pickSidecar(fleet, { place: tokyo })?.name).toBe("tokyo");
  });

  test("is the least busy of those about as near", () => {
    const fleet = [sidecar("paris", paris, { load: 20 }), sidecar("lyon", lyon, { load: 10 })];
    expect(pickSidecar(fleet, { place: paris })?.name).toBe("lyon");
    expect(pickSidecar([...fleet].reverse(), { place: paris })?.name).toBe("lyon");
  });

  test("is the one heard from last of those as near and as busy", () => {
    const fleet = [sidecar("old", paris, { heardAt: 1 }), sidecar("new", paris, { heardAt: 2 })];
    expect(pickSidecar(fleet, { place: paris })?.name).toBe("new");
    expect(pickSidecar([...fleet].reverse(), { place: paris })?.name).toBe("new");
  });

  test("is near across the date line", () => {
    const fleet = [sidecar("tokyo", tokyo), sidecar("apia", apia, { load: 5 })];
    expect(pickSidecar(fleet, { place: suva })?.name).toBe("apia");
  });

  test("is the least busy of all when it is not known where the players are", () => {
    const fleet = [
      sidecar("paris", paris, { load: 3 }),
      sidecar("tokyo", tokyo, { load: 2 }),
      sidecar("nowhere", undefined, { load: 1 }),
    ];
    expect(pickSidecar(fleet, {})?.name).toBe("nowhere");
  });

  test("is one that is known to be near rather than one that is nobody knows where", () => {
    const fleet = [sidecar("nowhere"), sidecar("oslo", oslo, { load: 100 })];
    expect(pickSidecar(fleet, { place: paris })?.name).toBe("oslo");
  });

  test("is one that is nobody knows where, if there is no other", () => {
    expect(pickSidecar([sidecar("nowhere")], { place: paris })?.name).toBe("nowhere");
  });

  test("is another than the one that did not see everyone, even if that is far", () => {
    const fleet = [sidecar("paris", paris), sidecar("tokyo", tokyo)];
    expect(pickSidecar(fleet, { place: paris, not: "paris" })?.name).toBe("tokyo");
  });

  test("is the same one again if there is no other", () => {
    expect(pickSidecar([sidecar("paris", paris)], { place: paris, not: "paris" })?.name).toBe("paris");
  });

  test("goes to and fro between the two nearest with each reminder", () => {
    const fleet = [sidecar("paris", paris), sidecar("lyon", lyon, { load: 1 }), sidecar("tokyo", tokyo)];
    const asked: string[] = [];
    for (let i = 0; i < 4; i++)
      asked.push(pickSidecar(fleet, { place: paris, not: asked.at(-1) })?.name ?? "");
    expect(asked).toEqual(["paris", "lyon", "paris", "lyon"]);
  });
});

const place = fc.record({
  latitude: fc.double({ min: -90, max: 90, noNaN: true }),
  longitude: fc.double({ min: -180, max: 180, noNaN: true }),
});
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
    fc.property(fleets, fc.option(place, { nil: undefined }), fc.nat(), (fleet, place, i) => {
      const not = fleet[i % fleet.length]?.name;
      const chosen = pickSidecar(fleet, { place, not });
      expect(fleet).toContain(chosen);
      if (fleet.length > 1) expect(chosen?.name).not.toBe(not);
    }),
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
    expect(isNews(start, undefined, start)).toBe(true);
    expect(isNews(undefined, undefined, start)).toBe(true);
    for (const at of [start, start - 1, undefined]) expect(isNews(at, start, start)).toBe(false);
    expect(isNews(start + 1, start, start)).toBe(true);
    expect(isNews(start, start + postClockMs, start)).toBe(false);
    expect(isNews(start, start + postClockMs + 1, start)).toBe(true);
  });
});

test("choosing leaves the fleet in its order", () => {
  fc.assert(
    fc.property(fleets, (fleet) => {
      const before = [...fleet];
      pickSidecar(Object.freeze(fleet), {});
      expect(fleet).toEqual(before);
    }),
  );
});
