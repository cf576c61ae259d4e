import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { defaultTiming, positiveInteger } from "../../core/settings.ts";

test("the times of a mediation are Orion's unless an operator sets others", () => {
  expect(defaultTiming).toEqual({
    ptpmServerConnectTimeoutMs: 300_000,
    ptpmConnectRequestIntervalMs: 10_000,
    ptpmConnectTimeoutMs: 300_000,
  });
});

describe("a setting is a positive whole number", () => {
  for (const [text, value] of [
    ["1", 1],
    ["5980", 5980],
    ["2147483647", 2147483647],
    ["007", 7],
    ["0", null],
    ["000", null],
    ["2147483648", null],
    ["9999999999", null],
    ["10000000000", null],
    ["", null],
    [" 5", 5],
    ["5 ", 5],
    ["5\r\n", 5],
    [" ", null],
    ["5 5", null],
    ["-5", null],
    ["+5", null],
    ["1.5", null],
    ["1e3", null],
    ["0x10", null],
    ["1_000", null],
    ["five", null],
    ["٥", null],
    ["NaN", null],
    ["Infinity", null],
  ] as const) {
    test(`${JSON.stringify(text)} is ${value ?? "none"}`, () => expect(positiveInteger(text)).toBe(value));
  }
});

test("a setting may have a bound of its own, which is still within it", () => {
  expect(positiveInteger("65535", 65535)).toBe(65535);
  expect(positiveInteger("65536", 65535)).toBeNull();
});

test("any number from 1 on is read from its digits, and any text is a number or null", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1 }), fc.string(), (number, text) => {
      expect(positiveInteger(String(number))).toBe(number);
      const read = positiveInteger(text);
      if (read !== null) expect(Number(text)).toBe(read);
    }),
  );
});
