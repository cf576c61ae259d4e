import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";
import { root } from "../../measure/kit/program.ts";

/** What `git archive` of the folder `godot/`, as it is committed, would hold. */
function archived(): string[] {
  const tar = execFileSync("git", ["archive", "HEAD:godot"], { cwd: root, maxBuffer: 64 * 1024 * 1024 });
  const names = execFileSync("tar", ["-t"], { input: tar, encoding: "utf8" }).trim().split("\n");
  return names.filter((name) => !name.endsWith("/"));
}

test("the archive for Godot's asset library holds the addon alone, with its licence", () => {
  const files = archived();
  expect(files.filter((name) => !name.startsWith("addons/orion_edge/"))).toEqual([]);
  const top = ["LICENSE", "README.md", "icon.svg", "plugin.cfg", "plugin.gd"];
  expect(files).toEqual(expect.arrayContaining(top.map((name) => `addons/orion_edge/${name}`)));
});

test("every script of the addon has the id that the engine gave it", () => {
  const files = archived();
  const scripts = files.filter((name) => name.endsWith(".gd"));
  expect(scripts.filter((name) => !files.includes(`${name}.uid`))).toEqual([]);
});
