/** How often guests are introduced to one host of noray's, and what a flood of one network leaves for others. */
import { expect, test } from "vitest";
import { newBucket } from "../../../core/allowance.ts";
import { IntroductionBudget, introductionRate } from "../../../core/dialects/noray/introduction-budget.ts";
import { norayLimits } from "../../../core/dialects/noray/limits.ts";

const { norayCommandBurst, norayQuietIntroductions, norayIntroductionNetworks } = norayLimits;
const flooder = "203.0.113.7";
const honest = "198.51.100.9";

function aHost(oid = "ada") {
  return { oid, introductions: newBucket(introductionRate, 0) };
}

/** How many of so many askings at one moment are granted. */
function granted(budget: IntroductionBudget, host: ReturnType<typeof aHost>, guests: string[], now = 0) {
  return guests.filter((guest) => budget.take(host, guest, now)).length;
}

test("a guest that asks without end leaves half of a host's introductions for other networks", () => {
  const budget = new IntroductionBudget();
  const host = aHost();
  expect(granted(budget, host, Array(1_000).fill(flooder))).toBe(norayCommandBurst / 2);
  // By address, by relay, and both once more.
  expect(granted(budget, host, Array(10).fill(honest))).toBe(norayQuietIntroductions);
});

test.each([
  ["one address", [flooder]],
  ["64 addresses of a /24", Array.from({ length: 64 }, (_, i) => `203.0.113.${i}`)],
  ["12 networks", Array.from({ length: 12 }, (_, i) => `203.0.${i}.7`)],
  ["a /48 of IPv6", Array.from({ length: 20 }, (_, i) => `2001:db8:0:${i.toString(16)}::1`)],
])("while a flood from %s goes on, a guest of another network meets the host at once", (_, from) => {
  const budget = new IntroductionBudget();
  const host = aHost();
  for (let now = 0; now < 60_000; now += 250) {
    granted(budget, host, from, now);
    if (now % 20_000 === 10_000) {
      expect([budget.take(host, honest, now), budget.take(host, honest, now)]).toEqual([true, true]);
    }
  }
});

test("a neighbour of a flooder's in one /24 is not shut out by it alone when the host has introductions to spare", () => {
  const budget = new IntroductionBudget();
  const host = aHost();
  granted(budget, host, Array(15).fill(flooder));
  expect(budget.take(host, "203.0.113.8", 0)).toBe(true);
});

test("where relays are scarce, a guest that has asked often is refused, and one of another network is not", () => {
  const [budget, host] = [new IntroductionBudget(), aHost()];
  granted(budget, host, Array(norayQuietIntroductions).fill(flooder));
  expect(budget.take(host, flooder, 0, true)).toBe(false);
  expect([budget.take(host, honest, 0, true), budget.take(host, flooder, 0)]).toEqual([true, true]);
});

test("a LAN party of 30 behind one address is in within two seconds", () => {
  const budget = new IntroductionBudget();
  const host = aHost();
  let inside = 0;
  for (let now = 0; now <= 2_000; now += 100)
    inside += granted(budget, host, Array(30 - inside).fill(flooder), now);
  expect(inside).toBe(30);
});

test("all guests together have no more than the host's budget, and this machine's own all of it", () => {
  const everybody = Array.from({ length: 1_000 }, (_, i) => `10.${i >> 8}.${i & 255}.1`);
  expect(granted(new IntroductionBudget(), aHost(), everybody)).toBe(norayCommandBurst);
  expect(granted(new IntroductionBudget(), aHost(), Array(100).fill("127.0.0.1"))).toBe(norayCommandBurst);
});

test("what a network asks of one host costs it nothing with another", () => {
  const budget = new IntroductionBudget();
  granted(budget, aHost(), Array(1_000).fill(flooder));
  expect(budget.take(aHost("bob"), flooder, 0)).toBe(true);
});

test("refused guests are not remembered, and introduced ones not without bound", () => {
  const budget = new IntroductionBudget();
  const host = aHost();
  for (let i = 0; i < 10_000; i++) budget.take(host, `${1 + (i >> 16)}.${(i >> 8) & 255}.${i & 255}.1`, 0);
  expect(budget.remembered).toBe(norayCommandBurst);
  for (let i = 0; i < 3 * norayIntroductionNetworks; i++) budget.take(aHost(`host ${i}`), honest, 0);
  expect(budget.remembered).toBeLessThanOrEqual(2 * norayIntroductionNetworks);
});
