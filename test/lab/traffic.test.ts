/** What the lab makes of the packets of a game. */
import { expect, test } from "vitest";
import { flowAfter, longestSilence } from "../../measure/lab/traffic.ts";

/** Packets every 50 ms, each of which arrives 20 ms later. */
const steady = (fromMs: number, untilMs: number) =>
  Array.from({ length: (untilMs - fromMs) / 50 }, (_, i) => ({
    sentMs: fromMs + i * 50,
    atMs: fromMs + i * 50 + 20,
  }));

test("packets flow from the first one on that was sent after the change and has others after it", () => {
  expect(flowAfter(1_000, [...steady(0, 1_000), ...steady(3_000, 5_000)])).toBe(2_020);
  expect(flowAfter(1_000, steady(0, 4_000))).toBe(20);
});

test("a packet or two that get through are no flow", () => {
  const few = steady(1_500, 1_900);
  expect(flowAfter(1_000, few)).toBeNull();
  expect(flowAfter(1_000, [...few, ...steady(4_000, 6_000)])).toBe(3_020);
});

test("packets that were sent before the change and come after it are none", () => {
  const late = steady(0, 1_000).map(({ sentMs }) => ({ sentMs, atMs: 1_500 }));
  expect(flowAfter(1_000, late)).toBeNull();
});

test("the longest silence may be at the beginning, in between, and at the end", () => {
  const packets = steady(0, 1_000);
  expect(longestSilence(-500, packets, 1_000)).toBe(520);
  expect(longestSilence(0, [...packets, ...steady(3_000, 4_000)], 4_000)).toBe(2_050);
  expect(longestSilence(0, packets, 9_000)).toBe(8_030);
  expect(longestSilence(0, [], 700)).toBe(700);
});
