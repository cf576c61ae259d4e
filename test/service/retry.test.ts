/** How long somebody waits who asks an object that fails. */
import { setTimeout as pass, scheduler } from "node:timers/promises";
import { afterEach, beforeEach, expect, test, vi } from "vitest";

type Retry = <T>(call: () => Promise<T>, delaysMs: readonly number[]) => Promise<T>;
/** The Worker's, imported by address because its types are those of Workers. */
const { retry }: { retry: Retry } = await import(
  new URL("../../worker/platform/retry.ts", import.meta.url).href
);

beforeEach(() => {
  vi.stubGlobal("scheduler", scheduler);
});
afterEach(() => {
  vi.unstubAllGlobals();
});

/** Tries of a call that takes so long, and fails by a fault with these marks. */
async function triesOf(takesMs: number, marks: object): Promise<number> {
  let tries = 0;
  const failing = async () => {
    tries += 1;
    await pass(takesMs);
    throw Object.assign(new Error("it fails"), marks);
  };
  await expect(retry(failing, [20, 40, 60])).rejects.toThrow();
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
