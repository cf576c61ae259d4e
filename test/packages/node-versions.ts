/** The versions of Node.js that the packages are tried on: the project's own, the system's, and the oldest 22 that they are for. */
import { execFileSync, spawnSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { root } from "../../measure/kit/program.ts";

const here = join(root, "test/packages/node-22");
const { version } = JSON.parse(readFileSync(join(here, "package.json"), "utf8"));
/** npm fetches 50 MB. It stays there for the next time. */
const kept = join(tmpdir(), `orion-edge-node-${version}`);

/** Each by its version. One that is the same as another is not tried twice. */
export function nodesHere(): { number: string; path: string }[] {
  const folders = (process.env.PATH ?? "").split(delimiter).filter((path) => !path.includes("node_modules"));
  const paths = [process.execPath, ...folders.map((folder) => join(folder, "node")), ...node22()];
  const found = paths.filter(existsSync).map((path) => [versionOf(path), path] as const);
  return [...new Map(found)].map(([number, path]) => ({ number, path }));
}

export function isBefore(number: string, least: string): boolean {
  const [a = [], b = []] = [number, least].map((text) => text.split(".").map(Number));
  return (a[0] ?? 0) !== (b[0] ?? 0) ? (a[0] ?? 0) < (b[0] ?? 0) : (a[1] ?? 0) < (b[1] ?? 0);
}

function versionOf(node: string): string {
  return spawnSync(node, ["-p", "process.versions.node"], { encoding: "utf8" }).stdout?.trim() ?? "";
}

/** What npm has installed of it, by the hashes in its lock file; nothing on a system for which there is none, or without a registry. */
function node22(): string[] {
  if (process.platform !== "linux") return [];
  try {
    if (!existsSync(kept)) install();
  } catch (error) {
    console.warn(`Skipped: Node.js ${version} cannot be installed here. ${error}`);
    return [];
  }
  return ["x64", "arm64"].map((kind) => join(kept, `node_modules/node-linux-${kind}/bin/node`));
}

function install(): void {
  const unfinished = `${kept}-unfinished`;
  rmSync(unfinished, { recursive: true, force: true });
  mkdirSync(unfinished);
  for (const name of ["package.json", "package-lock.json"])
    copyFileSync(join(here, name), join(unfinished, name));
  copyFileSync(join(root, ".npmrc"), join(unfinished, ".npmrc"));
  execFileSync("npm", ["ci"], { cwd: unfinished, stdio: "pipe" });
  renameSync(unfinished, kept);
}
