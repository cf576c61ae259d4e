/** That a check fires for one fault, and for nothing else. */
import { expect } from "vitest";

/** A fault, in the words by which the check tells of it, and a history that has it if it is to. */
export type Fault<Made> = [key: RegExp, history: (isFaulty: boolean) => Made];

/** Expects that the check tells of the fault alone, and of nothing when it is not there. */
export function expectToFire<Made>(check: (made: Made) => string[], [key, history]: Fault<Made>): void {
  expect(check(history(false))).toEqual([]);
  const told = check(history(true));
  expect(told).not.toEqual([]);
  expect(told.filter((sentence) => !key.test(sentence))).toEqual([]);
}
