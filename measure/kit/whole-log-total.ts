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

type Counts = Record<"lines" | SecretKind, number>;

/** What a run of all tests of a project looks at, at least: half of what it was on 2026-12-01. With less, something is not noted any more. */
const least: Record<string, Counts> = {
  quick: {
    lines: 9_000,
    "client's token": 5_000,
    "link's or a ticket's key": 6_000,
    "relay's ticket": 5_000,
    "deployment's secret": 140,
    "gateway's signature": 1_000,
  },
  slow: {
    lines: 14_000,
    "client's token": 13_000,
    "link's or a ticket's key": 1_400,
    "relay's ticket": 220,
    "deployment's secret": 170,
    "gateway's signature": 1,
  },
};

export default async function setup(project: TestProject): Promise<() => void> {
  const folder = mkdtempSync(join(tmpdir(), "orion-edge-log-"));
  const file = join(folder, "looked");
  writeFileSync(file, "");
  project.provide("wholeLog", file);
  const { projects } = project.vitest;
  const globbed = await Promise.all(projects.map((one) => one.globTestFiles()));
  const all = globbed.reduce((sum, { testFiles }) => sum + testFiles.length, 0);
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
    if (files < all || project.config.testNamePattern) return;
    const few = projects.flatMap(({ name }) =>
      Object.entries(least[name] ?? {}).filter(([what, count]) => (sum[what] ?? 0) < count),
    );
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
