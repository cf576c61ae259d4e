/** Players of Rabid in Godot 3, with the engine's own UDP and ENet. Left out where the engine is not installed (Debian: godot3-server). */
import { spawnSync } from "node:child_process";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { Server } from "../../local/server.ts";
import { type Program, startProgram } from "../../measure/kit/program.ts";
import { type RabidSidecar, startRabidSidecar } from "../../measure/kit/rabid.ts";
import { secret } from "../../measure/kit/secret.ts";
import { startTestServer } from "../../measure/kit/server.ts";

const engine = "godot3-server";
const hasEngine = spawnSync(engine, ["--version"]).error === undefined;

describe.skipIf(!hasEngine)("In Godot 3", () => {
  let server: Server;
  let gateways: RabidSidecar[] = [];
  const programs: Program[] = [];
  beforeAll(async () => {
    server = await startTestServer({ secret, udpPort: null });
    gateways = await Promise.all(["paris", "oslo"].map((name) => startRabidSidecar(server.url, { name })));
  });
  afterEach(async () => {
    await Promise.all(programs.splice(0).map((program) => program.stop()));
  });
  afterAll(async () => {
    await Promise.all(gateways.map(({ stop }) => stop()));
    await server.stop();
  });

  /** The game, with one more player. */
  function game(gateway: number, about: { session: string; name: string; players: number; host?: boolean }) {
    const { session, name, players, host = false } = about;
    const { address = "", port = 0 } = gateways[gateway]?.at ?? {};
    const options = { server: address, port, session, name, players, password: "secret" };
    const flags = Object.entries(options).map(([flag, value]) => `--${flag}=${value}`);
    const args = ["--path", "test/engines/godot3", "-s", "res://rabid.gd", ...flags];
    const program = startProgram(engine, host ? [...args, "--host"] : args);
    programs.push(program);
    return program;
  }
  const ends = (program: Program) => program.prints(/^(state done|failed .*)$/m);

  test("three players of two gateways meet, and play by ENet on the ports that were punched", async () => {
    const about = { session: "Godot", players: 3 };
    const host = game(0, { ...about, name: "Ann", host: true });
    await host.prints(/^names Ann$/m);
    const bob = game(1, { ...about, name: "Bob" });
    await host.prints(/^names Ann Bob$/m);
    const cy = game(0, { ...about, name: "Cy" });
    await host.prints(/^names Ann Bob Cy$/m);
    const games = [host, bob, cy];
    await Promise.all(games.map(ends));
    await Promise.all(games.map(({ ended }) => ended));
    for (const { output } of games) expect(output).toMatch(/^state done$/m);
    expect(host.output).toMatch(/^start \d+ Bob Cy$/m);
    expect(bob.output).toMatch(/^start \d+ Ann Cy$/m);
    expect(host.output.match(/^heard (Bob|Cy)$/gm)?.sort()).toEqual(["heard Bob", "heard Cy"]);
    expect(bob.output).toMatch(/^heard hello Bob$/m);
    expect(cy.output).toMatch(/^heard hello Cy$/m);
  });

  test("one that is refused is told the reason, and its game ends", async () => {
    const lost = game(1, { session: "Nowhere", name: "Dee", players: 2 });
    await ends(lost);
    await lost.ended;
    expect(lost.output).toMatch(/^failed session_non_existent$/m);
  });
});
