/** How long somebody waits who asks an object that fails. */
import { afterEach, beforeEach, expect, test, vi } from "vitest";

type Retry = <T>(call: () => Promise<T>, delaysMs: readonly number[]) => Promise<T>;
/** The Worker's, imported by address because its types are those of Workers. */
const { retry }: { retry: Retry } = await import(
  new URL("../../worker/platform/retry.ts", import.meta.url).href
);

const pass = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

// Time passes as the test says, so that a busy machine has no part in it.
beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal("scheduler", { wait: pass });
});
afterEach(() => {
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

/** Tries of a call that takes so long, and fails by a fault with these marks. */
async function triesOf(takesMs: number, marks: object): Promise<number> {
  let tries = 0;
  const failing = async () => {
    tries += 1;
    await pass(takesMs);
    throw Object.assign(new Error("it fails"), marks);
  };
  const failed = expect(retry(failing, [20, 40, 60])).rejects.toThrow();
  await vi.runAllTimersAsync();
  await failed;
  return tries;
}

test("a call that fails at once is tried once more after each delay", async () => {
  expect(await triesOf(0, { retryable: true })).toBe(4);
  expect(await triesOf(0, { durableObjectReset: true })).toBe(4);
});

test("one that takes its time to fail is not tried for longer than twice all delays", async () => {
  expect(await triesOf(150, { retryable: true })).toBe(2);
  expect(await triesOf(250, { retryable: true })).toBe(1);
});

test("what our own code threw, and what is overloaded, is not tried again", async () => {
  expect(await triesOf(0, { retryable: true, remote: true })).toBe(1);
  expect(await triesOf(0, { retryable: true, overloaded: true })).toBe(1);
  expect(await triesOf(0, {})).toBe(1);
});
