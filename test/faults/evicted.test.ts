/**
 * All objects of a lobby sleep at one step of its life, and wake up whole: every step, by both paths. The platform
 * puts an object to sleep that was idle for 10 seconds; the wait is real, and all tests share it.
 */
import { setTimeout as pass } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import type { Server } from "../../local/server.ts";
import { lobbyOf } from "../support/player.ts";
import { type Watch, watch } from "../support/promises.ts";
import { lifeOf, startFaultyServer } from "../support/server.ts";
import { type Cast, castOf, steps } from "./life.ts";

vi.setConfig({ maxConcurrency: 30 });
const sleepMs = 12_500;

let server: Server;
/** One for all tests: each would wake the others' objects if it looked at its end how everything settles. */
let watcher: Watch;
beforeAll(async () => {
  server = await startFaultyServer({ timing: { ptpmConnectRequestIntervalMs: 60_000 } });
  watcher = watch(server.url);
});
afterAll(async () => {
  try {
    await watcher.settles();
  } finally {
    watcher.stop();
    await server.stop();
  }
});

for (const direct of [false, true]) {
  describe(direct ? "players of the direct path" : "players of the plain path", () => {
    for (const last of Object.keys(steps)) {
      test.concurrent(`everything sleeps after this: ${last}`, async () => {
        const cast: Cast = await castOf(server, direct);
        let slept: string[] = [];
        for (const [name, step] of Object.entries(steps)) {
          await step(cast);
          if (name !== last) continue;
          await pass(500);
          slept = await incarnations(cast);
          await pass(sleepMs);
        }
        for (const player of [cast.host, ...cast.guests]) {
          await player.hears("lobby_closed");
          expect(player.methods.slice(-2)).toEqual(["ptpMediation_success", "lobby_closed"]);
        }
        const now = await incarnations(cast);
        for (const [i, text] of slept.entries()) expect(now[i]).not.toBe(text);
        expect(watcher.broken().map(({ sentence }) => sentence)).toEqual([]);
      });
    }
  });
}

for (const sleeps of [false, true]) {
  test.concurrent(`plain clients that send one datagram only are introduced when the last one is seen${sleeps ? ", after a sleep" : ""}`, async () => {
    const { lobbyId, host, guests, all } = await lobbyOf(3, server.url);
    const [late] = guests;
    if (!late) throw new Error("no guest");
    late.answersOverUdp = false;
    const before = await lifeOf(server.url, { holder: host.holder });
    await host.start(lobbyId);
    for (const player of all) await player.hears("ptpMediation_send");
    for (const player of all) player.answersOverUdp = false;
    const chat = setInterval(() => sleeps || host.chat(lobbyId, "Awake."), 1_000);
    await pass(500 + sleepMs);
    clearInterval(chat);
    late.sendDatagram(server.sidecar?.port ?? 0);
    const { peers } = await host.hears("ptpMediation_peersConnection_start");
    expect(peers).toEqual(guests.map(({ udp }) => ({ ip: "127.0.0.1", port: udp?.address().port })));
    const after = await lifeOf(server.url, { holder: host.holder });
    if (sleeps) expect(after).not.toBe(before);
    else expect(after).toBe(before);
    for (const player of all) player.reportsSuccess();
    for (const player of all) await player.hears("lobby_closed");
  });
}

function incarnations({ host, guests }: Cast): Promise<string[]> {
  const homes = [...new Set([host, ...guests].map(({ holder }) => holder))];
  return Promise.all(homes.map((holder) => lifeOf(server.url, { holder })));
}
