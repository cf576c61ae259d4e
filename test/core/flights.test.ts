/** How often one object calls another: at once while little happens, at a bounded pace when much does, and in order always. */
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { platformLimits } from "../../worker/platform/limits.ts";

type Batch = { id: string; items: number[] };
type Flights = { push(peer: string, item: number, how?: { isPaced: boolean }): Promise<boolean> };
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
    void flights.push("l1", i, { isPaced: true });
    await vi.advanceTimersByTimeAsync(5);
    expect(calls).toHaveLength(i + 1);
  }
});

test("after a burst there are only so many calls a second, and they carry everything in order", async () => {
  const { flights, calls } = flightsOf(5);
  const seconds = 10;
  const acknowledged: Promise<boolean>[] = [];
  for (let i = 0; i < seconds * 100; i++) {
    acknowledged.push(flights.push("l1", i, { isPaced: true }));
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
    void flights.push("l1", i, { isPaced: true });
    await vi.advanceTimersByTimeAsync(5);
  }
  void flights.push("l2", 0, { isPaced: true });
  await vi.advanceTimersByTimeAsync(0);
  expect(calls.at(-1)).toEqual({ peer: "l2", items: [0] });
});

test("a peer that nobody called for a while has its burst again", async () => {
  const { flights, calls } = flightsOf(5);
  const busy = async () => {
    for (let i = 0; i < platformLimits.callBurst; i++) {
      void flights.push("l1", i, { isPaced: true });
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
  void flights.push("l1", 0, { isPaced: true });
  await vi.advanceTimersByTimeAsync(5);
  vi.setSystemTime(Date.now() - 3_600_000);
  void flights.push("l1", 1, { isPaced: true });
  await vi.advanceTimersByTimeAsync(5);
  expect(calls).toHaveLength(2);
});

test("what is not paced goes as fast as the peer answers, also after a burst", async () => {
  const { flights, calls } = flightsOf(5);
  for (let i = 0; i < 4 * platformLimits.callBurst; i++) {
    void flights.push("l1", i);
    await vi.advanceTimersByTimeAsync(5);
  }
  expect(calls).toHaveLength(4 * platformLimits.callBurst);
});
