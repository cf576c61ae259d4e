/** The demo game, in processes of its own: players host, join late, move, call each other, and go on when the host leaves. */
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Server } from "../../local/server.ts";
import { freeUdpPort } from "../../measure/kit/free-ports.ts";
import { type GodotProject, makeGodotProject } from "../../measure/kit/godot-project.ts";
import { installGodot4, installMs, mayHaveGodot4 } from "../../measure/kit/godot4.ts";
import { type Program, root } from "../../measure/kit/program.ts";
import { startTestServer } from "../../measure/kit/server.ts";

describe.skipIf(!mayHaveGodot4)("The demo game in Godot 4", () => {
  let project: GodotProject;
  let server: Server;
  const programs: Program[] = [];
  beforeAll(async () => {
    await installGodot4("test/engines/godot4");
    project = makeGodotProject("demo");
    server = await startTestServer();
  }, installMs);
  afterAll(async () => {
    await Promise.all(programs.map((program) => program.stop()));
    await server?.stop();
  });

  function play(name: string, ...args: string[]): Program {
    const program = project.start([
      "--max-fps",
      "60",
      "--",
      "--server",
      server.url.href,
      "--name",
      name,
      ...args,
    ]);
    programs.push(program);
    return program;
  }

  test("three players meet by a code, see each other move, and play on when the host leaves", async () => {
    const ada = play("Ada", "--until", "Cy");
    await ada.prints(/^Code: \w{5}$/m);
    const [, code = ""] = /^Code: (\w{5})$/m.exec(ada.output) ?? [];
    const bo = play("Bo", "--join", code.toLowerCase());
    await bo.prints(/^sees 1 at/m);
    await bo.prints(/^Ada waves\.$/m);
    await ada.prints(/^sees \d{2,} at/m);
    await ada.prints(/^Bo waves\.$/m);
    // Late, and when it waves, the host leaves.
    const cy = play("Cy", "--join", code);
    await bo.prints(/^You are the host now\.$/m);
    await cy.prints(/^Another player is host now\.$/m);
    const before = cy.output.length;
    await expect.poll(() => cy.output.slice(before), { timeout: 30_000 }).toMatch(/^sees 1 at/m);
    expect(bo.output + cy.output).not.toMatch(/SCRIPT ERROR|The game is over/);
  }, 150_000);

  test("the examples on the page and in the addon's README compile, and those who host and join are connected", async () => {
    const pages = ["docs/godot.md", "godot/addons/orion_edge/README.md"].map((path) =>
      readFileSync(`${root}${path}`, "utf8"),
    );
    const blocks = [...pages.join("").matchAll(/```gdscript\n([\s\S]*?)```/g)].map(([, block = ""]) => block);
    expect(blocks).toHaveLength(4);
    for (const [i, block] of blocks.entries())
      project.add(`docs/${i}.gd`, block.startsWith("extends") ? block : `extends Node\n${block}`);
    const program = project.run("page_examples.gd", server.url.href, `${blocks.length}`);
    programs.push(program);
    await program.prints(/^connected$/m);
    expect(await program.ended).toBe(0);
    expect(program.output).not.toContain("SCRIPT ERROR");
    expect(program.output).not.toMatch(/^not so/m);
    // One inspector opens: the scene's, where it has one.
    expect(program.output).toMatch(/^inspector of the plugin true$/m);
    expect(program.output).toMatch(/^inspectors true false$/m);
    expect(program.output).toMatch(/^inspector of the plugin again true$/m);
    // It shows the other player, and what happened on the link.
    expect(program.output).toMatch(/^inspector true 1$/m);
    expect(program.output).toMatch(/^timeline [1-9]/m);
    expect(program.output).toMatch(
      /^player: Bo\npeer: \d+\npath: \w+\nround trip: \d+ ms\nloss: .+\nencrypted: yes\ncause:/m,
    );
    expect(program.output).not.toMatch(/127\.0\.0\.1/);
    expect(program.output).toMatch(/^report ended; the code is in it: false$/m);
    expect(program.output).toMatch(/^inspector false$/m);
  }, 90_000);

  test("a call and its answer go over ENet and over a link", async () => {
    const times: [median: number, mean: number][] = [];
    const port = String(await freeUdpPort());
    for (const [kind, at] of [
      ["enet", port],
      ["orion", server.url.href],
    ] as const) {
      // At one rate, the two programs' frames would keep their distance: where they coincide, each answer comes a frame late.
      const host = project.run("round_trip.gd", kind, at, "53");
      await host.prints(/^code \w+$/m);
      const guest = project.run(
        "round_trip.gd",
        kind,
        at,
        "60",
        /^code (\w+)$/m.exec(host.output)?.[1] ?? "",
      );
      programs.push(host, guest);
      await guest.prints(/^median \d+ mean \d+$/m);
      const [, median, mean] = /^median (\d+) mean (\d+)$/m.exec(guest.output) ?? [];
      times.push([Number(median) / 1000, Number(mean) / 1000]);
      await host.stop();
    }
    const [enet, link] = times.map(([median, mean]) => `${median} ms (mean ${mean})`);
    console.log(
      `A call and its answer, at 53 and 60 frames a second: ${enet} over ENet, ${link} over a link`,
    );
  }, 150_000);
});
