/** Pairs at the same time, none of whose players is in two of them. */
import type { Pair } from "./pair.ts";

/**
 * Does something for every pair, `atOnce` at most at a time. A pair waits while one of its players is busy. Rejects with
 * the first error, once what was under way is over.
 */
export async function eachPair(
  pairs: readonly Pair[],
  atOnce: number,
  work: (pair: Pair) => Promise<void>,
): Promise<void> {
  const waiting = [...pairs];
  const busy = new Set<string>();
  const underWay = new Map<Pair, Promise<void>>();
  let failure: { error: unknown } | null = null;
  const begin = () => {
    while (underWay.size < atOnce && failure === null) {
      const index = waiting.findIndex((pair) => playersOf(pair).every((player) => !busy.has(player)));
      const [pair] = index < 0 ? [] : waiting.splice(index, 1);
      if (!pair) return;
      for (const player of playersOf(pair)) busy.add(player);
      const over = () => {
        for (const player of playersOf(pair)) busy.delete(player);
        underWay.delete(pair);
      };
      const fail = (error: unknown) => {
        failure ??= { error };
      };
      underWay.set(pair, work(pair).catch(fail).finally(over));
    }
  };
  for (begin(); underWay.size > 0; begin()) await Promise.race(underWay.values());
  const failed = failure as { error: unknown } | null;
  if (failed !== null) throw failed.error;
}

function playersOf({ a, b }: Pair): string[] {
  return [`${a} on side a`, `${b} on side b`];
}
