/** Codes that no lobby has: a server asks objects about few of them, and one stranger must not use that up. */
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Server } from "../../local/server.ts";
import { Player } from "../../measure/kit/player.ts";
import { freeCode, setLimits, startFaultyServer, wrongCode } from "../../measure/kit/server.ts";
import { edgeLimits } from "../../worker/edge/limits.ts";
import { holderLimits } from "../../worker/sessions/limits.ts";

let server: Server;
beforeAll(async () => {
  server = await startFaultyServer({ udpPort: null });
  // What is used up does not come back while a test runs.
  await setLimits(server.url, { unknownCodesPerSecond: 0.01 });
});
afterAll(() => server.stop());

async function inLobby(): Promise<Player> {
  const player = await Player.connect(server.url);
  expect((await player.host()).status).toBe(201);
  return player;
}

async function gone(): Promise<Player> {
  const player = await Player.connect(server.url);
  await player.leave();
  return player;
}

async function guessing(): Promise<Player> {
  const player = await Player.connect(server.url);
  const wrong = await wrongCode(server.url);
  for (let tried = 0; tried < holderLimits.failedJoinBurst; tried++) await player.join(wrong, "Stranger");
  return player;
}

test.each([
  ["is in a lobby", inLobby],
  ["is gone, and still has its token", gone],
  ["has tried too many codes", guessing],
])("a stranger that %s keeps nobody from being told of a code", async (_, arrive) => {
  const stranger = await arrive();
  for (let asked = 0; asked < 2 * edgeLimits.unknownCodeBurst; asked++)
    await stranger.join(await freeCode(server.url), "Stranger");
  const player = await Player.connect(server.url);
  expect((await player.join(await freeCode(server.url), "Ada")).status).toBe(409);
});
