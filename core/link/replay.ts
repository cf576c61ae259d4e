/** Which numbers have come: so that a packet counts once, and an old one not at all (the sliding window of RFC 6479). */
import { linkLimits } from "./limits.ts";

/** The highest number, and a bit for each of the last `linkLimits.replayWindow`, in a ring of words. */
export type ReplayWindow = { readonly highest: number; readonly words: readonly number[] };

const wordBits = 32;
/** One word more than the window: the one being filled. */
const wordCount = linkLimits.replayWindow / wordBits + 1;

export const emptyWindow: ReplayWindow = { highest: 0, words: Array<number>(wordCount).fill(0) };

/** The window with `number` in it, or null if it has come before, or is too old to tell. Numbers begin at 1. */
export function receive({ highest, words }: ReplayWindow, number: number): ReplayWindow | null {
  if (number < 1 || number <= highest - linkLimits.replayWindow) return null;
  const word = Math.floor(number / wordBits);
  const slot = word % wordCount;
  const bit = 1 << (number % wordBits);
  const next = [...words];
  const last = Math.floor(highest / wordBits);
  // Words between the highest number and this one were filled a round ago.
  for (let i = last + 1; i <= Math.min(word, last + wordCount); i++) next[i % wordCount] = 0;
  const before = next[slot] ?? 0;
  if ((before & bit) !== 0) return null;
  next[slot] = before | bit;
  return { highest: Math.max(highest, number), words: next };
}
