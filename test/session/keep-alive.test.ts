import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { sharedLimits } from "../../core/limits.ts";
import { KeepAlive } from "../../session/keep-alive.ts";

let pings: number;
let isOver: boolean;
let keepAlive: KeepAlive;
const everyMs = 30_000;
const begin = (ms: number | undefined) => {
  pings = 0;
  isOver = false;
  keepAlive = new KeepAlive({
    everyMs: ms,
    ping: () => {
      pings += 1;
    },
    lost: () => {
      isOver = true;
    },
  });
};
beforeEach(() => vi.useFakeTimers());
afterEach(() => {
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

test("a server that answers every ping is there as long as it does", () => {
  begin(everyMs);
  for (let i = 1; i <= 10; i++) {
    vi.advanceTimersByTime(everyMs);
    expect(pings).toBe(i);
    keepAlive.heard();
  }
  vi.advanceTimersByTime(sharedLimits.pongMs);
  expect(isOver).toBe(false);
  keepAlive.stop();
});

test("a server that has not answered a ping in time is gone, and pinged no more", () => {
  begin(everyMs);
  vi.advanceTimersByTime(everyMs + sharedLimits.pongMs - 1);
  expect(isOver).toBe(false);
  vi.advanceTimersByTime(1);
  expect(isOver).toBe(true);
  vi.advanceTimersByTime(10 * everyMs);
  expect(pings).toBe(1);
});

test("pings that come faster than the answer do not put off the end", () => {
  begin(sharedLimits.pongMs / 4);
  vi.advanceTimersByTime(sharedLimits.pongMs / 4 + sharedLimits.pongMs);
  expect(isOver).toBe(true);
});

test("a client that slept, or was busy, while it waited asks again before it takes the server for gone", () => {
  begin(everyMs);
  vi.advanceTimersByTime(everyMs);
  const awake = performance.now();
  const slept = vi.spyOn(performance, "now").mockReturnValue(awake + sharedLimits.pongMs + 2_000);
  vi.advanceTimersByTime(sharedLimits.pongMs);
  slept.mockRestore();
  expect([pings, isOver]).toEqual([2, false]);
  vi.advanceTimersByTime(sharedLimits.pongMs);
  expect(isOver).toBe(true);
});

test("a server that does not say how often is never pinged", () => {
  begin(undefined);
  vi.advanceTimersByTime(100 * everyMs);
  expect([pings, isOver]).toEqual([0, false]);
});
