/**
 * Godot 4, of Debian's next release, in a root of its own: it needs a newer C library than older systems have. As root on Linux, with
 * debootstrap. The root takes 860 MB and two minutes, and is kept for the next time.
 */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { cpSync, existsSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Program, root as project, startProgram } from "./program.ts";

/** Debian's next releases are all installed by this one. */
const script = "/usr/share/debootstrap/scripts/sid";

/** Milliseconds in which Debian's mirror should have sent the engine. */
export const installMs = 15 * 60_000;
/** Where the root is, or will be. */
export const godotRoot = process.env.GODOT4_ROOT ?? join(tmpdir(), "orion-edge-godot4");

/** Whether Godot 4 can be had here. */
export const mayHaveGodot4 =
  process.platform === "linux" &&
  process.getuid?.() === 0 &&
  (isThere() || (existsSync(script) && spawnSync("debootstrap", ["--version"]).error === undefined));

function isThere(): boolean {
  return existsSync(join(godotRoot, "usr/bin/godot"));
}

/** Where this machine gets its own packages from: the newer ones are there too. */
function archive(): string {
  const format = ["--format", "$(REPO_URI)", "Created-By: Packages"];
  const { stdout = "" } = spawnSync("apt-get", ["indextargets", ...format], { encoding: "utf8" });
  const [first = ""] = stdout.split("\n").filter((uri) => !uri.includes("security"));
  return first;
}

/** Gets it, unless it is there, and copies the game's folder, if there is one, into its root. */
export async function installGodot4(game?: string): Promise<void> {
  if (!isThere()) {
    const unfinished = `${godotRoot}-unfinished`;
    rmSync(unfinished, { recursive: true, force: true });
    const args = ["--variant=minbase", "--include=godot", "forky", unfinished, archive(), script];
    const [code] = await once(spawn("debootstrap", args, { stdio: "ignore" }), "close");
    if (code !== 0) throw new Error(`debootstrap ended with ${code}.`);
    renameSync(unfinished, godotRoot);
  }
  if (game === undefined) return;
  mkdirSync(join(godotRoot, "game"), { recursive: true });
  cpSync(join(project, game), join(godotRoot, "game"), { recursive: true });
}

/** Runs a script of the game. What it prints goes to the program's output. */
export function startGodot4(script: string, args: readonly string[]): Program {
  const engine = ["godot", "--headless", "--path", "/game", "--script", script, "--", ...args];
  return startProgram("chroot", [godotRoot, "env", "HOME=/root", ...engine]);
}
