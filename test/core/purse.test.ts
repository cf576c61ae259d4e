/** What a session may spend, and what becomes of it when its network's budget gives nothing. */
import { expect, test } from "vitest";
import { holderLimits } from "../../worker/sessions/limits.ts";

type Kept = { left: number; paid: number; filledAt?: number; refusedUntil?: number };
type Purse = {
  kept: Kept;
  isEmpty: boolean;
  spend(micros: number, now: number): number;
  answered(micros: number, seconds: number | null, now: number): void;
  owesMoreThan(micros: number): boolean;
};
/** The Worker's part as it is used here. It is imported by address because its types are those of Workers. */
const worker: { Purse: new (kept: Kept | undefined, openedAt: number, keep: () => void) => Purse } =
  await import(new URL("../../worker/sessions/purse.ts", import.meta.url).href);

const { purseMicros, purseLifeMs, purseAskAgainMs } = holderLimits;
const newPurse = () => new worker.Purse(undefined, 0, () => {});

test("a budget that does not answer refuses nobody, gives nothing, and is asked again a minute later for all that is owed", () => {
  const purse = newPurse();
  const wanted = purse.spend(purseMicros + 1, 1);
  expect(wanted).toBeGreaterThan(0);
  purse.answered(wanted, null, 1);
  expect(purse.kept.left).toBeLessThanOrEqual(-1);
  expect([purse.isEmpty, purse.owesMoreThan(0)]).toEqual([false, false]);
  expect(purse.spend(1, purseAskAgainMs)).toBe(0);
  const again = purse.spend(1, 1 + purseAskAgainMs);
  purse.answered(again, 0, 1 + purseAskAgainMs);
  expect(purse.kept.left).toBeGreaterThan(0);
  expect(purse.kept.left).toBeLessThanOrEqual(again - 3);
});

test("a session that was refused stays refused while its budget does not answer", () => {
  const purse = newPurse();
  purse.answered(purse.spend(purseMicros + 1, 1), 100, 1);
  expect(purse.isEmpty).toBe(true);
  const later = 1 + 100_000;
  expect(purse.spend(0.1, later - 1)).toBe(0);
  purse.answered(purse.spend(0.1, later), null, later);
  expect(purse.isEmpty).toBe(true);
  expect(purse.spend(0.1, later + purseAskAgainMs - 1)).toBe(0);
  purse.answered(purse.spend(0.1, later + purseAskAgainMs), 0, later + purseAskAgainMs);
  expect(purse.isEmpty).toBe(false);
});

test("a session that asks a spent budget again and again owes more each time, until it has to go", () => {
  const purse = newPurse();
  let now = 1;
  let asked = 0;
  while (!purse.owesMoreThan(holderLimits.memberOverdraft)) {
    const wanted = purse.spend(purseMicros / 100, now);
    if (wanted > 0) {
      asked += 1;
      purse.answered(wanted, 100, now);
    }
    now += 100_000;
    expect(asked).toBeLessThan(60);
  }
  expect(asked).toBeGreaterThan(0);
});

test("what was paid for long ago is not spent any more, and a purse that is filled lives on", () => {
  const purse = newPurse();
  expect(purse.spend(1, purseLifeMs)).toBe(0);
  const wanted = purse.spend(1, purseLifeMs + 1);
  expect(wanted).toBeGreaterThan(0);
  purse.answered(wanted, 0, purseLifeMs + 1);
  expect(purse.spend(1, 2 * purseLifeMs)).toBe(0);
});
