/**
 * How much is tried. `FUZZ_RUNS=50 npx vitest run test/fuzz` tries fifty times as much as CI does, and says how many inputs
 * that were. A failure prints its seed; `FUZZ_SEED=<seed>` repeats it.
 */
import { type Parameters, stringify } from "fast-check";
import { afterAll } from "vitest";

const factor = Number(process.env.FUZZ_RUNS ?? 1);
const seed = process.env.FUZZ_SEED;

/** Milliseconds that one property may take. */
export const patienceMs = 60_000 * Math.max(1, factor);

/** For a property that is tried so often in CI. */
export function runs<T>(inCi: number): Parameters<T> {
  const numRuns = Math.max(1, Math.round(inCi * factor));
  return { numRuns, ...(seed !== undefined && { seed: Number(seed) }) };
}

/** Inputs by rim, for whoever wants to know. */
const tried = new Map<string, number>();

export function count(rim: string, inputs = 1): void {
  tried.set(rim, (tried.get(rim) ?? 0) + inputs);
}

/** Tries all inputs at once. What fails says with which one. */
export async function together<T>(
  rim: string,
  inputs: T[],
  look: (input: T) => Promise<void>,
): Promise<void> {
  count(rim, inputs.length);
  const attempt = async (input: T) => {
    try {
      await look(input);
    } catch (error) {
      throw new Error(`this input fails: ${stringify(input)}`, { cause: error });
    }
  };
  await Promise.all(inputs.map(attempt));
}

/** At the end of a file that was run for long: what was tried. */
export function reportEffort(): void {
  afterAll(() => {
    if (factor !== 1) for (const [rim, inputs] of tried) console.log(`${rim}: ${inputs} inputs`);
  });
}
