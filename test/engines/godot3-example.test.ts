/** The example for Godot 3: two processes meet, punch, and play over ENet. Left out where the engine is not installed (Debian: godot3-server). */
import { spawnSync } from "node:child_process";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Server } from "../../local/server.ts";
import { type Program, startProgram } from "../../measure/kit/program.ts";
import { startTestServer } from "../../measure/kit/server.ts";

const engine = "godot3-server";
const hasEngine = spawnSync(engine, ["--version"]).error === undefined;

describe.skipIf(!hasEngine)("The example for Godot 3", () => {
  let server: Server;
  const programs: Program[] = [];
  beforeAll(async () => {
    server = await startTestServer();
  });
  afterAll(async () => {
    await Promise.all(programs.map((program) => program.stop()));
    await server?.stop();
  });

  function play(name: string, ...args: string[]): Program {
    const all = ["--path", "examples/godot3", `--server=${server.url}`, `--name=${name}`, ...args];
    const program = startProgram(engine, all);
    programs.push(program);
    return program;
  }

  test("two players call each other by ENet, on the port that was punched", async () => {
    const ada = play("Ada");
    await ada.prints(/^code \w{5}$/m);
    const bo = play("Bo", `--join=${/^code (\w{5})$/m.exec(ada.output)?.[1]}`);
    await bo.prints(/^greeted by Ada$/m);
    await ada.prints(/^greeted by Bo$/m);
  }, 150_000);

  test("a code that is none fails with the server's code", async () => {
    const lost = play("Cy", "--join=AAAAA");
    await lost.prints(/^failed no_such_lobby$/m);
    expect(await lost.ended).toBe(0);
  }, 90_000);
});
