/** Runs around all test files (vitest.config.ts): says at the end how much of what was logged was looked through for secrets. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestProject } from "vitest/node";
import type { SecretKind } from "./told-secrets.ts";
import type { Looked } from "./whole-log.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** The file that every test file adds lines to: that it began, and what was looked at in it (`Looked`), as JSON. */
    wholeLog: string;
  }
}

/** A file whose tests are all skipped says no more than this. */
export const beganMark = "began";

/** What a run of all tests looks at, at least: half of what it was on 2026-11-21. With less, something is not noted any more. */
const least = {
  lines: 7_000,
  "client's token": 2_800,
  "link's or a ticket's key": 190,
  "relay's ticket": 140,
  "deployment's secret": 60,
  "gateway's signature": 60,
} satisfies Record<"lines" | SecretKind, number>;

export default async function setup(project: TestProject): Promise<() => void> {
  const folder = mkdtempSync(join(tmpdir(), "orion-edge-log-"));
  const file = join(folder, "looked");
  writeFileSync(file, "");
  project.provide("wholeLog", file);
  const { testFiles } = await project.globTestFiles();
  return () => {
    const noted = readFileSync(file, "utf8").split("\n");
    rmSync(folder, { recursive: true });
    const files = noted.filter((line) => line === beganMark).length;
    const sum = sumOf(noted.flatMap((line): Looked[] => (line.startsWith("{") ? [JSON.parse(line)] : [])));
    const { lines, ...secrets } = sum;
    const counts = Object.entries(secrets).map(([kind, count]) => `${count} of the kind "${kind}"`);
    console.log(
      `${lines} lines that were logged in ${files} files were looked through for secrets: ${counts.join(", ")}.`,
    );
    if (files < testFiles.length || project.config.testNamePattern) return;
    const few = Object.entries(least).filter(([what, count]) => (sum[what] ?? 0) < count);
    if (few.length > 0)
      throw new Error(
        `All the tests together noted too few of these: ${few.map(([what]) => what).join(", ")}.`,
      );
  };
}

function sumOf(all: readonly Looked[]): Record<string, number> {
  const sum: Record<string, number> = {};
  for (const { lines, secrets } of all)
    for (const [what, count] of Object.entries({ lines, ...secrets })) sum[what] = (sum[what] ?? 0) + count;
  return sum;
}
