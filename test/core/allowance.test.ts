import { expect, test } from "vitest";
import { type Allowance, newAllowance, spend } from "../../core/allowance.ts";
import { sharedLimits } from "../../core/limits.ts";

const { frameBurst, framesPerSecond, steadyFrameBurst, steadyFramesPerSecond, framesDropped } = sharedLimits;
const noon = Date.UTC(2030, 0, 1, 12);

/** What became of each of so many messages sent at this time. */
function sends(allowance: Allowance, messages: number, now: number): string[] {
  return Array.from({ length: messages }, () => spend(allowance, now));
}
const count = (verdicts: string[], verdict: string) => verdicts.filter((each) => each === verdict).length;

test("a burst is taken, and what comes beyond it at the same time is dropped", () => {
  const allowance = newAllowance(noon);
  expect(new Set(sends(allowance, frameBurst, noon))).toEqual(new Set(["take"]));
  expect(spend(allowance, noon)).toBe("drop");
});

test("a player at the full rate is heard for seconds", () => {
  const allowance = newAllowance(noon);
  sends(allowance, frameBurst, noon);
  for (let second = 1; second <= (steadyFrameBurst - frameBurst) / framesPerSecond; second++) {
    const verdicts = sends(allowance, framesPerSecond, noon + second * 1000);
    expect(count(verdicts, "take")).toBe(framesPerSecond);
  }
});

test("a player at the steady rate is heard for as long as it likes, also after a burst", () => {
  const allowance = newAllowance(noon);
  sends(allowance, frameBurst, noon);
  for (let second = 1; second <= 24 * 3_600; second++) {
    const verdicts = sends(allowance, steadyFramesPerSecond, noon + second * 1000);
    expect(count(verdicts, "take")).toBe(steadyFramesPerSecond);
  }
});

test("who stays above the steady rate is heard for minutes, and disconnected in the end", () => {
  const allowance = newAllowance(noon);
  const perSecond = 2 * steadyFramesPerSecond;
  let [taken, second] = [0, 0];
  for (let isOpen = true; isOpen; second++) {
    const verdicts = sends(allowance, perSecond, noon + second * 1000);
    taken += count(verdicts, "take");
    isOpen = !verdicts.includes("close");
  }
  expect(taken).toBeGreaterThanOrEqual(steadyFrameBurst);
  expect(second).toBeGreaterThan(steadyFrameBurst / steadyFramesPerSecond);
  expect(taken).toBeLessThanOrEqual(steadyFrameBurst + second * steadyFramesPerSecond);
  expect(second).toBeLessThan(600);
});

test("silence earns no more than a burst", () => {
  const allowance = newAllowance(noon);
  expect(count(sends(allowance, 2 * frameBurst, noon + 3_600_000), "take")).toBe(frameBurst);
});

test("a part of a message earned is kept until it is a whole one", () => {
  const allowance = newAllowance(noon);
  sends(allowance, frameBurst, noon);
  const share = 1000 / framesPerSecond / 2;
  expect(spend(allowance, noon + share)).toBe("drop");
  expect(spend(allowance, noon + 2 * share)).toBe("take");
});

test("who goes on flooding is disconnected, and not before", () => {
  const allowance = newAllowance(noon);
  const verdicts = sends(allowance, frameBurst + framesDropped + 1, noon);
  expect(count(verdicts, "take")).toBe(frameBurst);
  expect(count(verdicts, "drop")).toBe(framesDropped);
  expect(verdicts.at(-1)).toBe("close");
});

test("a flood at twice the rate ends within about five seconds", () => {
  const allowance = newAllowance(noon);
  let now = noon;
  while (spend(allowance, now) !== "close") now += 1000 / (2 * framesPerSecond);
  expect(now - noon).toBeGreaterThan(3_000);
  expect(now - noon).toBeLessThan(6_000);
});

test("a flood that has long been over is forgotten", () => {
  const allowance = newAllowance(noon);
  sends(allowance, frameBurst + framesDropped, noon);
  const later = noon + (frameBurst / framesPerSecond) * 1000;
  const verdicts = sends(allowance, frameBurst + framesDropped, later);
  expect(verdicts).not.toContain("close");
});

test("a clock that goes back takes nothing away", () => {
  const allowance = newAllowance(noon);
  sends(allowance, frameBurst - 1, noon);
  expect(spend(allowance, noon - 60_000)).toBe("take");
  expect(spend(allowance, noon - 60_000)).toBe("drop");
});
