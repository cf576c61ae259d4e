/** Rabid's gateway when it is full, and households that share an address: real sockets, plugins and a real edge. */
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { networkInterfaces } from "node:os";
import { setTimeout as wait } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from "vitest";
import { rabidLimits } from "../../core/dialects/rabid/limits.ts";
import type { Server } from "../../local/server.ts";
import { gatherPlugins, type RabidSidecar, startRabidSidecar } from "../../measure/kit/rabid.ts";
import { RabidPlugin } from "../../measure/kit/rabid-plugin.ts";
import { secret } from "../../measure/kit/secret.ts";
import { startTestServer } from "../../measure/kit/server.ts";

vi.setConfig({ testTimeout: 180_000 });

/** This machine's address in its network: unlike its loopback address, it counts as a stranger's. */
const [outside] = Object.values(networkInterfaces())
  .flatMap((addresses) => addresses ?? [])
  .filter(({ family, internal }) => family === "IPv4" && !internal)
  .map(({ address }) => address);

let server: Server;
beforeAll(async () => {
  server = await startTestServer({ secret, udpPort: null });
});
afterAll(async () => {
  await server.stop();
});

async function sidecarWith(options: Parameters<typeof startRabidSidecar>[1]): Promise<RabidSidecar> {
  const sidecar = await startRabidSidecar(server.url, options);
  onTestFinished(sidecar.stop);
  return sidecar;
}

/**
 * Makes players up, each at an address and port of its own: they host, and ping for ever, whatever they are told. `perSecond`: how many
 * more of them there are each second, after the first.
 */
function flood({ at }: RabidSidecar, first: number, perSecond: number): void {
  const says: (() => void)[] = [];
  const sockets: ReturnType<typeof createSocket>[] = [];
  const add = async () => {
    const i = says.length;
    const socket = createSocket("udp4").bind(0, `127.${1 + (i & 63)}.${i >> 6}.9`);
    sockets.push(socket);
    await once(socket, "listening");
    let times = 0;
    says.push(() => {
      times += 1;
      // It reads nothing: it asks for longer than the edge takes, and pings.
      if (times <= 24) socket.send(`h:R${i}:Mallory:4`, at.port, at.address);
      socket.send(`p:R${i}:Mallory`, at.port, at.address);
    });
  };
  const speak = setInterval(() => {
    for (const say of says) say();
  }, 500);
  const fill = setInterval(() => {
    if (says.length < first) void add();
  }, 100);
  const grow = setInterval(() => void add(), 1_000 / perSecond);
  onTestFinished(() => {
    clearInterval(speak);
    clearInterval(fill);
    clearInterval(grow);
    for (const socket of sockets) socket.close();
  });
}

test("A gateway that made-up players have filled, and fill on, lets an honest pair meet and start within seconds", async () => {
  const sessions = 60;
  const paris = await sidecarWith({ name: "paris", admission: { sessions } });
  flood(paris, sessions, 1);
  await vi.waitFor(() => expect(paris.gateway.players()).toBe(sessions));
  await wait(rabidLimits.rabidAloneMs + 5_000);
  expect(paris.gateway.players()).toBe(sessions);
  const from = performance.now();
  const plugins = await gatherPlugins("Honest", ["Ann", "Bob"], [paris]);
  onTestFinished(() => {
    for (const plugin of plugins) plugin.close();
  });
  expect(performance.now() - from).toBeLessThan(10_000);
  plugins[0]?.startSession();
  for (const plugin of plugins) await plugin.until("the start", () => plugin.state === "finishing", 10_000);
  expect(paris.gateway.counts.drops.made_room).toBeGreaterThanOrEqual(2);
  expect(paris.gateway.players()).toBeLessThanOrEqual(sessions);
});

describe.skipIf(outside === undefined)("Players of one address", () => {
  const address = outside ?? "";

  test.each([3, 8])("are %i in one session, who come at once, and are told the start", async (size) => {
    const paris = await sidecarWith({ name: "paris", bind: "0.0.0.0" });
    const at = { address, port: paris.at.port };
    const session = `Home${size}`;
    const [ann] = await gatherPlugins(session, ["Ann"], [{ at }]);
    if (!ann) throw new Error("no host");
    const guests = Array.from(
      { length: size - 1 },
      (_, i) => new RabidPlugin({ server: at, session, name: `Guest${i}`, from: address }),
    );
    const all = [ann, ...guests];
    onTestFinished(() => {
      for (const plugin of all) plugin.close();
    });
    await Promise.all(guests.map((guest) => guest.joinSession()));
    for (const plugin of all) await plugin.until("all names", () => plugin.names.length === size, 15_000);
    ann.startSession();
    for (const plugin of all) {
      await plugin.until("the start", () => plugin.state === "finishing", 10_000);
      const entries = plugin.heard.at(-1)?.text.split(";") ?? [];
      expect(entries).toHaveLength(size - 1);
    }
    const ninth = new RabidPlugin({ server: at, session: "Other", name: "Zoe", from: address });
    onTestFinished(() => ninth.close());
    await ninth.createSession(4);
    if (size < 8) await ninth.hasNames("Zoe");
    else {
      // The others have not left for the gateway yet: nobody makes room who starts.
      await wait(2_000);
      expect(ninth.heard).toEqual([]);
    }
  });
});
