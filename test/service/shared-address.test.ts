/** Players behind one address with somebody who asks as much as he can: who has a token and asks seldom plays on. */
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Server } from "../../local/server.ts";
import { lobbyOf, Player, post } from "../../measure/kit/player.ts";
import { expectRefused } from "../../measure/kit/refusal.ts";
import { spoilCounting, startFaultyServer } from "../../measure/kit/server.ts";
import { edgeLimits } from "../../worker/edge/limits.ts";

let server: Server;
beforeAll(async () => {
  server = await startFaultyServer({ udpPort: null, vars: { clientAddress: "cloudflare" } });
  // The platform's own counts begin anew with each minute of the clock.
  await spoilCounting(server.url, "REQUESTS", "exact");
});
afterAll(() => server.stop());

const headers = { "cf-connecting-ip": "203.0.113.7" };

/** Sends it until the address is refused. */
async function junk(path: string, body: object): Promise<void> {
  const statuses: number[] = [];
  while (statuses.at(-1) !== 429) {
    const some = await Promise.all(Array.from({ length: 50 }, () => post(server.url, path, body, headers)));
    statuses.push(...some.map(({ status }) => status));
    if (statuses.length > 3 * edgeLimits.addressRequests) throw new Error("never refused");
  }
}

test.each([
  ["no body that means anything", {}],
  ["a token that nobody made", { token: "A".repeat(60), peerName: "Guest" }],
])(
  "requests with %s use up nothing of those that have a token",
  async (_, body) => {
    const { lobbyId } = await lobbyOf(1, server.url, { maxMembers: 16 });
    const [guest, host] = [
      await Player.connect(server.url, "/", headers),
      await Player.connect(server.url, "/", headers),
    ];
    const asked = edgeLimits.clientRequestsKept + 1;
    await junk(`/lobbies/${lobbyId}/join`, body);
    expect((await guest.join(lobbyId, "Guest")).status).toBe(200);
    // More than those kept for a client: what the address has left for them.
    for (let i = 0; i < asked; i++) expectRefused(await guest.start(lobbyId), 409, "not_the_host");
    expect((await host.host()).status).toBe(201);
  },
  60_000,
);

test("a client that asks seldom goes on when its address has used up its requests, and one that asks often does not", async () => {
  const { lobbyId } = await lobbyOf(1, server.url, { maxMembers: 16 });
  const [often, seldom] = [
    await Player.connect(server.url, "/", headers),
    await Player.connect(server.url, "/", headers),
  ];
  await spoilCounting(server.url, "REQUESTS", "full");
  expect((await seldom.join(lobbyId, "Seldom")).status).toBe(200);
  for (let i = 0; i < edgeLimits.clientRequestsKept; i++)
    expectRefused(await often.start(lobbyId), 409, "not_the_host");
  expectRefused(await often.start(lobbyId), 429, "too_many_requests");
  expectRefused(await post(server.url, "/lobbies", {}, headers), 429, "too_many_requests");
  expectRefused(await seldom.start(lobbyId), 409, "not_the_host");
});
