/** Whether a client that pings is there: at looks that come in time, and around jumps of the clock. */
import { expect, test } from "vitest";
import { sharedLimits } from "../../core/limits.ts";
import { doubtAfterMs, doubtLastsMs, presenceOf } from "../../core/presence.ts";
import { noon } from "./a-lobby.ts";

const hour = 3_600_000;
const [silence, doubt] = [doubtAfterMs(), doubtLastsMs()];

test("a client that pings as it is told, or as a sleeping page does, is never gone", () => {
  for (const apart of [sharedLimits.pingMs, sharedLimits.pingMs + sharedLimits.pongMs, 60_000 - 1]) {
    let since: number | null = null;
    for (let now = noon; now < noon + hour; now += 1_000) {
      const sign = noon + Math.floor((now - noon) / apart) * apart;
      const presence = presenceOf([sign], since, now);
      expect(presence.kind).not.toBe("gone");
      since = presence.kind === "doubted" ? presence.since : null;
    }
  }
});

test("a silent client is doubted, then gone, at two looks in time", () => {
  expect(presenceOf([noon], null, noon + silence)).toEqual({ kind: "here" });
  const first = noon + silence + 1;
  expect(presenceOf([noon], null, first)).toEqual({ kind: "doubted", since: first });
  expect(presenceOf([noon], first, first + doubt - 1)).toEqual({ kind: "doubted", since: first });
  expect(presenceOf([noon], first, first + doubt)).toEqual({ kind: "gone" });
  expect(presenceOf([noon], first, first + doubt + sharedLimits.clockSlackMs)).toEqual({ kind: "gone" });
  expect(silence + doubt).toBe(sharedLimits.pinglessMs);
});

test("any sign of life ends a doubt, and the next silence is doubted anew", () => {
  const first = noon + silence + 1;
  expect(presenceOf([noon, first + 1], first, first + 2)).toEqual({ kind: "here" });
  const later = first + 1 + silence + 1;
  expect(presenceOf([noon, first + 1], first, later)).toEqual({ kind: "doubted", since: later });
});

test("a clock that jumps forward, before a look or between two, gives one more interval", () => {
  for (const jump of [200_000, hour, 24 * hour]) {
    expect(presenceOf([noon], null, noon + jump)).toEqual({ kind: "doubted", since: noon + jump });
    expect(presenceOf([noon], noon + silence + 1, noon + jump)).toEqual({
      kind: "doubted",
      since: noon + jump,
    });
  }
});

test("a clock that is set back makes nobody immortal, and ends nobody at once", () => {
  const now = noon - hour;
  expect(presenceOf([noon], null, now)).toEqual({ kind: "doubted", since: now });
  expect(presenceOf([noon], noon, now)).toEqual({ kind: "doubted", since: now });
  expect(presenceOf([noon], now, now + doubt)).toEqual({ kind: "gone" });
  expect(presenceOf([noon, now + 5_000], now, now + 6_000)).toEqual({ kind: "here" });
});
