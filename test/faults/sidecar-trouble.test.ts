/** Sidecars that stop in the middle, are cut off from the edge, or have another idea of the time. */

import { setTimeout as pass } from "node:timers/promises";
import { afterEach, describe, expect, test } from "vitest";
import type { Server } from "../../local/server.ts";
import { freeUdpPort } from "../../measure/kit/free-ports.ts";
import { lobbyOf, type Player } from "../../measure/kit/player.ts";
import { type Program, startProgram } from "../../measure/kit/program.ts";
import { type Watch, watch } from "../../measure/kit/promises.ts";
import { holderOf, openUdpClient } from "../../measure/kit/relay.ts";
import { keyOf, keyTextOf, secret } from "../../measure/kit/secret.ts";
import { startFaultyServer } from "../../measure/kit/server.ts";
import { noteTold } from "../../measure/kit/whole-log.ts";
import { encode } from "../../measure/kit/wire.ts";
import { startSidecar } from "../../udp-sidecar/sidecar.ts";
import { layCable } from "../client/cable.ts";

const cleanUps: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

async function edge(ptpmConnectRequestIntervalMs: number): Promise<{ server: Server; watcher: Watch }> {
  const server = await startFaultyServer({
    udpPort: null,
    secret,
    timing: { ptpmConnectRequestIntervalMs },
  });
  const watcher = watch(server.url);
  cleanUps.push(server.stop, watcher.stop);
  return { server, watcher };
}

/** A sidecar as a process of its own, whose clock may be wrong. */
async function sidecarProcess(url: URL, clockMs = 0): Promise<Program & { port: number }> {
  const port = await freeUdpPort();
  const clock = `const now = Date.now; Date.now = () => now() + ${clockMs}`;
  const program = startProgram(
    "node",
    ["--import", `data:text/javascript,${clock}`, "udp-sidecar/main.ts", "--udpPort", String(port)],
    { ORION_EDGE: url.href, ORION_SIDECAR_KEY: keyTextOf(`vm-${port}`), ORION_METRICS_PORT: "off" },
  );
  cleanUps.push(program.stop);
  await program.prints(/sidecar_accepted/);
  return Object.assign(program, { port });
}

async function finish(all: Player[], watcher: Watch): Promise<void> {
  for (const player of all) await player.hears("ptpMediation_peersConnection_start");
  for (const player of all) player.reportsSuccess();
  for (const player of all) await player.hears("lobby_closed");
  await watcher.settles();
}

test("of two sidecars the one that the players were sent to dies while they gather: the other sees them all", async () => {
  const { server, watcher } = await edge(300);
  const sidecars = [await sidecarProcess(server.url), await sidecarProcess(server.url)];
  const { lobbyId, host, all } = await lobbyOf(3, server.url, { isPublic: true });
  for (const player of all) player.answersOverUdp = false;
  await host.start(lobbyId);
  const { port } = await host.hears("ptpMediation_send");
  const dead = sidecars.find((sidecar) => sidecar.port === port);
  process.kill(dead?.pid ?? 0, "SIGKILL");
  await dead?.ended;
  expect((await host.hears("ptpMediation_send", 2)).port).not.toBe(port);
  for (const player of all) player.answersOverUdp = true;
  await finish(all, watcher);
});

// The wait is real: a process that stands still has no clock to set forward.
test("a sidecar that stands still for 20 seconds goes on where it was: what players sent meanwhile is seen", async () => {
  const { server, watcher } = await edge(60_000);
  const sidecar = await sidecarProcess(server.url);
  const { lobbyId, host, all } = await lobbyOf(3, server.url, { isPublic: true });
  process.kill(sidecar.pid, "SIGSTOP");
  cleanUps.push(() => process.kill(sidecar.pid, "SIGCONT"));
  expect((await host.start(lobbyId)).status).toBe(200);
  for (const player of all) await player.hears("ptpMediation_send");
  await pass(20_000);
  expect(all.flatMap((player) => player.all("ptpMediation_peersConnection_start"))).toEqual([]);
  process.kill(sidecar.pid, "SIGCONT");
  await finish(all, watcher);
});

describe("the edge cannot be reached from the sidecar", () => {
  test("while the players send their datagrams: they are told of when it can be, though nobody is asked again", async () => {
    const { server, watcher } = await edge(60_000);
    const cable = await layCable(server.url);
    cleanUps.push(cable.close);
    const options = { edge: cable.url, key: keyOf("far"), port: 0, secondPort: 0, bind: "127.0.0.1" };
    const sidecar = await startSidecar(options, noteTold);
    cleanUps.push(sidecar.stop);
    await sidecar.known;
    const { lobbyId, host, all } = await lobbyOf(3, server.url, { isPublic: true });
    cable.cutNext(Number.POSITIVE_INFINITY);
    cable.cut();
    expect((await host.start(lobbyId)).status).toBe(200);
    for (const player of all) await player.hears("ptpMediation_send");
    // Some posts have failed by now.
    await pass(1_000);
    expect(all.flatMap((player) => player.all("ptpMediation_peersConnection_start"))).toEqual([]);
    cable.cutNext(0);
    await finish(all, watcher);
    for (const player of all) expect(player.all("ptpMediation_send")).toHaveLength(1);
  });
});

for (const minutes of [-10, 10]) {
  test(`a sidecar whose clock is ${minutes} minutes off sees players, and relays for them`, async () => {
    const { server, watcher } = await edge(300);
    const sidecar = await sidecarProcess(server.url, minutes * 60_000);
    const { lobbyId, host, guests, all } = await lobbyOf(2, server.url);
    const lan = [{ ip: "192.168.7.7", port: 7_777 }];
    for (const player of all) player.answersOverUdp = false;
    expect((await host.start(lobbyId)).status).toBe(200);
    for (const player of all) {
      await player.hears("ptpMediation_send");
      const datagram = encode("ptpMediation_connect", { token: player.token, candidates: lan });
      player.sendDatagram(sidecar.port, datagram);
    }
    const bound = [];
    for (const player of [host, ...guests]) {
      const { peers } = await player.hears("ptpMediation_peersConnection_start");
      const [peer] = peers as { relay: { ticket: string; key: string } }[];
      const client = await openUdpClient();
      cleanUps.push(client.close);
      if (peer) bound.push(await holderOf(client, peer.relay, () => sidecar.port).bind());
    }
    expect(bound.map(({ method }) => method)).toEqual(["ptpRelay_bound", "ptpRelay_bound"]);
    await finish(all, watcher);
  });
}
