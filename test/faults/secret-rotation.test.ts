/** One secret follows another while players play: for a time both are accepted. */
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import type { Server } from "../../local/server.ts";
import { lobbyOf, Player, rollCall } from "../../measure/kit/player.ts";
import { type Watch, watch } from "../../measure/kit/promises.ts";
import { expectRefused } from "../../measure/kit/refusal.ts";
import { postAsSidecar, secret, tokenOf } from "../../measure/kit/secret.ts";
import { setSecrets, startFaultyServer } from "../../measure/kit/server.ts";

const before = "the secret before, of 32 letters";
const beat = { name: "test", port: 5990, load: 0 };

let server: Server;
let watcher: Watch;
beforeAll(async () => {
  server = await startFaultyServer({ secret: before, udpPort: null });
});
beforeEach(async () => {
  await setSecrets(server.url, before, "");
  watcher = watch(server.url);
});
afterEach(async () => {
  await watcher.settles();
  watcher.stop();
});
afterAll(() => server.stop());

/** The token that this secret makes for a client. */
function tokenUnder(under: string, { holder, clientId }: Player): string {
  return tokenOf(clientId, { holder, under });
}

for (const direct of [false, true]) {
  test(`a lobby that is open goes on, and is joined by its code, under the next secret (${direct ? "direct" : "plain"})`, async () => {
    const { lobbyId, host, guests } = await lobbyOf(2, server.url, { direct, maxMembers: 4 });
    const early = await Player.connect(server.url);
    await setSecrets(server.url, secret, before);
    const late = await Player.connect(server.url, direct ? `/lobbies/${lobbyId}` : "/");
    if (direct) expect(late.holder).toBe(lobbyId);
    expect(early.token).toBe(tokenUnder(before, early));
    expect(late.token).toBe(tokenUnder(secret, late));
    expect((await early.join(lobbyId, "Early")).status).toBe(200);
    expect((await late.join(lobbyId, "Late")).status).toBe(200);
    await rollCall(lobbyId, late, early, host, ...guests);
    expectRefused(await host.start(lobbyId), 503, "no_sidecar");
    expectRefused(await (await Player.connect(server.url)).start(lobbyId), 409, "not_the_host");
  });
}

test("a lobby that is opened meanwhile has a code that lasts", async () => {
  await setSecrets(server.url, secret, before);
  const { lobbyId, host } = await lobbyOf(1, server.url, { maxMembers: 4 });
  await setSecrets(server.url, secret, "");
  const guest = await Player.connect(server.url);
  expect((await guest.join(lobbyId, "Guest")).status).toBe(200);
  await rollCall(lobbyId, guest, host);
});

test("a secret is accepted before it is the one that is made with, so that no sidecar is ever behind", async () => {
  await setSecrets(server.url, before, secret);
  const player = await Player.connect(server.url);
  expect(player.token).toBe(tokenUnder(before, player));
  for (const under of [before, secret]) {
    expect((await postAsSidecar(server.url, "/sidecar/heartbeat", beat, { under })).status).toBe(200);
    const token = tokenUnder(under, player);
    expectRefused(await player.post("/lobbies/00000/join", { token, peerName: "Me" }), 409, "no_such_lobby");
  }
});

test("when the time is over, tokens and posts of the secret before are nothing, and codes lead to their lobbies as before", async () => {
  const lobbies = [
    await lobbyOf(1, server.url, { maxMembers: 2 }),
    await lobbyOf(1, server.url, { maxMembers: 2, direct: true }),
  ];
  const early = await Player.connect(server.url);
  await setSecrets(server.url, secret, "");
  expectRefused(await early.host(), 400, "invalid_token");
  expect((await postAsSidecar(server.url, "/sidecar/heartbeat", beat, { under: before })).status).toBe(401);
  for (const { lobbyId } of lobbies) {
    const late = await Player.connect(server.url);
    expect((await late.join(lobbyId, "Late")).status).toBe(200);
  }
  // The promises ask with the tokens that these players have.
  await setSecrets(server.url, secret, before);
});

// A server that nobody can play on.
test("a second secret that is none is as bad as none", async () => {
  const bad = await startFaultyServer({ udpPort: null, vars: { ORION_SECRET_BEFORE: "too short" } });
  const answer = await fetch(new URL("/lobbies", bad.url));
  expect([answer.status, await answer.json()]).toMatchObject([503, { codes: ["not_configured"] }]);
  await bad.stop();
});
