/** Sidecars that die, leave, come back or were never there; and datagrams that are lost. */

import { afterEach, describe, expect, test } from "vitest";
import type { Server } from "../../local/server.ts";
import { freeUdpPort } from "../../measure/kit/free-ports.ts";
import { lobbyOf, type Player } from "../../measure/kit/player.ts";
import { type Program, startProgram } from "../../measure/kit/program.ts";
import { type Watch, watch } from "../../measure/kit/promises.ts";
import { keyOf, keyTextOf, secret } from "../../measure/kit/secret.ts";
import { crash, later, startFaultyServer, startTestServer } from "../../measure/kit/server.ts";
import { stayingLobby } from "../../measure/kit/staying.ts";
import { noteTold } from "../../measure/kit/whole-log.ts";
import { startSidecar } from "../../udp-sidecar/sidecar.ts";

const cleanUps: (() => Promise<unknown>)[] = [];
let watcher: Watch | null = null;
afterEach(async () => {
  await watcher?.settles();
  watcher?.stop();
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

const timing = { ptpmConnectRequestIntervalMs: 300 };

async function edgeAlone(start = startTestServer): Promise<Server> {
  const server = await start({ udpPort: null, secret, timing });
  watcher = watch(server.url);
  cleanUps.push(server.stop);
  return server;
}

/** A sidecar as a process of its own, on a free port, known to the edge. */
async function sidecarProcess(edge: URL): Promise<Program & { port: number }> {
  const port = await freeUdpPort();
  const program = startProgram("node", ["udp-sidecar/main.ts", "--udpPort", String(port)], {
    ORION_EDGE: edge.href,
    ORION_SIDECAR_KEY: keyTextOf(`vm-${port}`),
  });
  cleanUps.push(program.stop);
  await program.prints(/sidecar_accepted/);
  return Object.assign(program, { port });
}

async function kill(program: Program): Promise<void> {
  process.kill(program.pid, "SIGKILL");
  await program.ended;
}

async function sidecarHere(edge: URL, name: string) {
  const sidecar = await startSidecar({ edge, key: keyOf(name), port: 0 }, noteTold);
  cleanUps.push(sidecar.stop);
  await sidecar.known;
  return sidecar;
}

async function finishes(all: Player[]): Promise<void> {
  for (const player of all) await player.hears("ptpMediation_peersConnection_start");
  for (const player of all) player.reportsSuccess();
  for (const player of all) await player.hears("lobby_closed");
  for (const player of all) await player.leave();
}

test("a datagram that is lost is asked for again by the reminder", async () => {
  const server = await startTestServer({ timing });
  watcher = watch(server.url);
  cleanUps.push(server.stop);
  const { lobbyId, host, guests, all } = await lobbyOf(3, server.url);
  const [unlucky = host] = guests;
  unlucky.answersOverUdp = false;
  await host.start(lobbyId);
  await unlucky.hears("ptpMediation_send");
  unlucky.answersOverUdp = true;
  await unlucky.hears("ptpMediation_send", 2);
  for (const player of all) await player.hears("ptpMediation_peersConnection_start");
  expect(all.map((player) => player.all("ptpMediation_send").length)).toEqual([2, 2, 2]);
  await finishes(all);
});

describe("no sidecar is alive", () => {
  test("a mediation is not started, with a sentence for the player; the lobby goes on", async () => {
    const server = await edgeAlone();
    const { lobbyId, host, guests, all } = await lobbyOf(2, server.url, { maxMembers: 3 });
    expect(await host.start(lobbyId)).toMatchObject({
      status: 503,
      body: {
        codes: ["no_sidecar"],
        errors: ["The server cannot connect players at the moment. Please try again in a minute."],
      },
    });
    expect(all.flatMap((player) => player.all("ptpMediation_send"))).toEqual([]);
    expect(await guests[0]?.start(lobbyId)).toMatchObject({ status: 409, body: { codes: ["not_the_host"] } });

    await sidecarHere(server.url, "late");
    expect((await host.start(lobbyId)).status).toBe(200);
    await finishes(all);
  });

  test("because it died without a word: it is not named any more after 25 seconds", async () => {
    const server = await edgeAlone(startFaultyServer);
    const sidecar = await sidecarProcess(server.url);
    await kill(sidecar);
    await later(server.url, 25_001);
    const { lobbyId, host, all } = await lobbyOf(2, server.url);
    expect(await host.start(lobbyId)).toMatchObject({ status: 503, body: { codes: ["no_sidecar"] } });
    for (const player of all) await player.leave();
  });
});

test("a sidecar that died a minute ago is not alive again because the fleet's object slept", async () => {
  const server = await edgeAlone(startFaultyServer);
  await kill(await sidecarProcess(server.url));
  await later(server.url, 60_000);
  await crash(server.url, { fleet: "" });
  const { lobbyId, host, all } = await lobbyOf(2, server.url);
  expect(await host.start(lobbyId)).toMatchObject({ status: 503, body: { codes: ["no_sidecar"] } });
  for (const player of all) await player.leave();
});

describe("a sidecar that is killed while a lobby gathers", () => {
  test("is replaced by another at another port: reminders send the players there", async () => {
    const server = await edgeAlone();
    const first = await sidecarProcess(server.url);
    const { lobbyId, host, guests, all } = await lobbyOf(3, server.url);
    for (const guest of guests) guest.answersOverUdp = false;
    await host.start(lobbyId);
    expect(await host.hears("ptpMediation_send")).toMatchObject({ port: first.port });
    await kill(first);
    const second = await sidecarProcess(server.url);
    expect(second.port).not.toBe(first.port);
    for (const guest of guests) guest.answersOverUdp = true;
    for (const player of all) await player.hears("ptpMediation_peersConnection_start");
    for (const guest of guests) {
      expect(guest.all("ptpMediation_send").map(({ port }) => port)).toContain(second.port);
    }
    await finishes(all);
  });

  test("is replaced at the same port: nobody notices", async () => {
    const server = await edgeAlone();
    const first = await sidecarHere(server.url, "first");
    const { lobbyId, host, all } = await lobbyOf(2, server.url);
    for (const player of all) player.answersOverUdp = false;
    await host.start(lobbyId);
    await host.hears("ptpMediation_send");
    await first.stop();
    const again = await startSidecar({ edge: server.url, key: keyOf("first"), port: first.port }, noteTold);
    cleanUps.push(again.stop);
    for (const player of all) player.sendDatagram(first.port);
    await finishes(all);
  });
});

describe("a sidecar that says goodbye", () => {
  test("is not named to players again while there is another", async () => {
    const server = await edgeAlone();
    const leaving = await sidecarHere(server.url, "leaving");
    const staying = await sidecarHere(server.url, "staying");
    await leaving.stop();
    for (let i = 0; i < 3; i++) {
      const { lobbyId, host, all } = await lobbyOf(2, server.url);
      await host.start(lobbyId);
      await finishes(all);
      expect(all.flatMap((player) => player.all("ptpMediation_send"))).toEqual(
        all.map(() => expect.objectContaining({ port: staying.port })),
      );
    }
  });

  test("while a lobby gathers: the next reminder names another", async () => {
    const server = await edgeAlone();
    const sidecars = [await sidecarHere(server.url, "one"), await sidecarHere(server.url, "two")];
    const { lobbyId, host, all } = await lobbyOf(2, server.url);
    for (const player of all) player.answersOverUdp = false;
    await host.start(lobbyId);
    const { port } = await host.hears("ptpMediation_send");
    const [named, other] = port === sidecars[0]?.port ? sidecars : sidecars.reverse();
    expect(named?.port).toBe(port);
    await named?.stop();
    const before = host.all("ptpMediation_send").length;
    expect(await host.hears("ptpMediation_send", before + 1)).toMatchObject({ port: other?.port });
    expect(await host.hears("ptpMediation_send", before + 2)).toMatchObject({ port: other?.port });
    for (const player of all) player.sendDatagram(other?.port ?? 0);
    await finishes(all);
  });

  test("and was the last: a newcomer of a lobby that plays waits for a new one, and is connected", async () => {
    const server = await edgeAlone();
    const last = await sidecarHere(server.url, "last");
    const { lobbyId, all, host, connect } = await stayingLobby(server.url, 2);
    await host.start(lobbyId);
    for (const player of all) await player.hears("ptpMediation_peersConnection_start");
    for (const player of all) player.reportsSuccess();
    for (const player of all) await player.hears("ptpMediation_success");
    await last.stop();
    const late = await connect();
    expect((await late.join(lobbyId, "Late")).status).toBe(200);
    // The first try, and one more, find none.
    await new Promise((resolve) => setTimeout(resolve, 3_500));
    expect(late.all("ptpMediation_send")).toEqual([]);
    const fresh = await sidecarHere(server.url, "fresh");
    const introduced = (player: Player, times = 1) =>
      player.hears("ptpMediation_peersConnection_start", times);
    await Promise.all([introduced(late), introduced(host, 2)]);
    for (const player of [late, host]) player.reportsSuccess();
    await late.hears("ptpMediation_success");
    expect(late.all("ptpMediation_send")).toMatchObject([{ port: fresh.port }]);
  });

  test("and was the last: the lobby waits for a new one", async () => {
    const server = await edgeAlone();
    const last = await sidecarHere(server.url, "last");
    const { lobbyId, host, all } = await lobbyOf(2, server.url);
    for (const player of all) player.answersOverUdp = false;
    await host.start(lobbyId);
    await host.hears("ptpMediation_send");
    await last.stop();
    for (const player of all) player.answersOverUdp = true;
    const fresh = await sidecarHere(server.url, "fresh");
    await finishes(all);
    expect(host.all("ptpMediation_send").at(-1)).toMatchObject({ port: fresh.port });
  });
});
