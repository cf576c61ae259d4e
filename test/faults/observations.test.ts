/** What sidecars saw, when some of those it is for cannot be told. */
import { expect, test } from "vitest";
import { lobbyOf, Player, post } from "../../measure/kit/player.ts";
import { watch } from "../../measure/kit/promises.ts";
import { proofOf, secret, signatureOf } from "../../measure/kit/secret.ts";
import { failCalls, startFaultyServer } from "../../measure/kit/server.ts";

test("a post with observations for lobbies out of reach is answered in time: those are wanted again, the others are there", async () => {
  const server = await startFaultyServer({ secret, udpPort: null });
  const watcher = watch(server.url);
  try {
    const apart = await lobbyOf(2, server.url);
    const other = await Player.connect(server.url);
    await failCalls(server.url, "receive", "fail", Number.POSITIVE_INFINITY);
    const observations = [apart.guests[0] ?? other, other, apart.host].map((player, i) => ({
      clientId: player.clientId,
      proof: proofOf(player),
      ip: "192.0.2.1",
      port: 1_000 + i,
    }));
    const path = "/sidecar/observations";
    const body = JSON.stringify({ observations });
    const began = Date.now();
    const headers = { "x-orion-sidecar": "test", "x-orion-signature": signatureOf(path, body) };
    const answer = await post(server.url, path, body, headers);
    expect(answer).toMatchObject({ status: 200, body: { again: [0, 2] } });
    // A flight to a lobby out of reach is given up after 12 s; a sidecar gives up its post after 5 s.
    expect(Date.now() - began).toBeLessThan(5_000);
    await failCalls(server.url, "receive", "fail", 0);
    await watcher.settles();
  } finally {
    watcher.stop();
    await server.stop();
  }
});
