/** Examples that have the SDK as a package, in a copy of the repository's folders that they need. */
import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { root } from "../../measure/kit/program.ts";

/** Copies this example beside the packed SDK, where its package.json looks for it. Delete the folder with `remove`. */
export function copyExample(name: string): { folder: string; remove: () => void } {
  const base = mkdtempSync(join(tmpdir(), "orion-edge-example-"));
  const folder = join(base, "examples", name);
  mkdirSync(join(base, "client"));
  npm(join(root, "client"), "pack", "--pack-destination", join(base, "client"));
  cpSync(join(root, "examples", name), folder, {
    recursive: true,
    filter: (path) => !/(node_modules|dist)$/.test(path),
  });
  return { folder, remove: () => rmSync(base, { recursive: true, force: true }) };
}

export function npm(cwd: string, ...args: string[]): void {
  // The npm that runs the tests passes on that the project's packages may run no scripts. The client has one of its own.
  const env = { ...process.env, npm_config_loglevel: "error", npm_config_ignore_scripts: "false" };
  execFileSync("npm", args, { cwd, stdio: "pipe", env });
}
