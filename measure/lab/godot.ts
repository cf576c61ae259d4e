/** The engine of players with the Godot addon, and the project that they run in. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type GodotProject, makeGodotProject } from "../kit/godot-project.ts";

/** Made when the first player needs it, for this process alone: two labs may run side by side. */
let project: GodotProject | null = null;
/** What is in it. Not written twice: an engine that starts may be reading it. */
const scripts = new Set<string>();

/** The command line of a player whose script is this one of the repository. The engine is installed. */
export function godotCommand(script: string, args: readonly string[]): [string, ...string[]] {
  project ??= makeGodotProject(`lab-${process.pid}`);
  if (!scripts.has(script)) {
    project.add(script, readFileSync(join(import.meta.dirname, "../..", script), "utf8"));
    scripts.add(script);
  }
  // Headless, the engine has no screen to wait for, and would take all of a core.
  return project.command(["--no-header", "--max-fps", "60", "--script", `res://${script}`, "--", ...args]);
}

/** Deletes the project, if there is one: no player runs any more. */
export function removeGodotProject(): void {
  project?.remove();
  project = null;
  scripts.clear();
}
process.on("exit", removeGodotProject);
