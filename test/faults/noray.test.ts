/** A noray gateway that is killed, and one that a crowd comes to. */

import { spawnSync } from "node:child_process";
import { networkInterfaces } from "node:os";
import { afterEach, expect, test, vi } from "vitest";
import { norayLimits } from "../../core/dialects/noray/limits.ts";
import { freeTcpPort, freeUdpPorts } from "../../measure/kit/free-ports.ts";
import { startTestNoray } from "../../measure/kit/noray.ts";
import { type Game, type NorayAddress, NorayClient } from "../../measure/kit/noray-client.ts";
import { type Program, startProgram } from "../../measure/kit/program.ts";

const cleanUps: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

const soon = { interval: 5 };

async function gatewayProgram(options: object): Promise<{ program: Program; at: NorayAddress }> {
  const program = startProgram(process.execPath, ["measure/kit/noray-program.ts", JSON.stringify(options)]);
  cleanUps.push(program.stop);
  await program.prints(/"registrar":\d+\}/);
  return { program, at: JSON.parse(program.output.split("\n")[0] ?? "") };
}

async function player(at: NorayAddress): Promise<NorayClient> {
  const one = await NorayClient.connect(at);
  cleanUps.push(() => one.close());
  return await one.register();
}

async function gameOf(of: NorayClient): Promise<Game> {
  const game = await of.game();
  cleanUps.push(() => game.close());
  return game;
}

test("when a gateway is killed, its players hear it at once, a punched game goes on, and another gateway takes its ports", async () => {
  const relayPorts = await freeUdpPorts(8);
  const [port, [registrarPort = 0]] = [await freeTcpPort(), await freeUdpPorts(1)];
  const options = { port, registrarPort, relayPorts };
  const first = await gatewayProgram(options);
  const [host, punched, relayed] = [await player(first.at), await player(first.at), await player(first.at)];
  const [toHost, toRelay] = [
    await punched.ask("connect", host.oid),
    await relayed.ask("connect-relay", host.oid),
  ];
  const [hostGame, punchedGame, relayedGame] = [
    await gameOf(host),
    await gameOf(punched),
    await gameOf(relayed),
  ];
  relayedGame.send("by the relay", toRelay);
  await hostGame.hears("by the relay");

  process.kill(first.program.pid, "SIGKILL");
  const killedAt = performance.now();
  await Promise.all([host, punched, relayed].map((one) => one.closed()));
  expect(performance.now() - killedAt).toBeLessThan(2_000);
  await first.program.ended;
  relayedGame.send("into the void", toRelay);
  punchedGame.send("still punched", toHost);
  expect((await hostGame.hears("still punched")).port).toBe(punched.localPort);
  expect(hostGame.heard.map(({ text }) => text)).not.toContain("into the void");

  const second = await gatewayProgram(options);
  expect(second.at).toEqual(first.at);
  const [next, guest] = [await player(second.at), await player(second.at)];
  const target = await guest.ask("connect-relay", next.oid);
  const [nextGame, guestGame] = [await gameOf(next), await gameOf(guest)];
  guestGame.send("again", target);
  await nextGame.hears("again");
  expect(relayPorts).toContain(target.port);
});

/** Sends a datagram from port 0 of this machine, which only root can. */
function fromPort0(port: number, text: string): boolean {
  const script = [
    "import socket, struct, sys",
    "port, data = int(sys.argv[1]), sys.argv[2].encode()",
    "sender = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_UDP)",
    'sender.sendto(struct.pack("!HHHH", 0, port, 8 + len(data), 0) + data, ("127.0.0.1", 0))',
  ].join("\n");
  return spawnSync("python3", ["-c", script, `${port}`, text]).status === 0;
}
const canForge = fromPort0(9, "");

test.skipIf(!canForge)("datagrams from port 0, where nothing can be sent, end nothing", async () => {
  const gateway = await startTestNoray();
  cleanUps.push(gateway.stop);
  const [host, guest] = [await player(gateway.at), await player(gateway.at)];
  const target = await guest.ask("connect-relay", host.oid);
  fromPort0(gateway.at.registrar, host.pid);
  fromPort0(gateway.at.registrar, "w".repeat(128));
  fromPort0(target.port, "hello");
  await vi.waitFor(() => expect(gateway.counts.drops.relay_stranger).toBe(1), soon);
  const [hostGame, guestGame] = [await gameOf(host), await gameOf(guest)];
  guestGame.send("still here", target);
  await hostGame.hears("still here");
});

const own = Object.values(networkInterfaces())
  .flatMap((all = []) => all)
  .find(({ internal, family }) => !internal && family === "IPv4")?.address;

test.skipIf(own === undefined)(
  "of 10 000 connections of one address so many stay, and players of others are served meanwhile",
  { timeout: 120_000 },
  async () => {
    const gateway = await startTestNoray({ host: "0.0.0.0" });
    cleanUps.push(gateway.stop);
    const crowd: NorayClient[] = [];
    const here = { ...gateway.at, address: "127.0.0.1" };
    const host = await player(here);
    for (let wave = 0; wave < 100; wave++) {
      const some = Array.from({ length: 100 }, () =>
        NorayClient.connect({ ...gateway.at, address: own ?? "" }, own).catch(() => null),
      );
      crowd.push(...(await Promise.all(some)).filter((one) => one !== null));
      if (wave % 25 === 0) {
        const guest = await player(here);
        expect((await guest.ask("connect", host.oid)).port).toBe(host.localPort);
        guest.close();
      }
    }
    await vi.waitFor(() => {
      expect(crowd.filter(({ isClosed }) => !isClosed)).toHaveLength(norayLimits.norayAddressConnections);
    }, soon);
    expect(gateway.counts.drops.address_full).toBeGreaterThanOrEqual(9_900);
    expect(gateway.players()).toBeLessThanOrEqual(norayLimits.norayAddressConnections + 5);
    for (const one of crowd) one.close();
    await vi.waitFor(() => expect(gateway.players()).toBe(1), soon);
    const late = await NorayClient.connect({ ...gateway.at, address: own ?? "" }, own);
    await late.registerHost();
    late.close();
  },
);
