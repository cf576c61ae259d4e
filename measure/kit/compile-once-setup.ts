/** Runs around all test files (vitest.config.ts): what Node has compiled of a program is kept for the next one of this run, as to start one takes half of its time. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export default function setup(): () => void {
  // Who runs the tests may keep it for longer.
  if (process.env.NODE_COMPILE_CACHE !== undefined) return () => {};
  const folder = mkdtempSync(join(tmpdir(), "orion-edge-compiled-"));
  process.env.NODE_COMPILE_CACHE = folder;
  return () => rmSync(folder, { recursive: true, force: true });
}
