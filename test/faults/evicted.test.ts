/**
 * All objects of a lobby sleep at one step of its life, and wake up whole: every step, by both paths. The platform
 * puts an object to sleep that was idle for 10 seconds; the wait is real, and all tests share it.
 */
import { setTimeout as pass } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import type { Server } from "../../local/server.ts";
import { type Watch, watch } from "../support/promises.ts";
import { incarnation, startFaultyServer } from "../support/server.ts";
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

function incarnations({ host, guests }: Cast): Promise<string[]> {
  const homes = [...new Set([host, ...guests].map(({ home }) => home))];
  return Promise.all(homes.map((home) => incarnation(server.url, { home })));
}
