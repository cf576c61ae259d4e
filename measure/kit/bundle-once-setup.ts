/** Runs around all test files (vitest.config.ts): the folder in which they keep what they have bundled. */
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestProject } from "vitest/node";
import { bundlesVariable } from "./bundle-once.ts";

export default function setup(project: TestProject): () => void {
  const folder = mkdtempSync(join(tmpdir(), "orion-edge-bundles-"));
  process.env[bundlesVariable] = folder;
  // The Worker may be another now.
  project.onTestsRerun(() => {
    for (const name of readdirSync(folder)) rmSync(join(folder, name));
  });
  return () => rmSync(folder, { recursive: true });
}
