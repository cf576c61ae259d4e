import { expect, test } from "vitest";
import { AnswerBudget } from "../../../core/dialects/answer-budget.ts";

const ann = "203.0.113.7";

/** Sends what it may of answers of so many bytes, and returns how many bytes that were. */
function flood(budget: AnswerBudget, ip: string, now: number, bytes = 10, times = 10_000): number {
  let sent = 0;
  for (let i = 0; i < times; i++) sent += budget.mayAnswer(ip, bytes, now) ? bytes : 0;
  return sent;
}

test("an address that sent nothing gets nothing", () => {
  const budget = new AnswerBudget(0);
  expect(budget.mayAnswer(ann, 1, 0)).toBe(false);
  expect(budget.drops.unearned).toBe(1);
});

test("an address gets at most three times what it sent", () => {
  const budget = new AnswerBudget(0);
  budget.heard(ann, 20, 0);
  expect(flood(budget, ann, 0)).toBe(60);
});

test("what came longer than ten seconds ago earns nothing", () => {
  const budget = new AnswerBudget(0);
  budget.heard(ann, 20, 0);
  expect(budget.earned(ann, 9_999)).toBe(60);
  expect(budget.earned(ann, 10_000)).toBe(0);
});

test("whenever something is sent, the last ten seconds have at most three times the bytes that came", () => {
  const budget = new AnswerBudget(0);
  const log: { at: number; in: number; out: number }[] = [];
  for (let at = 0; at < 60_000; at += 130) {
    // It speaks for some seconds, and falls silent for some.
    const bytes = Math.floor(at / 7_000) % 2 === 0 ? 11 : 0;
    if (bytes > 0) budget.heard(ann, bytes, at);
    log.push({ at, in: bytes, out: flood(budget, ann, at, 7, 4) });
  }
  for (const { at } of log.filter(({ out }) => out > 0)) {
    const lately = log.filter((one) => one.at > at - 10_000 && one.at <= at);
    const [bytesIn, bytesOut] = (["in", "out"] as const).map((way) =>
      lately.reduce((all, one) => all + one[way], 0),
    );
    expect(bytesOut).toBeLessThanOrEqual(3 * (bytesIn ?? 0));
  }
  expect(log.reduce((all, { out }) => all + out, 0)).toBeGreaterThan(3_000);
});

test("an address gets a kilobyte a second, however much it sends", () => {
  const budget = new AnswerBudget(0);
  budget.heard(ann, 1_000_000, 0);
  expect(flood(budget, ann, 0, 8)).toBe(1_024);
  expect(flood(budget, ann, 1_000, 8)).toBe(1_024);
  expect(budget.drops.address_rate).toBeGreaterThan(0);
});

test("an IPv6 /64 is one address", () => {
  const budget = new AnswerBudget(0);
  budget.heard("2001:db8::1", 20, 0);
  expect(flood(budget, "2001:db8::2", 0)).toBe(60);
});

test("a port answers 100 KB a second to all together", () => {
  const budget = new AnswerBudget(0);
  const sent = (now: number) => {
    let all = 0;
    for (let i = 0; i < 200; i++) {
      const ip = `198.51.${i}.1`;
      budget.heard(ip, 10_000, now);
      all += flood(budget, ip, now, 64, 20);
    }
    return all;
  };
  expect(sent(0)).toBe(102_400);
  expect(sent(1_000)).toBe(102_400);
  expect(budget.drops.port_rate).toBeGreaterThan(0);
});

test("an answer that matters less leaves room for one that matters more", () => {
  const budget = new AnswerBudget(0);
  budget.heard(ann, 100, 0);
  expect(budget.mayAnswer(ann, 101, 0, 200)).toBe(false);
  expect(budget.mayAnswer(ann, 100, 0, 200)).toBe(true);
  expect(budget.mayAnswer(ann, 200, 0)).toBe(true);
});

test("made-up addresses without end cost bounded memory, and get no more for it", () => {
  const budget = new AnswerBudget(0);
  budget.heard(ann, 20, 0);
  expect(flood(budget, ann, 0)).toBe(60);
  for (let i = 0; i < 50_000; i++) budget.heard(`10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`, 20, 1);
  expect(budget.remembered).toBeLessThanOrEqual(2 * 16_384);
  expect(budget.mayAnswer(ann, 1, 1)).toBe(false);
});
