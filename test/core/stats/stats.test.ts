/** The operator's statistics, as one of their objects keeps them. */
import { describe, expect, test } from "vitest";
import { keptStats, readKeptStats } from "../../../core/stats/kept.ts";
import { statsLimits } from "../../../core/stats/limits.ts";
import type { StatsNews } from "../../../core/stats/news.ts";
import { sumOf, sumOfCharts } from "../../../core/stats/slots.ts";
import { hear, hourMs, latest, minuteMs, newStats, read } from "../../../core/stats/stats.ts";

const noon = Date.UTC(2030, 0, 1, 12);
const open = (
  lobbyId: string,
  members: number,
  more: { isPublic?: boolean; isNew?: true } = {},
): StatsNews => {
  return { kind: "open", lobbyId, members, isPublic: false, ...more };
};
const over = (lobbyId: string): StatsNews => ({ kind: "over", lobbyId });
const ended = (kind: "direct" | "relayed" | "unsaid" | "failed", ...why: string[]): StatsNews => ({
  kind: "outcome",
  outcome: { kind, why: why as [], leftOut: 0 },
});

/** What a piece of news makes of two lobbies: A with 2 members, listed, and B with 4, private. */
const rows: [
  what: string,
  news: StatsNews[],
  level: [lobbies: number, players: number],
  isWorthARow: boolean,
][] = [
  ["a lobby opens", [open("C", 1, { isNew: true })], [3, 7], true],
  ["a player joins", [open("A", 3, { isPublic: true })], [2, 7], true],
  ["a lobby says again what it said", [open("B", 4)], [2, 6], false],
  ["a lobby becomes private", [open("A", 2)], [2, 6], true],
  ["a lobby is over", [over("A")], [1, 4], true],
  ["a lobby is over that nobody knows", [over("X")], [2, 6], true],
  ["the same end comes twice", [over("A"), over("A")], [1, 4], true],
  [
    "another lobby opens under a code that was not known to be free",
    [open("A", 1, { isNew: true })],
    [2, 5],
    true,
  ],
  ["a mediation ends", [ended("direct")], [2, 6], true],
  ["requests are refused", [{ kind: "refused", counts: { not_found: 3 } }], [2, 6], true],
  ["the fleet is heard of", [{ kind: "fleet", sidecars: 2, load: 10 }], [2, 6], true],
];

describe("of two lobbies", () => {
  for (const [what, news, [lobbies, players], isWorthARow] of rows) {
    test(`${what}: ${lobbies} with ${players} players`, () => {
      const stats = newStats();
      hear(stats, [open("A", 2, { isPublic: true, isNew: true }), open("B", 4, { isNew: true })], noon);
      expect(hear(stats, news, noon + 1)).toBe(isWorthARow);
      expect(read(stats, noon + 1).level).toEqual({ lobbies, players });
      // As often as it is kept and read again.
      const again = readKeptStats(structuredClone(keptStats(stats)));
      expect(read(again, noon + 1)).toEqual(read(stats, noon + 1));
    });
  }
});

test("lobbies that are not listed are counted apart", () => {
  const stats = newStats();
  hear(stats, [open("A", 2, { isPublic: true }), open("B", 4)], noon);
  expect(read(stats, noon).unlisted).toEqual({ lobbies: 1, players: 4 });
  hear(stats, [open("A", 2)], noon);
  expect(read(stats, noon).unlisted).toEqual({ lobbies: 2, players: 6 });
});

test("an hour has sixty minutes and a day 24 hours, also when nothing was heard for long", () => {
  const stats = newStats();
  hear(stats, [open("A", 2, { isNew: true })], noon);
  hear(stats, [open("A", 3)], noon + 10 * minuteMs);
  const later = read(stats, noon + 20 * minuteMs, { withHours: true });
  expect(later.minutes.length).toBe(60);
  expect(later.hours.length).toBe(24);
  const players = later.minutes.map(({ end }) => end.players);
  expect(players.slice(-21)).toEqual([...Array(10).fill(2), ...Array(11).fill(3)]);
  expect(players.slice(0, -21)).toEqual(Array(39).fill(0));
  expect(later.minutes.map(({ opened }) => opened).reduce((sum, one) => sum + one, 0)).toBe(1);
  // The news themselves are gone from the chart of the hour; what they said of the lobby still holds.
  const muchLater = read(stats, noon + 5 * hourMs, { withHours: true });
  expect(muchLater.minutes.map(({ end }) => end.players)).toEqual(Array(60).fill(3));
  expect(muchLater.hours.at(-6)).toMatchObject({ opened: 1, start: { players: 0 }, end: { players: 3 } });
});

test("a peak within an hour is seen although it is over", () => {
  const stats = newStats();
  hear(stats, [open("A", 2)], noon);
  hear(stats, [open("A", 9)], noon + minuteMs);
  hear(stats, [over("A")], noon + 2 * minuteMs);
  expect(read(stats, noon + 3 * minuteMs, { withHours: true }).hours.at(-1)).toMatchObject({
    peak: { lobbies: 1, players: 9 },
    end: { lobbies: 0, players: 0 },
  });
});

test("why mediations fail, and why they are relayed, is counted by cause", () => {
  const stats = newStats();
  hear(stats, [ended("failed", "udp-blocked", "no-udp"), ended("failed", "udp-blocked")], noon);
  hear(stats, [ended("relayed", "both-endpoint-dependent"), ended("direct")], noon + minuteMs);
  const hour = sumOf(0, read(stats, noon + minuteMs).minutes);
  expect(hour).toMatchObject({
    outcomes: { failed: 2, relayed: 1, direct: 1 },
    failed: { "udp-blocked": 2, "no-udp": 1 },
    relayed: { "both-endpoint-dependent": 1 },
  });
  // What is more than an hour old is counted in the day, and in all.
  const later = read(stats, noon + 2 * hourMs, { withHours: true });
  expect(sumOf(0, later.minutes).outcomes).toEqual({});
  expect(sumOf(0, later.hours).outcomes).toEqual({ failed: 2, relayed: 1, direct: 1 });
  expect(later.total.outcomes).toEqual({ failed: 2, relayed: 1, direct: 1 });
});

test("a lobby whose end was lost is forgotten after a day, and one that says it is open is not", () => {
  const stats = newStats();
  hear(stats, [open("lost", 4), open("here", 2)], noon);
  const halfADay = noon + statsLimits.statsAliveRowMs;
  expect(hear(stats, [open("here", 2)], halfADay)).toBe(true);
  expect(hear(stats, [open("here", 2)], halfADay + hourMs)).toBe(false);
  const day = noon + statsLimits.lobbyKnownMs;
  expect(read(stats, day - 1).level).toEqual({ lobbies: 2, players: 6 });
  expect(read(stats, day).level).toEqual({ lobbies: 1, players: 2 });
});

test("a clock that was set back leaves no minutes of the future, and breaks nothing", () => {
  const stats = newStats();
  hear(stats, [open("A", 2, { isNew: true })], noon + 3 * hourMs);
  hear(stats, [open("A", 5)], noon);
  const { minutes, level } = read(stats, noon);
  expect(level).toEqual({ lobbies: 1, players: 5 });
  expect(minutes.at(-1)).toMatchObject({ at: noon / minuteMs, end: { players: 5 } });
  expect(minutes.length).toBe(60);
});

test("nothing grows without bound: lobbies, codes, minutes", () => {
  const stats = newStats();
  for (let i = 0; i < statsLimits.lobbiesKnown + 10; i++) hear(stats, [open(`L${i}`, 1)], noon);
  expect(stats.open.size).toBe(statsLimits.lobbiesKnown);
  expect(latest(stats, 2).map(([lobbyId]) => lobbyId)).toEqual(["L40009", "L40008"]);
  for (let i = 0; i < 1_000; i++) hear(stats, [{ kind: "refused", counts: { [`code ${i}`]: 1 } }], noon);
  expect(Object.keys(stats.total.refused).length).toBe(statsLimits.codesCounted + 1);
  expect(Object.values(stats.total.refused).reduce((sum, one) => sum + one, 0)).toBe(1_000);
  for (let i = 0; i < 10_000; i++) hear(stats, [ended("direct")], noon + i * minuteMs);
  expect(stats.minutes.length).toBe(statsLimits.minutesKept);
  expect(stats.hours.length).toBe(statsLimits.hoursKept);
  expect(keptStats(stats).open.length).toBeLessThanOrEqual(statsLimits.lobbiesLength);
});

test("a code that is called like a property of every object is a code", () => {
  const stats = newStats();
  hear(stats, [{ kind: "refused", counts: { constructor: 2, toString: 1 } }], noon);
  expect(stats.total.refused).toEqual({ constructor: 2, toString: 1 });
});

test("the longest names of a dialect do not make the row too large, and the last heard of stay", () => {
  const stats = newStats();
  const name = (i: number) => `noray:${String(i).padStart(64, "x")}`;
  for (let i = 0; i < 30_000; i++) hear(stats, [open(name(i), 1)], noon);
  const kept = keptStats(stats);
  expect(kept.open.length).toBeLessThanOrEqual(statsLimits.lobbiesLength);
  expect(latest(readKeptStats(kept), 1)[0]?.[0]).toBe(name(29_999));
});

test("what was kept by something else, or by a process whose lobbies are gone, is left out", () => {
  const stats = newStats();
  hear(stats, [open("A", 2, { isNew: true })], noon);
  const lost = readKeptStats(keptStats(stats), true);
  expect([read(lost, noon).level, lost.total.opened]).toEqual([{ lobbies: 0, players: 0 }, 1]);
  for (const kept of [undefined, null, 5, "x", {}, { v: 2 }]) expect(readKeptStats(kept)).toEqual(newStats());
});

test("what several objects have counted is one chart", () => {
  const [one, other] = [newStats(), newStats()];
  hear(one, [open("A", 2, { isNew: true }), { kind: "fleet", sidecars: 3, load: 70 }], noon);
  hear(other, [open("B", 4, { isNew: true }), ended("relayed", "udp-blocked")], noon);
  const chart = sumOfCharts([read(one, noon).minutes, read(other, noon).minutes]);
  expect(chart.length).toBe(60);
  expect(chart.at(-1)).toMatchObject({
    opened: 2,
    outcomes: { relayed: 1 },
    relayed: { "udp-blocked": 1 },
    end: { lobbies: 2, players: 6 },
    fleet: { sidecars: 3, load: 70 },
  });
});
