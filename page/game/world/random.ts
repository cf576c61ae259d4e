/** Numbers that look drawn, from a seed that is part of the world: the same seed gives the same numbers. */

export type Random = { seed: number };

/** From 0 to below 1. */
export function draw(random: Random): number {
  random.seed = (random.seed + 0x6d2b79f5) >>> 0;
  let mixed = random.seed;
  mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
  mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
  return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
}
