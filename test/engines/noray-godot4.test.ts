/** Players of noray in Godot 4, with the engine's own TCP, UDP and ENet, who take the steps of netfox's client. */
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import type { Server } from "../../local/server.ts";
import { installGodot4, installMs, mayHaveGodot4, startGodot4 } from "../../measure/kit/godot4.ts";
import { type EdgeGateway, startNorayAt } from "../../measure/kit/noray.ts";
import type { Program } from "../../measure/kit/program.ts";
import { secret } from "../../measure/kit/secret.ts";
import { startTestServer } from "../../measure/kit/server.ts";

describe.skipIf(!mayHaveGodot4)("In Godot 4", () => {
  let server: Server;
  let gateways: EdgeGateway[] = [];
  const programs: Program[] = [];
  beforeAll(async () => {
    await installGodot4("test/engines/godot4");
    server = await startTestServer({ secret, udpPort: null });
    gateways = await Promise.all(["paris", "oslo"].map((name) => startNorayAt(server.url, name)));
  }, installMs);
  afterEach(async () => {
    await Promise.all(programs.splice(0).map((program) => program.stop()));
  });
  afterAll(async () => {
    await Promise.all(gateways.map(({ stop }) => stop()));
    await server?.stop();
  });

  function player(gateway: number, role: "host" | "guest", ...more: string[]): Program {
    const { address = "", tcp = 0, registrar = 0 } = gateways[gateway]?.at ?? {};
    const program = startGodot4("noray.gd", [role, address, `${tcp}`, `${registrar}`, ...more]);
    programs.push(program);
    return program;
  }

  async function host(gateway: number): Promise<{ program: Program; oid: string }> {
    const hosted = gateways[gateway]?.hosted.length ?? 0;
    const program = player(gateway, "host");
    await program.prints(/"event":"hosting"/);
    // Other gateways can find it now.
    await vi.waitFor(() => expect(gateways[gateway]?.hosted.length).toBe(hosted + 1));
    return { program, oid: /"oid":"([\w-]{21})"/.exec(program.output)?.[1] ?? "" };
  }

  const ends = async (program: Program) => {
    await program.prints(/"event":"(played|failed)"/);
    expect(await program.ended).toBe(0);
    return program.output;
  };

  test.each([
    ["of one gateway", 0, "nat", "connect"],
    ["of one gateway", 0, "relay", "connect-relay"],
    ["of two gateways", 1, "nat", "connect"],
    ["of two gateways", 1, "relay", "connect-relay"],
  ])("players %s, guest at the gateway %i, play by ENet: %s", async (_, gateway, ask, how) => {
    const { program, oid } = await host(0);
    const output = await ends(player(gateway, "guest", oid, ask));
    expect(output).toContain(`"event":"played","how":"${how}"`);
    expect(output).toContain(`"how":"${how}","result":"ok"`);
    expect(program.output).toContain(`"event":"told","how":"${how}"`);
    expect(program.output).toMatch(/"event":"heard","text":"this is [\w-]{21}"/);
  });

  test("a host has several guests at once, whichever way each takes", async () => {
    const { program, oid } = await host(0);
    const guests = [
      player(0, "guest", oid, "nat"),
      player(0, "guest", oid, "relay"),
      player(1, "guest", oid, "relay"),
    ];
    await Promise.all(guests.map(ends));
    expect(new Set(program.output.match(/this is [\w-]{21}/g)).size).toBe(3);
  });
});
