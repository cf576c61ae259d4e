/** The addon's plugin in the real editor. */
import { readFileSync } from "node:fs";
import { beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { type GodotProject, makeGodotProject } from "../../measure/kit/godot-project.ts";
import { installGodot4, installMs, mayHaveGodot4 } from "../../measure/kit/godot4.ts";
import { root } from "../../measure/kit/program.ts";

describe.skipIf(!mayHaveGodot4)("In the editor of Godot 4", () => {
  let project: GodotProject;
  beforeAll(async () => {
    await installGodot4("test/engines/godot4");
    project = makeGodotProject("editor");
  }, installMs);

  test("the plugin gives the game one inspector, takes it away, and prints no error", async () => {
    const plugins = ["orion_edge", "switch"].map((name) => `"res://addons/${name}/plugin.cfg"`);
    const settings = readFileSync(`${root}godot/project.godot`, "utf8");
    project.add(
      "project.godot",
      `${settings}\n[editor_plugins]\n\nenabled=PackedStringArray(${plugins.join(", ")})\n`,
    );
    project.add(
      "addons/switch/plugin.cfg",
      '[plugin]\n\nname="switch"\ndescription=""\nauthor=""\nversion="1"\nscript="../../tests/switch_plugin.gd"\n',
    );
    const editor = project.start(["--editor", "--quit-after", "1000"]);
    onTestFinished(() => editor.stop());
    await editor.ended;
    const inspector = "*res://addons/orion_edge/inspector/inspector.tscn";
    const told = [...editor.output.matchAll(/^inspector: (.*)$/gm)].map(([, what]) => what);
    expect(told).toEqual(["none", inspector, "none", inspector]);
    expect(editor.output).not.toMatch(
      /SCRIPT ERROR|Parse Error|'autoload\/|res:\/\/addons\/orion_edge\/\S+\.gd:\d/,
    );
  }, 240_000);
});
