import { expect, test } from "vitest";
import { limits } from "../../../core/limits.ts";
import { portAt } from "../../../core/link/probing.ts";

test("every port that a NAT gives is tried once before any is tried again", () => {
  const ports = new Set(Array.from({ length: 64_512 }, (_, i) => portAt(12_345, i)));
  expect(ports.size).toBe(64_512);
  expect(Math.min(...ports)).toBe(1_024);
  expect(Math.max(...ports)).toBe(65_535);
});

test("sockets with ports in a row are found early, wherever they lie", () => {
  for (let first = 1_024; first < 65_280; first += 1_000) {
    const found = Array.from({ length: limits.birthdayProbes }, (_, i) => portAt(777, i)).findIndex(
      (port) => port >= first && port < first + limits.birthdaySockets,
    );
    expect(found).toBeGreaterThanOrEqual(0);
    expect(found).toBeLessThan(500);
  }
});

test("the odds are what they are said to be", () => {
  const misses = Math.exp((-limits.birthdaySockets * limits.birthdayProbes) / 64_512);
  expect(misses).toBeLessThan(0.0003);
});
