/** Codes that no lobby has: a server asks objects about few of them, and one stranger must not use that up. */
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import type { Server } from "../../local/server.ts";
import { Player, post } from "../../measure/kit/player.ts";
import {
  freeCode,
  setLimits,
  spoilCounting,
  startFaultyServer,
  wrongCode,
} from "../../measure/kit/server.ts";
import { edgeLimits } from "../../worker/edge/limits.ts";
import { holderLimits } from "../../worker/sessions/limits.ts";

let server: Server;
beforeAll(async () => {
  server = await startFaultyServer({ udpPort: null });
  // What is used up does not come back while a test runs.
  await setLimits(server.url, { unknownCodesPerSecond: 0.01 });
});
afterAll(() => server.stop());

test("a guesser's questions count although they are put to nobody, and after so many its address is told of no code", async () => {
  const guessed = await startFaultyServer({ udpPort: null, vars: { clientAddress: "cloudflare" } });
  onTestFinished(() => guessed.stop());
  await setLimits(guessed.url, { unknownCodesPerSecond: 0.01 });
  // The platform's own counts begin anew with each minute of the clock.
  await spoilCounting(guessed.url, "FAILED_JOINS", "exact");
  const most = 60;
  const headers = { "cf-connecting-ip": "203.0.113.9" };
  /** The seconds after which it may ask again; 0 if it was told of the code. */
  const ask = async (code: string) => {
    const { token } = await Player.connect(guessed.url, "/", headers);
    const body = { token, peerName: "Eve" };
    const answer = await post(guessed.url, `/lobbies/${code}/join`, body, headers);
    return Number(answer.headers.get("retry-after") ?? 0);
  };
  const answers = [await ask(await wrongCode(guessed.url))];
  const isShut = () => answers.at(-1) === edgeLimits.addressPeriodS;
  // They pass the check, as codes do that somebody collects by hosting.
  while (!isShut() && answers.length < 2 * most) answers.push(await ask(await freeCode(guessed.url)));
  expect(isShut()).toBe(true);
  expect(answers.length).toBeGreaterThan(edgeLimits.unknownCodeBurst);
  expect(answers.length).toBeLessThanOrEqual(most + 2);
});

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
