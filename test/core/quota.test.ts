import { expect, test } from "vitest";
import { Quota } from "../../core/relay/quota.ts";

/** Whether it was spent when it was to be done once more. */
const spent = (quota: Quota, key: string, now: number) => {
  const isSpent = quota.isSpent(key, now);
  expect(quota.spend(key, now)).toBe(!isSpent);
  return isSpent;
};

test("a quota is spent by so many in its span, for each by itself, and is whole again when the span is over", () => {
  const quota = new Quota({ most: 2, spanMs: 1_000, keys: 10 });
  expect([5_000, 5_500, 5_999].map((now) => spent(quota, "Ada", now))).toEqual([false, false, true]);
  expect(spent(quota, "Bob", 5_999)).toBe(false);
  expect([6_000, 6_000, 6_000].map((now) => spent(quota, "Ada", now))).toEqual([false, false, true]);
});

test("a quota is not spent for hours by a clock that was set back", () => {
  const quota = new Quota({ most: 1, spanMs: 1_000, keys: 10 });
  expect([9_000, 9_001, 2_000].map((now) => spent(quota, "Ada", now))).toEqual([false, true, false]);
});

test("a quota counts for a bounded number of them, and the rest have none", () => {
  const quota = new Quota({ most: 1, spanMs: 1_000, keys: 1 });
  expect(spent(quota, "Ada", 0)).toBe(false);
  for (let times = 0; times < 3; times++) expect(spent(quota, "Bob", 0)).toBe(false);
  expect(spent(quota, "Ada", 0)).toBe(true);
});
