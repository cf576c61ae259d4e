/** Somebody has got hold of what a sidecar posted, and posts it again. */
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { sharedLimits } from "../../core/limits.ts";
import type { Server } from "../../local/server.ts";
import { lobbyOf, rollCall } from "../../measure/kit/player.ts";
import { type Watch, watch } from "../../measure/kit/promises.ts";
import { postAsSidecar, proofOf, secret } from "../../measure/kit/secret.ts";
import { crash, later, startFaultyServer } from "../../measure/kit/server.ts";
import { objectLimits } from "../../worker/objects/limits.ts";

const heartbeat = "/sidecar/heartbeat";
const observations = "/sidecar/observations";
const stale = { status: 400, body: { codes: ["stale_post"] } };
const taken = { status: 200 };

let server: Server;
let watcher: Watch;
beforeAll(async () => {
  server = await startFaultyServer({ secret, udpPort: null });
});
beforeEach(() => {
  watcher = watch(server.url);
});
afterEach(async () => {
  await watcher.settles();
  watcher.stop();
});
afterAll(() => server.stop());

const post = (path: string, content: object) => postAsSidecar(server.url, path, content);
/** Milliseconds by which the server's clock has been set forward. */
let ahead = 0;
async function forward(ms: number): Promise<void> {
  ahead += ms;
  await later(server.url, ms);
}

let names = 0;
/** What a sidecar that has just started says. */
const newBeat = () => {
  names += 1;
  return { at: Date.now() + ahead, name: `vm-${names}`, port: 5990, load: 0 };
};

/** Whether players are sent to a sidecar now. */
async function isServed(): Promise<boolean> {
  await forward(objectLimits.fleetAgeMs);
  const { lobbyId, host, all } = await lobbyOf(2, server.url);
  const { status } = await host.start(lobbyId);
  await Promise.all(all.map((player) => player.leave()));
  return status === 200;
}

test("a heartbeat that was taken before does not bring a dead sidecar back, nor one that left", async () => {
  const [dies, leaves] = [newBeat(), newBeat()];
  expect(await post(heartbeat, dies)).toMatchObject(taken);
  expect(await post(heartbeat, leaves)).toMatchObject(taken);
  expect(await post(heartbeat, { ...leaves, at: leaves.at + 1, leaving: true })).toMatchObject(taken);
  expect(await post(heartbeat, leaves)).toMatchObject(stale);
  expect(await isServed()).toBe(true);
  await forward(sharedLimits.sidecarLifeMs);
  expect(await isServed()).toBe(false);
  for (const beat of [dies, leaves]) expect(await post(heartbeat, beat)).toMatchObject(stale);
  await crash(server.url, { fleet: "" });
  for (const beat of [dies, leaves]) expect(await post(heartbeat, beat)).toMatchObject(stale);
  expect(await isServed()).toBe(false);
});

test("a goodbye that was taken before does not take a sidecar away", async () => {
  const beat = newBeat();
  const goodbye = { ...beat, at: beat.at + 1, leaving: true };
  await post(heartbeat, beat);
  expect(await post(heartbeat, goodbye)).toMatchObject(taken);
  expect(await post(heartbeat, { ...beat, at: beat.at + 2 })).toMatchObject(taken);
  expect(await post(heartbeat, goodbye)).toMatchObject(stale);
  expect(await isServed()).toBe(true);
});

test("a heartbeat without its time is not believed of a sidecar that has told it", async () => {
  const { at, ...older } = newBeat();
  expect(await post(heartbeat, { ...older, at })).toMatchObject(taken);
  expect(await post(heartbeat, older)).toMatchObject(stale);
});

test("sidecars of the version before, which tell no time, are served as they were", async () => {
  const { at: _, ...older } = newBeat();
  for (let i = 0; i < 2; i++) expect(await post(heartbeat, older)).toMatchObject(taken);
  expect(await post(observations, { observations: [] })).toMatchObject(taken);
});

test.each([heartbeat, observations])(
  "a clock may be wrong by ten minutes, and no more than fifteen: %s",
  async (path) => {
    const minute = 60_000;
    for (const [minutes, answer] of [
      [-10, taken],
      [10, taken],
      [-16, stale],
      [16, stale],
    ] as const) {
      const beat = newBeat();
      const content = { ...beat, at: beat.at + minutes * minute, observations: [] };
      expect(await post(path, content)).toMatchObject(answer);
    }
  },
);

test("an observation that was taken before changes nothing once the players know each other, nor in their next lobby", async () => {
  // The sidecars of the tests before are dead by then: one of those that live is chosen by chance.
  await forward(sharedLimits.sidecarLifeMs);
  const beat = newBeat();
  await post(heartbeat, beat);
  await forward(objectLimits.fleetAgeMs);
  const { lobbyId, host, all } = await lobbyOf(2, server.url);
  for (const player of all) player.answersOverUdp = false;
  expect((await host.start(lobbyId)).status).toBe(200);
  const seen = all.map((player, i) => ({
    ...{ clientId: player.clientId, proof: proofOf(player), ip: "192.0.2.1", port: 1_000 + i },
  }));
  const old = { at: Date.now() + ahead, observations: seen };
  expect(await postAsSidecar(server.url, observations, old, { name: beat.name })).toMatchObject(taken);
  for (const player of all) await player.hears("ptpMediation_peersConnection_start");
  expect(await postAsSidecar(server.url, observations, old, { name: beat.name })).toMatchObject(taken);
  await rollCall(lobbyId, host, ...all);
  for (const player of all) expect(player.all("ptpMediation_peersConnection_start").length).toBe(1);
  for (const player of all) player.reportsSuccess();
  for (const player of all) await player.hears("lobby_closed");
  const again = String((await host.host({ maxMembers: 4 })).body?.lobbyId);
  expect(await postAsSidecar(server.url, observations, old, { name: beat.name })).toMatchObject(taken);
  await rollCall(again, host);
  expect(host.all("ptpMediation_peersConnection_start").length).toBe(1);
});
