/** A crowd of addresses that guesses codes: more of them than a deployment takes in a minute. */
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Server } from "../../local/server.ts";
import { lobbyOf, Player, post } from "../../measure/kit/player.ts";
import { setLimits, startFaultyServer, wrongCode } from "../../measure/kit/server.ts";
import { edgeLimits } from "../../worker/edge/limits.ts";

let server: Server;
let wrong: string;
beforeAll(async () => {
  server = await startFaultyServer({ udpPort: null, vars: { clientAddress: "cloudflare" } });
  await setLimits(server.url, { failedJoinShares: 1 });
  wrong = await wrongCode(server.url);
});
afterAll(() => server.stop());

/** Each in a /24 of its own. */
const headersOf = (i: number) => ({ "cf-connecting-ip": `203.${i >> 8}.${i & 255}.1` });
let names = 0;

async function join(i: number, code: string): Promise<number> {
  names += 1;
  const { token } = await Player.connect(server.url, "/", headersOf(i));
  const body = { token, peerName: `Guest ${names}` };
  return (await post(server.url, `/lobbies/${code}/join`, body, headersOf(i))).status;
}

test("besieged, a deployment gives each address a few codes; who knows a code gets in", async () => {
  const { lobbyId } = await lobbyOf(1, server.url, { maxMembers: 16 });
  // One guess from each address. Twice as many as may be, because the platform counts by whole minutes and one may end.
  const crowd = 2 * edgeLimits.addressFailedJoins + 20;
  for (let i = 0; i < crowd; i += 20)
    await Promise.all(Array.from({ length: 20 }, (_, at) => join(i + at, wrong)));
  const before: number[] = [];
  for (let tried = 0; tried <= edgeLimits.besiegedFailedJoins; tried++) before.push(await join(9_999, wrong));
  // The last one is too many, and after it no code is told from there.
  expect(before).toEqual([...Array(edgeLimits.besiegedFailedJoins).fill(409), 429]);
  expect(await join(9_999, lobbyId)).toBe(429);
  // A player who has tried none, or mistyped once, from elsewhere.
  expect(await join(5_000, lobbyId)).toBe(200);
  expect(await join(1, lobbyId)).toBe(200);
});
