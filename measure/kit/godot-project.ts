/** Projects of Godot 4 with the addon in them, each in a folder of its own in the engine's root, so that tests can run side by side. */
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { godotRoot } from "./godot4.ts";
import { type Program, root, startProgram } from "./program.ts";

export type GodotProject = {
  /** Adds a file, like `docs/example.gd`. */
  add(path: string, text: string): void;
  /** The command line of the engine without a window, with these arguments. */
  command(args: readonly string[], environment?: Readonly<Record<string, string>>): [string, ...string[]];
  /** Starts the engine so. What it prints goes to the program's output. */
  start(args: readonly string[], environment?: Readonly<Record<string, string>>): Program;
  /** Runs a script of `test/engines/addon/`, which extends SceneTree. */
  run(script: string, ...args: string[]): Program;
  /** Deletes it. */
  remove(): void;
};

/** Makes a new project: the repository's `godot/`, with `test/engines/addon/` as its folder `tests`. The engine is installed. */
export function makeGodotProject(name: string): GodotProject {
  const path = `/orion-projects/${name}`;
  const folder = join(godotRoot, path);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(join(folder, ".godot"), { recursive: true });
  const isKept = (source: string) => !source.includes(".godot/") && !source.endsWith(".godot");
  for (const part of readdirSync(join(root, "godot")).filter((part) => part !== ".godot"))
    cpSync(join(root, "godot", part), join(folder, part), { recursive: true, filter: isKept });
  cpSync(join(root, "godot/project.godot"), join(folder, "project.godot"));
  cpSync(join(root, "test/engines/addon"), join(folder, "tests"), { recursive: true });
  writeFileSync(join(folder, ".godot/global_script_class_cache.cfg"), classCache(folder));
  const command: GodotProject["command"] = (args, environment = {}) => {
    const variables = Object.entries({ HOME: "/root", ...environment }).map(
      ([key, value]) => `${key}=${value}`,
    );
    return ["chroot", godotRoot, "env", ...variables, "godot", "--headless", "--path", path, ...args];
  };
  const start: GodotProject["start"] = (args, environment) => {
    const [program, ...line] = command(args, environment);
    return startProgram(program, line);
  };
  const add: GodotProject["add"] = (file, text) => {
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    writeFileSync(join(folder, file), text);
  };
  return {
    add,
    command,
    start,
    run: (script, ...args) => start(["--script", `res://tests/${script}`, "--", ...args]),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** What `godot --import` writes about the scripts that have a `class_name`. To run that takes many times as long. */
function classCache(folder: string): string {
  const scripts = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((path) =>
    path.endsWith(".gd"),
  );
  const entries = scripts.flatMap((path) => {
    const source = readFileSync(join(folder, path), "utf8");
    const name = /^class_name (\w+)/m.exec(source)?.[1];
    if (name === undefined) return [];
    const base = /^(?:class_name \w+ )?extends (\w+)/m.exec(source)?.[1] ?? "RefCounted";
    return [
      `{"base": &"${base}", "class": &"${name}", "icon": "", "is_abstract": false, "is_tool": false, "language": &"GDScript", "path": "res://${path}"}`,
    ];
  });
  return `list=[${entries.join(", ")}]\n`;
}
