/**
 * Which numbers have come: so that a packet counts once, and an old one not at all. A sender may skip any number of them
 * (numbers.ts), so the last ones themselves are kept, and not a bit for each that there could be (RFC 6479).
 */
import { linkLimits } from "./limits.ts";

/** The highest numbers that have come, in order. Where these are `linkLimits.replayWindow`, any below them is too old to tell. */
export type ReplayWindow = { readonly numbers: readonly number[] };

export const emptyWindow: ReplayWindow = { numbers: [] };

/** The window with `number` in it, or null if it has come before, or is too old to tell. Numbers begin at 1. */
export function receive({ numbers }: ReplayWindow, number: number): ReplayWindow | null {
  if (number < 1) return null;
  // Most come in order: the place is at the end.
  const before = numbers.findLastIndex((other) => other <= number);
  if (numbers[before] === number) return null;
  const isFull = numbers.length >= linkLimits.replayWindow;
  if (isFull && before === -1) return null;
  const next = numbers.toSpliced(before + 1, 0, number);
  return { numbers: isFull ? next.slice(1) : next };
}
