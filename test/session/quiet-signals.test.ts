import { expect, test } from "vitest";
import { QuietSignals } from "../../session/quiet-signals.ts";

test("a program hears of its own signals that fail, and not of those of its links", () => {
  const signals = new QuietSignals();
  expect(signals.isQuiet("bo", 0)).toBe(false);
  signals.note("links", "bo", 0);
  expect([signals.isQuiet("bo", 9_999), signals.isQuiet("cy", 1), signals.isQuiet("bo", 10_000)]).toEqual([
    true,
    false,
    false,
  ]);
  signals.note("program", "bo", 100);
  expect(signals.isQuiet("bo", 200)).toBe(false);
  signals.note("links", "bo", 20_000);
  expect(signals.isQuiet("bo", 20_001)).toBe(true);
});

test("only so many members are remembered", () => {
  const signals = new QuietSignals();
  for (let i = 0; i < 1_000; i++) signals.note("links", String(i), 0);
  expect([signals.isQuiet("0", 1), signals.isQuiet("999", 1)]).toEqual([false, true]);
});
