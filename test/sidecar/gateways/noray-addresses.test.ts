/** What a noray gateway makes of where its players' datagrams come from, and of ports that other gateways name. */

import { afterEach, expect, test, vi } from "vitest";
import { IntroductionBudget } from "../../../core/dialects/noray/introduction-budget.ts";
import { norayLimits } from "../../../core/dialects/noray/limits.ts";
import type { Own } from "../../../core/dialects/noray/own.ts";
import { readNoraySettings } from "../../../core/dialects/noray/settings.ts";
import { freeUdpPorts } from "../../../measure/kit/free-ports.ts";

import { Bridges } from "../../../udp-sidecar/gateways/noray/bridges.ts";
import type { Connection } from "../../../udp-sidecar/gateways/noray/connections.ts";
import { newNorayCounts } from "../../../udp-sidecar/gateways/noray/counts.ts";
import { Introductions } from "../../../udp-sidecar/gateways/noray/introductions.ts";
import { type NorayRelay, RelaySockets } from "../../../udp-sidecar/gateways/noray/relay-sockets.ts";

const registrarPort = 8_809;
const gateway = "203.0.113.1";
const own: Own = {
  isAddress: (ip) => ip === gateway,
  isEndpoint: ({ ip, port }) => ip === gateway && port === registrarPort,
};
const cleanUps: (() => void)[] = [];
afterEach(() => {
  for (const cleanUp of cleanUps.splice(0)) cleanUp();
});

/** A gateway's introductions and relays, without its TCP and registrar sockets. */
async function aGateway() {
  const { settings } = readNoraySettings({});
  const counts = newNorayCounts();
  const shared = { counts, elapsed: () => 0 };
  const ports = await freeUdpPorts(8);
  const { bounds, cleanupMs } = settings;
  const sockets = new RelaySockets({ host: "127.0.0.1", ports, bounds, cleanupMs, own, ...shared });
  cleanUps.push(() => sockets.close());
  const opened: NorayRelay[] = [];
  const open = sockets.open.bind(sockets);
  sockets.open = async (...wish) => {
    const relay = await open(...wish);
    if (relay) opened.push(relay);
    return relay;
  };
  const elsewhere = { announce: () => {}, withdraw: () => {}, introduce: async () => null };
  const budget = new IntroductionBudget();
  const introductions = new Introductions({ ids: settings, sockets, elsewhere, budget, ...shared });
  /** A player whose TCP comes from there. */
  const player = (address: string) => {
    const lines: string[] = [];
    const connection: Connection = {
      address,
      localAddress: gateway,
      say: (line) => lines.push(line),
      keep: () => {},
    };
    introductions.line(connection, "register-host");
    const word = (name: string) => lines.find((line) => line.startsWith(name))?.split(" ")[1] ?? "";
    const [oid, pid] = [word("set-oid"), word("set-pid")];
    const heardFrom = (ip: string, port: number) => introductions.datagram(Buffer.from(pid), { ip, port });
    const say = (line: string) => introductions.line(connection, line);
    return { oid, lines, heardFrom, say };
  };
  return { sockets, opened, player, counts };
}

test("a relay sends next to nothing to a neighbour in whose name somebody has registered", async () => {
  const { sockets, opened, player } = await aGateway();
  const [liar, helper] = [player("198.51.100.7"), player("192.0.2.9")];
  expect([liar.heardFrom("198.51.100.200", 53), helper.heardFrom("192.0.2.9", 9)]).toEqual(["OK", "OK"]);
  helper.say(`connect-relay ${liar.oid}`);
  await vi.waitFor(() => expect(helper.lines.at(-1)).toMatch(/^connect-relay /), { interval: 5 });
  const toLiar = opened.find(({ owner }) => owner.ip === "198.51.100.200");
  if (!toLiar) throw new Error("no relay");
  let sent = 0;
  for (let i = 0; i < 1_000; i++) {
    if (typeof sockets.relays.pass(toLiar, 100, "192.0.2.9", 9, 0) !== "string") sent += 100;
  }
  expect(sent).toBeGreaterThan(0);
  expect(sent).toBeLessThan(norayLimits.norayUnprovenBytes);
});

test("nobody registers from the gateway's own ports, be it a neighbour or a player of the same machine", async () => {
  const { player, counts } = await aGateway();
  for (const one of [player("203.0.113.9"), player(gateway)]) {
    expect(one.heardFrom(gateway, registrarPort)).toBeNull();
  }
  expect(player("203.0.113.9").heardFrom(gateway, 40_000)).toBe("Unknown host pid!");
  expect(player(gateway).heardFrom(gateway, 40_000)).toBe("OK");
  expect(counts.messages.registrar_registered).toBe(1);
});

test("no bridge leads to a relay of this gateway by the name that the operator gave it", async () => {
  const { sockets } = await aGateway();
  const bridges = new Bridges(sockets, "localhost", () => 0);
  const made = await Promise.all([1, 2].map((port) => sockets.open({ ip: "192.0.2.9", port }, "192.0.2.9")));
  const [relay, other] = made;
  if (!relay || !other) throw new Error("no relay");
  const bridge = { relay, end: { host: "localhost", port: relay.port } };
  expect(await bridges.connect(bridge, { host: "localhost", port: other.port })).toBe(false);
  expect(await bridges.connect(bridge, { host: "localhost", port: 9 })).toBe(true);
});

test.each([
  // Where players reach this gateway, and the other gateways that it believes.
  ["203.0.113.1", ["8.8.8.8"]],
  ["relay.example.com", ["8.8.8.8"]],
  ["192.168.1.5", ["8.8.8.8", "192.168.1.9", "10.0.0.9"]],
  ["127.0.0.1", ["8.8.8.8", "192.168.1.9", "10.0.0.9", "127.0.0.1", "localhost"]],
])(
  "a gateway that players reach at %s makes bridges to %j, and not into its own network",
  async (end, believed) => {
    const { sockets } = await aGateway();
    const bridges = new Bridges(sockets, end, () => 0);
    const relay = await sockets.open({ ip: "192.0.2.9", port: 1 }, "192.0.2.9");
    if (!relay) throw new Error("no relay");
    const others = [
      "8.8.8.8",
      "192.168.1.9",
      "10.0.0.9",
      "127.0.0.1",
      "localhost",
      "224.0.0.1",
      "::1",
      "0.0.0.0",
    ];
    const made = [];
    for (const host of others) {
      if (await bridges.connect({ relay, end: { host: end, port: relay.port } }, { host, port: 53 }))
        made.push(host);
    }
    expect(made).toEqual(believed);
  },
);
