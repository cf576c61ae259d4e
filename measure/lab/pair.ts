/** Pairs of accesses. */
import { type Access, accesses } from "./access.ts";

/** Two accesses, the first not behind the second in `accesses`: whether Ada or Bo has the worse one is all the same. */
export type Pair = { a: Access; b: Access };

/** All pairs of these, each once. */
export function pairsOf(among: readonly Access[]): Pair[] {
  return accesses.flatMap((b, index) =>
    accesses.slice(0, index + 1).flatMap((a) => (among.includes(a) && among.includes(b) ? [{ a, b }] : [])),
  );
}

/** The pair of these two, in the order that pairs have. */
export function pairOf(one: Access, other: Access): Pair {
  return accesses.indexOf(one) <= accesses.indexOf(other) ? { a: one, b: other } : { a: other, b: one };
}
