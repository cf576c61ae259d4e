/** The engine's multiplayer over the addon's peer: calls, spawners and synchronizers, hosts that leave, and peers that are not honest. */
import { beforeAll, describe, expect, test } from "vitest";
import { type GodotProject, makeGodotProject } from "../../measure/kit/godot-project.ts";
import { installGodot4, installMs, mayHaveGodot4 } from "../../measure/kit/godot4.ts";

describe.skipIf(!mayHaveGodot4)("In Godot 4", () => {
  let project: GodotProject;
  beforeAll(async () => {
    await installGodot4("test/engines/godot4");
    project = makeGodotProject("multiplayer");
  }, installMs);

  test("several players call, spawn, synchronize, leave and change hosts as they would over ENet", async () => {
    const program = project.run("multiplayer.gd");
    await program.prints(/^well: hostile$/m);
    expect(await program.ended).toBe(0);
    expect(program.output).not.toMatch(/SCRIPT ERROR|^not so/m);
    const went = [...program.output.matchAll(/^well: (\w+)$/gm)].map(([, scenario]) => scenario);
    expect(went).toEqual([
      "star",
      "mesh",
      "large",
      "ordered",
      "ends",
      "again",
      "refusing",
      // What overtakes what is drawn anew each time.
      "migration",
      "migration",
      "migration",
      "handover",
      "no_migration",
      "hostile",
    ]);
    // What cannot be sent is said in one sentence each.
    expect(program.output).toMatch(/An unreliable packet has 5003 bytes, and may have 4776/);
    expect(program.output).toMatch(/A reliable packet has 1100003 bytes, and may have 1048576/);
  }, 90_000);
});
