import { expect, test } from "vitest";
import { ConnectPace } from "../../../core/dialects/connect-pace.ts";

/** When connects begin, if all want to, and each look comes so many milliseconds after the last. */
function begun(forMs: number, everyMs: number): number[] {
  const pace = new ConnectPace();
  const times: number[] = [];
  for (let now = 0; now < forMs; now += everyMs) {
    for (; now >= pace.nextAt; pace.begin(now)) times.push(now);
  }
  return times;
}

test("gateways open 50 WebSockets a second, and never two at once", () => {
  const times = begun(10_000, 1);
  expect(times).toHaveLength(500);
  for (const at of times)
    expect(times.filter((one) => one >= at && one < at + 1_000).length).toBeLessThan(51);
  expect(Math.min(...times.slice(1).map((at, i) => at - (times[i] ?? 0)))).toBe(10);
});

test("of those, 20 a second are for players whom nothing has proved", () => {
  const pace = new ConnectPace();
  const times: number[] = [];
  for (let now = 0; now < 10_000; now += 10) {
    if (now < pace.nextUnprovenAt) continue;
    pace.begin(now, false);
    times.push(now);
  }
  expect(times).toHaveLength(200);
  for (const at of times)
    expect(times.filter((one) => one >= at && one < at + 1_000).length).toBeLessThan(21);
  expect(pace.nextAt).toBeLessThan(pace.nextUnprovenAt);
});

test("a busy machine, whose timers are late, keeps that pace", () => {
  expect(begun(10_000, 19)).toHaveLength(500);
});

test("if the edge does not serve, all wait, then one tries alone", () => {
  const pace = new ConnectPace();
  const many = [0, 20, 40, 60].map((now) => pace.begin(now));
  for (const turn of many) pace.ended(turn, "trouble", 100, 0.5);
  expect(pace.isOpen).toBe(false);
  expect(pace.nextAt).toBe(1_100);
  const alone = pace.begin(1_100);
  expect(pace.nextAt).toBe(Number.POSITIVE_INFINITY);
  pace.ended(alone, "served", 1_200, 0.5);
  expect(pace.isOpen).toBe(true);
  expect(pace.nextAt).toBe(1_110);
});

test("each time it fails again they wait twice as long, up to a minute, give or take half", () => {
  const holds = (random: number) => {
    const pace = new ConnectPace();
    return Array.from({ length: 10 }, (_, i) => {
      const now = 1_000_000 * i;
      pace.ended(pace.begin(now), "trouble", now, random);
      return pace.nextAt - now;
    });
  };
  expect(holds(0.5)).toEqual([1, 2, 4, 8, 16, 32, 60, 60, 60, 60].map((seconds) => 1_000 * seconds));
  expect(holds(0).at(-1)).toBe(30_000);
  expect(holds(1).at(-1)).toBe(90_000);
});

test("they wait as long as the edge asks, at least, and five minutes at most", () => {
  for (const [askedS, holdS] of [
    [20, 20],
    [100_000, 300],
  ] as const) {
    const pace = new ConnectPace();
    pace.ended(pace.begin(0), "trouble", 0, 0, 1_000 * askedS);
    expect(pace.nextAt).toBe(1_000 * holdS);
  }
});

test("a connect from before the trouble does not end it", () => {
  const pace = new ConnectPace();
  const early = pace.begin(0);
  pace.ended(pace.begin(20), "trouble", 100, 0.5);
  expect(pace.isNews(early)).toBe(false);
  pace.ended(early, "served", 200, 0.5);
  expect(pace.isOpen).toBe(false);
  expect(pace.nextAt).toBe(1_100);
});

test("a connect from before the trouble that fails late does not begin it again", () => {
  const pace = new ConnectPace();
  const late = pace.begin(0);
  pace.ended(pace.begin(20), "trouble", 100, 0.5);
  pace.ended(pace.begin(1_100), "served", 1_200, 0.5);
  pace.ended(late, "trouble", 5_000, 0.5);
  expect(pace.isOpen).toBe(true);
});

test("a player who gives up while it tries alone lets another one try", () => {
  const pace = new ConnectPace();
  pace.ended(pace.begin(0), "trouble", 0, 0.5);
  pace.ended(pace.begin(1_000), "unknown", 1_500, 0.5);
  expect(pace.isOpen).toBe(false);
  expect(pace.nextAt).toBe(1_010);
});
