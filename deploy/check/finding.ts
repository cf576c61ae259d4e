/** What a check of a deployment found out: one plain line, and for a fault one more about what to do. */
import { type FindingCode, remedies } from "./remedies.ts";

/** What one look found. `note`: nothing is wrong, but somebody should know. */
export type Result =
  | { verdict: "ok"; what: string }
  | { verdict: "note" | "wrong"; code: FindingCode; what: string };
export type Finding = Result & { name: string };

/** Looks at one thing. Throws if it could not look. */
export type Check = { name: string; look(): Promise<Result> };

/** The finding of a check. One that could not look found something wrong. */
export async function findingOf({ name, look }: Check): Promise<Finding> {
  try {
    return { name, ...(await look()) };
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return { name, verdict: "wrong", code: "not_checked", what: `It could not be checked: ${why}` };
  }
}

/** The finding for a person. */
export function textOf(finding: Finding): string {
  const line = `${finding.verdict.padEnd(5)}  ${finding.name.padEnd(20)}  ${finding.what}`;
  return finding.verdict === "ok" ? line : `${line}\n       ${finding.code}: ${remedies[finding.code]}`;
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
