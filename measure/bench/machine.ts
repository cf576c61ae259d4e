/** Where and of what a run's results are. */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { cpus, release, totalmem, type } from "node:os";
import { fileURLToPath } from "node:url";
import * as z from "zod";
import type { Results } from "./results.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

export function aboutMachine(): Results["machine"] {
  const all = cpus();
  const text = readFileSync(new URL("../../node_modules/workerd/package.json", import.meta.url), "utf8");
  return {
    cpu: all[0]?.model.trim() ?? "unknown",
    cores: all.length,
    memoryGiB: Math.round((totalmem() / 1024 ** 3) * 10) / 10,
    system: `${type()} ${release()}`,
    node: process.versions.node,
    workerd: z.object({ version: z.string() }).parse(JSON.parse(text)).version,
  };
}

/** The commit that was measured, with a plus if files were changed since; "unknown" without git. */
export function aboutCommit(): string {
  try {
    const changed = git("status", "--porcelain", "--untracked-files=no") !== "";
    return git("rev-parse", "--short", "HEAD") + (changed ? "+" : "");
  } catch {
    return "unknown";
  }
}

function git(...args: string[]): string {
  return execFileSync("git", args, {
    cwd: root,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
  }).trim();
}
