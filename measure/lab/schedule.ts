/** Trials at the same time, no two of which need the same player. */
import type { Pair } from "./pair.ts";

/** All runs of a pair, or of something else. `needs`: names of what cannot be in two trials at the same time. */
export type Trial = { needs: readonly string[]; work: () => Promise<void> };

/**
 * Does all of these, `atOnce` at most at a time. One waits while something that it needs is busy. Rejects with the first error, once what
 * was under way is over.
 */
export async function eachTrial(trials: readonly Trial[], atOnce: number): Promise<void> {
  const waiting = [...trials];
  const busy = new Set<string>();
  const underWay = new Map<Trial, Promise<void>>();
  let failure: { error: unknown } | null = null;
  const begin = () => {
    while (underWay.size < atOnce && failure === null) {
      const index = waiting.findIndex(({ needs }) => needs.every((need) => !busy.has(need)));
      const [trial] = index < 0 ? [] : waiting.splice(index, 1);
      if (!trial) return;
      for (const need of trial.needs) busy.add(need);
      const over = () => {
        for (const need of trial.needs) busy.delete(need);
        underWay.delete(trial);
      };
      const fail = (error: unknown) => {
        failure ??= { error };
      };
      underWay.set(trial, trial.work().catch(fail).finally(over));
    }
  };
  for (begin(); underWay.size > 0; begin()) await Promise.race(underWay.values());
  const failed = failure as { error: unknown } | null;
  if (failed !== null) throw failed.error;
}

/** Does something for every pair, in the same way: a pair waits while one of its players is busy. */
export async function eachPair(
  pairs: readonly Pair[],
  atOnce: number,
  work: (pair: Pair) => Promise<void>,
): Promise<void> {
  const trials = pairs.map((pair) => ({ needs: playersOf(pair), work: () => work(pair) }));
  await eachTrial(trials, atOnce);
}

/** What a pair needs. */
export function playersOf({ a, b }: Pair): string[] {
  return [`${a} on side a`, `${b} on side b`];
}
