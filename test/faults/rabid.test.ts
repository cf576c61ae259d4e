/** What players of Rabid notice when something fails: a gateway that is killed, a connection that is cut, an edge out of reach, silence. */

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Server } from "../../local/server.ts";
import { freeUdpPort } from "../../measure/kit/free-ports.ts";
import { type Program, startProgram } from "../../measure/kit/program.ts";
import { gatherPlugins, type RabidSidecar, startRabidSidecar } from "../../measure/kit/rabid.ts";
import { RabidPlugin } from "../../measure/kit/rabid-plugin.ts";
import { keyTextOf, secret } from "../../measure/kit/secret.ts";
import { startTestServer } from "../../measure/kit/server.ts";
import { type Cable, layCable } from "../client/cable.ts";

/** Milliseconds that a member must have been in its lobby before its place is kept. */
const presentMs = 10_500;

let server: Server;
let paris: RabidSidecar;
beforeAll(async () => {
  server = await startTestServer({ secret, udpPort: null });
  paris = await startRabidSidecar(server.url, { name: "paris" });
});
afterAll(async () => {
  await paris.stop();
  await server.stop();
});

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
type Two = [RabidPlugin, RabidPlugin];
type Three = [RabidPlugin, RabidPlugin, RabidPlugin];

/** A sidecar as an operator starts it, with its gateway at this port. */
async function startProgramAt(port: number, name: string): Promise<Program> {
  const ports = [`--udpPort=${await freeUdpPort()}`, `--rabidPort=${port}`, "--metricsPort=off"];
  const args = ["udp-sidecar/main.ts", "--edge", server.url.href, "--host=127.0.0.1", ...ports];
  const program = startProgram(process.execPath, args, { ORION_SIDECAR_KEY: keyTextOf(name) });
  await program.prints(new RegExp(`"gateway_listening".*"gateway":"rabid","udp":${port}`));
  return program;
}

async function kill(program: Program): Promise<void> {
  process.kill(-program.pid, "SIGKILL");
  await program.ended;
}

/** A gateway whose way to the edge can be cut. */
async function behindCable(name: string): Promise<{ cable: Cable; gateway: RabidSidecar }> {
  const cable = await layCable(server.url);
  return { cable, gateway: await startRabidSidecar(cable.url, { name }) };
}

describe.concurrent("When", () => {
  test("a gateway is killed, its players hear so a second after it is back, and the others when their places are free", async () => {
    const port = await freeUdpPort();
    const program = await startProgramAt(port, "lyon");
    const both = [paris, { at: { address: "127.0.0.1", port } }];
    const [ann, bob, cy] = (await gatherPlugins("Killed", ["Ann", "Bob", "Cy"], both)) as Three;
    await pause(presentMs);
    const killedAt = performance.now();
    await kill(program);
    const again = await startProgramAt(port, "lyon");
    const backAt = performance.now();
    expect(await bob.outcome).toEqual({ error: "session_non_existent" });
    expect(performance.now() - backAt).toBeLessThan(3_000);
    await ann.hasNames("Ann", "Cy");
    await cy.hasNames("Ann", "Cy");
    expect(performance.now() - killedAt).toBeLessThan(25_000);
    // It comes back, by the gateway that was killed.
    const back = new RabidPlugin({ server: { address: "127.0.0.1", port }, session: "Killed", name: "Bob" });
    await back.joinSession();
    await ann.hasNames("Ann", "Cy", "Bob");
    for (const plugin of [ann, cy, back]) plugin.close();
    await again.stop();
  });

  test("a gateway stops, its players hear it at once, and the name is free", async () => {
    const gateway = await startRabidSidecar(server.url, { name: "brest" });
    const [ann, bob] = (await gatherPlugins("Stopped", ["Ann", "Bob"], [gateway])) as Two;
    const stopped = gateway.stop();
    expect(await ann.outcome).toEqual({ error: "session_timeout" });
    expect(await bob.outcome).toEqual({ error: "session_timeout" });
    await stopped;
    const [again] = (await gatherPlugins("Stopped", ["Ann"], [paris])) as [RabidPlugin];
    again.close();
  });

  test("a gateway is killed in the middle of a start, the others are introduced without its players", async () => {
    const port = await freeUdpPort();
    const program = await startProgramAt(port, "nice");
    const gateways = [paris, paris, { at: { address: "127.0.0.1", port } }];
    const [ann, bob, cy] = (await gatherPlugins("Middle", ["Ann", "Bob", "Cy"], gateways)) as Three;
    await pause(presentMs);
    await kill(program);
    ann.startSession();
    for (const [one, other] of [
      [ann, bob],
      [bob, ann],
    ] as const) {
      await one.until("the start", () => one.state === "finishing", 15_000);
      expect(one.heard.at(-1)?.text).toBe(`s:${one.port}:${other.name}:127.0.0.1:${other.port}`);
    }
    for (const plugin of [ann, bob, cy]) plugin.close();
  });

  test("the connections to the edge are cut, players are answered meanwhile, keep their places, and start", async () => {
    const { cable, gateway } = await behindCable("metz");
    const [ann, bob] = (await gatherPlugins("Cut", ["Ann", "Bob"], [gateway])) as Two;
    await pause(presentMs);
    const heard = ann.heard.length;
    cable.cut();
    await pause(5_000);
    expect(ann.heard.length - heard).toBeGreaterThan(5);
    for (const plugin of [ann, bob]) {
      expect(plugin.state).toBe("in-session");
      expect(plugin.names).toEqual(["Ann", "Bob"]);
    }
    ann.startSession();
    await bob.until("the start", () => bob.state === "finishing", 15_000);
    for (const plugin of [ann, bob]) plugin.close();
    await gateway.stop();
    await cable.close();
  });

  test("the edge is out of reach, players in a session are answered for 15 s, and then told that it is over", async () => {
    const { cable, gateway } = await behindCable("lens");
    const [ann] = (await gatherPlugins("Far", ["Ann"], [gateway])) as [RabidPlugin];
    await pause(presentMs);
    const cutAt = performance.now();
    await cable.close();
    expect(await ann.outcome).toEqual({ error: "session_timeout" });
    expect(performance.now() - cutAt).toBeGreaterThan(14_000);
    expect(performance.now() - cutAt).toBeLessThan(25_000);
    await gateway.stop();
  });

  test("the edge is out of reach, a player who would host hears nothing, and gives up after the plugin's 15 s", async () => {
    const gateway = await startRabidSidecar(new URL("http://127.0.0.1:1"), { name: "caen" });
    const ann = new RabidPlugin({ server: gateway.at, session: "Nobody", name: "Ann" });
    await ann.createSession(2);
    expect(await ann.outcome).toEqual({ error: "server_timeout" });
    expect(ann.heard).toEqual([]);
    await expect.poll(() => [gateway.sessions(), gateway.gateway.players()]).toEqual([0, 0]);
    await gateway.stop();
  });

  test("a player falls silent, the others hear it after 8 s", async () => {
    const [ann, bob] = (await gatherPlugins("Silent", ["Ann", "Bob"], [paris])) as Two;
    const silentAt = performance.now();
    bob.close();
    await ann.hasNames("Ann");
    expect(performance.now() - silentAt).toBeGreaterThan(7_400);
    expect(performance.now() - silentAt).toBeLessThan(12_000);
    ann.close();
  });

  test("the host falls silent, the next is host, and may start", async () => {
    const [ann, bob, cy] = (await gatherPlugins("Leader", ["Ann", "Bob", "Cy"], [paris])) as Three;
    ann.close();
    await bob.hasNames("Bob", "Cy");
    expect(bob.isHost).toBe(true);
    bob.startSession();
    await cy.until("the start", () => cy.state === "finishing", 10_000);
    for (const plugin of [bob, cy]) plugin.close();
  });
});
