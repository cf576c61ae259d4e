import { expect, test } from "vitest";
import { lobbyOf, request, rollCall } from "../../measure/kit/player.ts";
import { expectRefused } from "../../measure/kit/refusal.ts";
import { startTestServer } from "../../measure/kit/server.ts";

test("without a sidecar nobody can be connected yet, but the lobby goes on", async () => {
  const server = await startTestServer({ udpPort: null });
  const { lobbyId, host, guests } = await lobbyOf(2, server.url);
  expectRefused(await host.start(lobbyId), 503, "no_sidecar");
  await rollCall(lobbyId, host, ...guests);
  expect(guests[0]?.methods).toEqual(["lobby_messaging_received"]);
  await server.stop();
});

test("a server without a proper secret says that it is not set up, and no more", async () => {
  const secret = "too short";
  const server = await startTestServer({ udpPort: null, secret });
  for (const path of ["/lobbies", "/nowhere"]) {
    const answer = await request(server.url, path);
    expectRefused(answer, 503, "not_configured");
    expect(answer.text).not.toContain(secret);
  }
  await server.stop();
});
