/** Whole sessions of Rabid, with the plugin's own times: from the first request to the ports that the game is played on. */
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Server } from "../../local/server.ts";
import { gatherPlugins, type RabidSidecar, startRabidSidecar } from "../../measure/kit/rabid.ts";
import type { RabidPlugin } from "../../measure/kit/rabid-plugin.ts";
import { secret } from "../../measure/kit/secret.ts";
import { startTestServer } from "../../measure/kit/server.ts";

let server: Server;
let gateways: RabidSidecar[] = [];
beforeAll(async () => {
  server = await startTestServer({ secret, udpPort: null });
  gateways = await Promise.all(["paris", "oslo"].map((name) => startRabidSidecar(server.url, { name })));
});
afterAll(async () => {
  await Promise.all(gateways.map(({ stop }) => stop()));
  await server.stop();
});

/** Waits until all of them have met, and plays: each guest says something from its port to the host's. Who the host has heard. */
async function play(plugins: readonly RabidPlugin[]): Promise<string[]> {
  const reached = await Promise.all(
    plugins.map(async ({ name, outcome }) => {
      const ended = await outcome;
      if ("error" in ended) throw new Error(`${name}: ${ended.error}`);
      return { name, ...ended };
    }),
  );
  const [host, ...guests] = reached;
  if (!host) throw new Error("nobody");
  const sockets: Socket[] = [];
  const open = async (port: number) => {
    const socket = createSocket("udp4").bind(port);
    await once(socket, "listening");
    sockets.push(socket);
    return socket;
  };
  const server = await open(host.ownPort);
  const heard = new Map<string, string>();
  server.on("message", (bytes, { port }) => heard.set(bytes.toString(), `${bytes} from ${port}`));
  const clients = await Promise.all(guests.map(({ ownPort }) => open(ownPort)));
  for (let i = 0; i < 20 && heard.size < guests.length; i++) {
    for (const [i, { name, hostIp, hostPort }] of guests.entries())
      clients[i]?.send(name, hostPort ?? 0, hostIp ?? "");
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  for (const socket of sockets) socket.close();
  return [...heard.values()].sort();
}

function saysEach([, ...guests]: readonly RabidPlugin[]): string[] {
  return guests.map(({ name, port }) => `${name} from ${port}`).sort();
}

describe.concurrent("The plugin's own steps", () => {
  test("bring two players together, on the ports that they had towards the server", async () => {
    const plugins = await gatherPlugins("Two", ["Ann", "Bob"], gateways);
    plugins[0]?.startSession();
    expect(await play(plugins)).toEqual(saysEach(plugins));
    for (const { heard } of plugins) {
      const starts = heard.filter(({ text }) => text.startsWith("s:"));
      expect(starts).toHaveLength(1);
    }
  });

  test("bring twelve players of two gateways together, three times as fast", async () => {
    const names = Array.from({ length: 12 }, (_, i) => `Player${i}`);
    const plugins = await gatherPlugins("Twelve", names, gateways, { password: "secret", haste: 3 });
    plugins[0]?.startSession();
    expect(await play(plugins)).toEqual(saysEach(plugins));
  });

  test("go on when a player stops in the middle: the others meet", async () => {
    const plugins = await gatherPlugins("Lost", ["Ann", "Bob", "Cy"], gateways, { haste: 3 });
    const [ann, bob, cy] = plugins as [RabidPlugin, RabidPlugin, RabidPlugin];
    cy.close();
    ann.startSession();
    expect(await play([ann, bob])).toEqual(saysEach([ann, bob]));
  });
});

test("A name is free soon after the start, and nobody is left at the edge", async () => {
  const plugins = await gatherPlugins("Again", ["Ann", "Bob"], gateways, { haste: 3 });
  plugins[0]?.startSession();
  await Promise.all(plugins.map(({ outcome }) => outcome));
  const [again] = await gatherPlugins("Again", ["Zoe"], gateways);
  again?.exitSession();
  await again?.outcome;
  await expect.poll(() => gateways.map(({ sessions }) => sessions())).toEqual([0, 0]);
  expect(gateways.map(({ gateway }) => gateway.players())).toEqual([0, 0]);
});
