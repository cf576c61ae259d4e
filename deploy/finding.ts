/** What a check of a deployment found out: one plain line. */

/** `note`: nothing is wrong, but somebody should know. */
export type Verdict = "ok" | "note" | "wrong";
export type Finding = { verdict: Verdict; name: string; what: string };

/** Looks at one thing. Throws if it could not look. */
export type Check = { name: string; look(): Promise<Omit<Finding, "name">> };

/** The finding of a check. One that could not look found something wrong. */
export async function findingOf({ name, look }: Check): Promise<Finding> {
  try {
    return { name, ...(await look()) };
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return { name, verdict: "wrong", what: `It could not be checked: ${why}` };
  }
}

export function lineOf({ verdict, name, what }: Finding): string {
  return `${verdict.padEnd(5)}  ${name.padEnd(16)}  ${what}`;
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}

/** Milliseconds that something takes, and what it comes to. */
export async function timed<T>(act: () => Promise<T>): Promise<{ ms: number; value: T }> {
  const began = performance.now();
  const value = await act();
  return { ms: performance.now() - began, value };
}

/** Milliseconds as people read them. */
export function inMs(ms: number): string {
  return `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`;
}
