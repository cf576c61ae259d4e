/** Randomness that comes out of a seed: enough to spread packets, not to keep a secret. */

/** A number from 0 to below 1, and the next seed: a linear congruence (the constants of Numerical Recipes). */
export function roll(dice: number): { value: number; dice: number } {
  const next = (Math.imul(dice, 1_664_525) + 1_013_904_223) >>> 0;
  return { value: next / 2 ** 32, dice: next };
}
