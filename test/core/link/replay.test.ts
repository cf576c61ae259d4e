import fc from "fast-check";
import { expect, test } from "vitest";
import { linkLimits } from "../../../core/link/limits.ts";
import { emptyWindow, receive } from "../../../core/link/replay.ts";

const near = fc.integer({ min: 1, max: 3 * linkLimits.replayWindow });
const far = fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER });

test("a number counts once, and not at all when it is far behind: as a plain set of all numbers would have it", () => {
  fc.assert(
    fc.property(fc.array(fc.oneof({ weight: 9, arbitrary: near }, far), { maxLength: 200 }), (numbers) => {
      let window = emptyWindow;
      const seen = new Set<number>();
      for (const number of numbers) {
        const isNew = !seen.has(number) && number > Math.max(0, ...seen) - linkLimits.replayWindow;
        const after = receive(window, number);
        expect(after !== null).toBe(isNew);
        if (after) seen.add(number);
        window = after ?? window;
      }
    }),
    { numRuns: 1_000 },
  );
});

test("numbers in order all count, each one once", () => {
  let window = emptyWindow;
  for (let number = 1; number <= 5_000; number++) {
    window = receive(window, number) ?? window;
    expect(window.highest).toBe(number);
    expect(receive(window, number)).toBeNull();
    expect(receive(window, Math.max(1, number - 100))).toBeNull();
  }
});

test("no number is below 1", () => {
  expect(receive(emptyWindow, 0)).toBeNull();
  expect(receive(emptyWindow, -1)).toBeNull();
});
