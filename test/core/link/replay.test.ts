import fc from "fast-check";
import { expect, test } from "vitest";
import { linkLimits } from "../../../core/link/limits.ts";
import { emptyWindow, receive } from "../../../core/link/replay.ts";

const near = fc.integer({ min: 1, max: 3 * linkLimits.replayWindow });
const far = fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER });

test("a number counts once, and not at all when 512 higher ones have come: as a plain set of all numbers would have it", () => {
  const numbers = fc.oneof(
    fc.array(fc.oneof(near, far), { maxLength: 200 }),
    fc.shuffledSubarray(allOf(700), { minLength: 600 }),
  );
  fc.assert(
    fc.property(numbers, (numbers) => {
      let window = emptyWindow;
      const seen = new Set<number>();
      for (const number of numbers) {
        const higher = [...seen].filter((other) => other > number).length;
        const isNew = !seen.has(number) && higher < linkLimits.replayWindow;
        const after = receive(window, number);
        expect(after !== null).toBe(isNew);
        if (after) seen.add(number);
        window = after ?? window;
        expect(window.numbers.length).toBeLessThanOrEqual(linkLimits.replayWindow);
      }
    }),
    { numRuns: 50, endOnFailure: true },
  );
});

test("numbers in order all count, each one once, however many are skipped", () => {
  for (const stride of [1, 1_000, linkLimits.skippedNumbers]) {
    let window = emptyWindow;
    for (let i = 1; i <= 2_000; i++) {
      window = receive(window, i * stride) ?? window;
      expect(window.numbers.at(-1)).toBe(i * stride);
      expect(receive(window, i * stride)).toBeNull();
      expect(receive(window, Math.max(1, i - 100) * stride)).toBeNull();
    }
  }
});

test("what overtakes another takes nothing from it, however many numbers lie between", () => {
  const window = receive(emptyWindow, 5 + linkLimits.skippedNumbers) ?? emptyWindow;
  expect(receive(window, 5)).not.toBeNull();
});

test("no number is below 1", () => {
  expect(receive(emptyWindow, 0)).toBeNull();
  expect(receive(emptyWindow, -1)).toBeNull();
});

function allOf(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i + 1);
}
