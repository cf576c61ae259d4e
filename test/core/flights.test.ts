/** How often one object calls another: at once while little happens, at a bounded pace when much does, and in order always. */
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { platformLimits } from "../../worker/platform/limits.ts";

type Batch = { id: string; items: number[] };
type Flights = { push(peer: string, item: number, kind: "delivery" | "news"): Promise<boolean> };
/** The Worker's part as it is used here. It is imported by address because its types are those of Workers. */
const worker: { Flights: new (dispatch: object) => Flights } = await import(
  new URL("../../worker/platform/flights.ts", import.meta.url).href
);

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** An object's flights, and the calls that its peers got. Each call is answered after so long. */
function flightsOf(answerMs: number) {
  const calls: { peer: string; items: number[] }[] = [];
  const flights = new worker.Flights({
    call: async (peer: string, { items }: Batch) => {
      calls.push({ peer, items });
      await new Promise((resolve) => setTimeout(resolve, answerMs));
      return null;
    },
    arrived: () => {},
    lost: () => {},
  });
  return { flights, calls };
}

test("what players say now and then goes at once, each in a call of its own", async () => {
  const { flights, calls } = flightsOf(5);
  for (let i = 0; i < platformLimits.callBurst; i++) {
    void flights.push("l1", i, "delivery");
    await vi.advanceTimersByTimeAsync(5);
    expect(calls).toHaveLength(i + 1);
  }
});

test("after a burst there are only so many calls a second, and they carry everything in order", async () => {
  const { flights, calls } = flightsOf(5);
  const seconds = 10;
  const acknowledged: Promise<boolean>[] = [];
  for (let i = 0; i < seconds * 100; i++) {
    acknowledged.push(flights.push("l1", i, "delivery"));
    await vi.advanceTimersByTimeAsync(10);
  }
  expect(calls.length).toBeGreaterThanOrEqual(seconds * platformLimits.callsPerSecond);
  expect(calls.length).toBeLessThanOrEqual(
    platformLimits.callBurst + seconds * platformLimits.callsPerSecond,
  );
  await vi.advanceTimersByTimeAsync(1_000);
  expect(calls.flatMap(({ items }) => items)).toEqual(Array.from({ length: seconds * 100 }, (_, i) => i));
  expect(new Set(await Promise.all(acknowledged))).toEqual(new Set([true]));
});

test("a busy peer does not slow down what goes to another", async () => {
  const { flights, calls } = flightsOf(5);
  for (let i = 0; i < 100; i++) {
    void flights.push("l1", i, "delivery");
    await vi.advanceTimersByTimeAsync(5);
  }
  void flights.push("l2", 0, "delivery");
  await vi.advanceTimersByTimeAsync(0);
  expect(calls.at(-1)).toEqual({ peer: "l2", items: [0] });
});

test("a peer that nobody called for a while has its burst again", async () => {
  const { flights, calls } = flightsOf(5);
  const busy = async () => {
    for (let i = 0; i < platformLimits.callBurst; i++) {
      void flights.push("l1", i, "delivery");
      await vi.advanceTimersByTimeAsync(5);
    }
  };
  await busy();
  await vi.advanceTimersByTimeAsync((platformLimits.callBurst / platformLimits.callsPerSecond) * 1000);
  await busy();
  expect(calls).toHaveLength(2 * platformLimits.callBurst);
});

test("a clock that is set back holds nothing up", async () => {
  const { flights, calls } = flightsOf(5);
  void flights.push("l1", 0, "delivery");
  await vi.advanceTimersByTimeAsync(5);
  vi.setSystemTime(Date.now() - 3_600_000);
  void flights.push("l1", 1, "delivery");
  await vi.advanceTimersByTimeAsync(5);
  expect(calls).toHaveLength(2);
});

test("what clients say to their lobby goes at once too, and after a burst what is said in a moment goes together", async () => {
  const { flights, calls } = flightsOf(5);
  const { newsBurst, newsPerSecond } = platformLimits;
  const push = async (count: number) => {
    for (let i = 0; i < count; i++) {
      void flights.push("l1", i, "news");
      await vi.advanceTimersByTimeAsync(10);
    }
  };
  await push(newsBurst);
  expect(calls).toHaveLength(newsBurst);
  const seconds = 10;
  await push(seconds * 100);
  expect(calls.length).toBeLessThanOrEqual(newsBurst + (seconds + newsBurst / 100) * newsPerSecond);
  const waiting = newsBurst + seconds * 100 - calls.flatMap(({ items }) => items).length;
  expect(waiting).toBeLessThanOrEqual(100 / newsPerSecond);
});

test("a lobby with members in many objects makes so many calls a second in all, and loses nothing", async () => {
  const { flights, calls } = flightsOf(5);
  const { allCallBurst, allCallsPerSecond } = platformLimits;
  const peers = Array.from({ length: 60 }, (_, i) => `l${i}`);
  const seconds = 20;
  const lines = Array.from({ length: seconds * 10 }, (_, i) => i);
  for (const line of lines) {
    for (const peer of peers) void flights.push(peer, line, "delivery");
    await vi.advanceTimersByTimeAsync(100);
  }
  expect(calls.length).toBeGreaterThanOrEqual(allCallBurst);
  expect(calls.length).toBeLessThanOrEqual(allCallBurst + seconds * allCallsPerSecond);
  await vi.advanceTimersByTimeAsync((peers.length / allCallsPerSecond) * 1000 + 1_000);
  for (const peer of peers)
    expect(calls.flatMap((call) => (call.peer === peer ? call.items : []))).toEqual(lines);
});

test("a busy lobby of 64 in ten lounges is heard within a second", async () => {
  const heardAfter: number[] = [];
  const said = new Map<number, number>();
  const flights = new worker.Flights({
    call: async (_: string, { items }: Batch) => {
      for (const item of items) heardAfter.push(Date.now() - (said.get(item) ?? 0));
      await new Promise((resolve) => setTimeout(resolve, 20));
      return null;
    },
    arrived: () => {},
    lost: () => {},
  });
  for (let line = 0; line < 15 * 60; line++) {
    said.set(line, Date.now());
    for (let lounge = 0; lounge < 10; lounge++) void flights.push(`l${lounge}`, line, "delivery");
    await vi.advanceTimersByTimeAsync(1000 / 15);
  }
  expect(Math.max(...heardAfter)).toBeLessThan(1_000);
});
