/**
 * At Cloudflare the first call to a name is looked up around the world: some 300 milliseconds, for each new lobby. Nothing
 * that a player says or hears in the lobby waits for that.
 */
import { afterAll, beforeAll, expect, test } from "vitest";
import { connect } from "../../client/index.ts";
import type { Server } from "../../local/server.ts";
import { carryMediation } from "../../measure/kit/mediation.ts";
import { lobbyOf, rollCall } from "../../measure/kit/player.ts";
import { watch } from "../../measure/kit/promises.ts";
import { delayFirstCalls, startFaultyServer } from "../../measure/kit/server.ts";

let server: Server;
beforeAll(async () => {
  server = await startFaultyServer();
  await delayFirstCalls(server.url, 300);
});
afterAll(() => server.stop());

for (const direct of [false, true]) {
  test(`players of the ${direct ? "direct" : "plain"} path meet, are connected and part`, async () => {
    const watcher = watch(server.url);
    await carryMediation(server.url, { direct, udpPort: server.sidecar?.port ?? 0 });
    await watcher.settles();
    watcher.stop();
  });
}

test("players of the SDK meet and are linked", async () => {
  const orion = await connect(server.url);
  await using ada = await orion.host({ name: "Ada" });
  await using bo = await orion.join(ada.code, { name: "Bo" });
  const [hers, his] = await Promise.all([ada.start(), bo.started()]);
  expect([hers.length, his.length]).toEqual([1, 1]);
  await Promise.all([...hers, ...his].map((link) => link.close()));
});

test("once players are in a lobby, a chat line meets no new name", async () => {
  for (const direct of [false, true]) {
    const { lobbyId, host, guests, all } = await lobbyOf(3, server.url, { direct });
    await rollCall(lobbyId, host, ...guests);
    await delayFirstCalls(server.url, 30_000);
    // One that waited for a name would not be heard in time.
    for (let i = 0; i < 5; i++) await rollCall(lobbyId, guests[0] ?? host, host, ...guests);
    await delayFirstCalls(server.url, 0);
    await Promise.all(all.map((player) => player.leave()));
  }
});
