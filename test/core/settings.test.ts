import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { defaultTiming, positiveInteger, readSettings } from "../../core/settings.ts";

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

describe("what an operator sets is read, or told what is wrong with it", () => {
  for (const [name, given, value] of [
    ["clientsPerLounge", " 12\n", 12],
    ["clientsPerLounge", "1025", null],
    ["clientsPerLounge", 0, null],
    ["directoryMaxAgeMs", "0", 0],
    ["directoryShards", "0", null],
    ["logLobbies", "on", true],
    ["logLobbies", false, false],
    ["logLobbies", "yes", null],
    ["region", "weur", "weur"],
    ["region", "", undefined],
    ["region", "europe", null],
    ["allowedOrigin", "https://A.example/  https://b.example", ["https://a.example", "https://b.example"]],
    ["reverseProxies", "::ffff:192.0.2.1 2001:DB8:0::1", ["192.0.2.1", "2001:db8::1"]],
    ["reverseProxies", "proxy.example", null],
  ] as const) {
    test(`${name} = ${JSON.stringify(given)}`, () => {
      const { settings, mistakes } = readSettings({ [name]: given });
      if (value === null) expect(mistakes).toEqual([expect.stringContaining(name)]);
      else expect([settings[name], mistakes]).toEqual([value ?? null, []]);
    });
  }

  test("nothing given is all defaults, and each mistake is told", () => {
    expect(readSettings({})).toMatchObject({ settings: defaultTiming, mistakes: [] });
    expect(readSettings({ region: "x", logLobbies: "x", directoryShards: -1 }).mistakes).toHaveLength(3);
  });
});
