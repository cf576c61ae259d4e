/** Decisions that look random, and are the same again for the same seed. */

export type Chance = {
  /** From 0 up to 1. */
  next(): number;
  /** A whole number from `least` to `most`, both included. */
  between(least: number, most: number): number;
  /** True so often, of 1. */
  happens(odds: number): boolean;
  /** One of these. Undefined if there is none; a number is drawn all the same. */
  one<T>(of: readonly T[]): T | undefined;
  /** One of these names, each as often as its weight says. */
  weighted<Name extends string>(weights: Readonly<Record<Name, number>>): Name;
};

/** `stream`: what the decisions are about. Each has numbers of its own, so that one does not move the others. */
export function chanceOf(seed: number, stream: string): Chance {
  let state = seed >>> 0;
  for (const char of stream) state = Math.imul(state ^ char.charCodeAt(0), 0x9e3779b1) >>> 0;
  // Mulberry32: 32 bits of state are plenty for decisions.
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  return {
    next,
    between: (least, most) => least + Math.floor(next() * (most - least + 1)),
    happens: (odds) => next() < odds,
    one: (of) => of[Math.floor(next() * of.length)],
    weighted: <Name extends string>(weights: Readonly<Record<Name, number>>) => {
      const names = Object.keys(weights) as Name[];
      const total = names.reduce((sum, name) => sum + weights[name], 0);
      let left = next() * total;
      for (const name of names) {
        left -= weights[name];
        if (left < 0) return name;
      }
      throw new Error("there is nothing to choose from");
    },
  };
}
