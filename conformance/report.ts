/** What came of the runs, for people and as JSON. */
import type { Result } from "./conformance.ts";

/** The lines about one run. */
export function textOf({ run, about, steps, findings }: Result): string {
  const verdict =
    findings.length === 0 ? "passed" : `${findings.length} rule${findings.length > 1 ? "s" : ""} broken`;
  const lines = [`${run}: ${verdict}`];
  if (findings.length > 0) lines.push(`  ${about}`, `  It came as far as: ${steps.at(-1) ?? "nothing"}`);
  for (const { code, step, says, detail, section } of findings) {
    lines.push(`  ${code}, at "${step}"`, `    ${says}${detail ? ` ${detail}` : ""}`, `    ${section}`);
  }
  return lines.join("\n");
}

/** The last line. */
export function totalOf(results: readonly Result[]): string {
  const passed = results.filter(({ findings }) => findings.length === 0).length;
  const broken = new Set(results.flatMap(({ findings }) => findings.map(({ code }) => code)));
  return `${passed} of ${results.length} runs passed, ${broken.size} rule${broken.size === 1 ? "" : "s"} broken.`;
}

export function jsonOf(results: readonly Result[]): string {
  const passed = results.every(({ findings }) => findings.length === 0);
  return JSON.stringify({ passed, results }, null, 2);
}
