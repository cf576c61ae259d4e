/** What games do to a peer at bad moments: closed, freed, paused, late, and with too much to send. */
import { beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { type GodotProject, makeGodotProject } from "../../measure/kit/godot-project.ts";
import { installGodot4, installMs, mayHaveGodot4 } from "../../measure/kit/godot4.ts";
import { startTestServer } from "../../measure/kit/server.ts";

describe.skipIf(!mayHaveGodot4)("In Godot 4", () => {
  let project: GodotProject;
  beforeAll(async () => {
    await installGodot4("test/engines/godot4");
    project = makeGodotProject("faults");
  }, installMs);

  test("nothing that a game does at a bad moment breaks the addon", async () => {
    const server = await startTestServer();
    onTestFinished(() => server.stop());
    const program = project.run("faults.gd", server.url.href);
    onTestFinished(() => program.stop());
    const code = await program.ended;
    expect(program.output).not.toMatch(/SCRIPT ERROR|^not so|Resumed function/m);
    const went = [...program.output.matchAll(/^ok (\w+)$/gm)].map(([, step]) => step);
    expect(went).toEqual([
      "many",
      "over_limits",
      "paused_and_late",
      "close_at_any_moment",
      "freed_at_any_moment",
    ]);
    // What is refused is said in a sentence each.
    expect(program.output).toMatch(
      /An unreliable packet has 4777 bytes, and may have 4776: send it reliably/,
    );
    expect(program.output).toMatch(/A reliable packet has 1048577 bytes, and may have 1048576/);
    expect(program.output).toMatch(/Too much waits for player \S+ Send less, or disconnect it/);
    expect(code).toBe(0);
  }, 180_000);
});
