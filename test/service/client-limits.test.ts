/** What one client may do, wherever it is: counted in its holder. */

import { afterAll, beforeAll, expect, test } from "vitest";
import { sharedLimits } from "../../core/limits.ts";
import type { Server } from "../../local/server.ts";
import { type Answer, lobbyOf, Player, rollCall } from "../../measure/kit/player.ts";
import { expectRefused } from "../../measure/kit/refusal.ts";
import { failCalls, failedCalls, later, setLimits, startFaultyServer } from "../../measure/kit/server.ts";
import { objectLimits } from "../../worker/objects/limits.ts";
import { holderLimits } from "../../worker/sessions/limits.ts";

let server: Server;
beforeAll(async () => {
  server = await startFaultyServer({ udpPort: null });
});
afterAll(() => server.stop());

function isTooMany({ status }: Answer): boolean {
  return status === 429;
}

/** Expects a refusal that says when to come back, and returns that, in seconds. */
function expectTooMany(answer: Answer): number {
  expectRefused(answer, 429, "too_many_requests");
  const wait = Number(answer.headers.get("retry-after"));
  expect(Number.isInteger(wait) && wait > 0).toBe(true);
  return wait;
}

test("a client that asks again and again is refused for a while, alone, and keeps its lobby", async () => {
  const { lobbyId, host, guests } = await lobbyOf(2, server.url);
  const asks = [() => host.host(), () => host.join(lobbyId, "Me"), () => host.start(lobbyId)];
  const rounds = Array.from({ length: 2 * holderLimits.requestBurst }, (_, i) => asks[i % asks.length]);
  const answers = await Promise.all(rounds.flatMap((ask) => ask?.() ?? []));
  const refused = answers.filter(isTooMany);
  expect(answers.length - refused.length).toBeGreaterThanOrEqual(holderLimits.requestBurst - 1);
  const waits = refused.map(expectTooMany);
  // Whatever it asks for counts: which of the first came through is a matter of their ways.
  for (const ask of asks) {
    const more = await Promise.all(Array.from({ length: holderLimits.requestBurst }, ask));
    expect(more.some(isTooMany)).toBe(true);
    waits.push(...more.filter(isTooMany).map(expectTooMany));
  }
  for (const guest of guests) expectRefused(await guest.host(), 409, "already_in_lobby");
  await later(server.url, Math.max(...waits) * 1000);
  expectRefused(await host.host(), 409, "already_in_lobby");
});

test.each([
  ["hosts", "hostLobby", 201],
  ["joins", "joinLobby", 200],
  ["starts", "startMediation", 409],
] as const)(
  "one who has a single request left, and %s, is answered though the server had to ask thrice",
  async (_, method, status) => {
    const { lobbyId } = await lobbyOf(1, server.url, { maxMembers: 4 });
    const player = await Player.connect(server.url);
    const asks = {
      hostLobby: () => player.host(),
      joinLobby: () => player.join(lobbyId, "Me"),
      startMediation: () => player.start(lobbyId),
    };
    while (!isTooMany(await player.start(lobbyId)));
    // The next that is not refused takes the one that was just earned, and leaves next to nothing.
    while (isTooMany(await player.start(lobbyId))) await later(server.url, 20);
    await later(server.url, 1_000 / holderLimits.requestsPerSecond);
    const before = await failedCalls(server.url);
    await failCalls(server.url, method, "lose", 2);
    expect((await asks[method]()).status).toBe(status);
    expect(await failedCalls(server.url)).toBe(before + 2);
  },
);

test("a client that guesses codes is told of none any more, until it has waited", async () => {
  const { lobbyId } = await lobbyOf(1, server.url, { maxMembers: 4 });
  const guesser = await Player.connect(server.url);
  // However long these take, no guess is earned meanwhile.
  await setLimits(server.url, { failedJoinsPerSecond: 1 / 3_600 });
  for (let i = 0; i < holderLimits.failedJoinBurst; i++) {
    expectRefused(await guesser.join(i % 2 ? "no code" : "00000", "Me"), 409, "no_such_lobby");
  }
  const wait = expectTooMany(await guesser.join("00000", "Me"));
  expectTooMany(await guesser.join(lobbyId, "Me"));
  await later(server.url, wait * 1000);
  expect((await guesser.join(lobbyId, "Me")).status).toBe(200);
  await setLimits(server.url, { failedJoinsPerSecond: holderLimits.failedJoinsPerSecond });
});

test("a lobby that is full or locked is no guess", async () => {
  const { lobbyId } = await lobbyOf(2, server.url, { maxMembers: 2 });
  const player = await Player.connect(server.url);
  for (let i = 0; i < 2 * holderLimits.failedJoinBurst; i++) {
    expectRefused(await player.join(lobbyId, "Me"), 409, "lobby_full");
  }
});

test("a stranger in a lobby's object may say little, and all that others may once it has joined", async () => {
  const { lobbyId, host } = await lobbyOf(1, server.url, { maxMembers: 4, direct: true });
  const path = `/lobbies/${lobbyId}`;
  const [flooder, guest] = await Player.crowd(2, server.url, path);
  if (!flooder || !guest) throw new Error("no players");
  // Far faster than it earns frames, whatever the machine is busy with.
  while (flooder.socket.readyState === flooder.socket.OPEN) {
    for (let i = 0; i < sharedLimits.framesDropped; i++) flooder.socket.send("junk");
    await Promise.race([flooder.settled(), flooder.closed]);
  }
  expect((await flooder.closed).code).toBe(1008);
  for (let i = 0; i < 2 * sharedLimits.strangerFrames; i++) guest.socket.send("junk");
  expect((await guest.join(lobbyId, "Me")).status).toBe(200);
  for (let i = 0; i < sharedLimits.chatBurst; i++) guest.chat(lobbyId, `Line ${i}`);
  await guest.settled();
  await rollCall(lobbyId, guest, host);
  expect(host.chats.filter((message) => String(message).startsWith("Line"))).toHaveLength(
    sharedLimits.chatBurst,
  );
});

test("strangers that had their time to join go when a newcomer needs their place, and none before", async () => {
  const { lobbyId, host } = await lobbyOf(1, server.url, { maxMembers: 4, direct: true });
  const path = `/lobbies/${lobbyId}`;
  const strangerMs = 3_600_000;
  await setLimits(server.url, { strangerMs });
  const squatters = await Player.crowd(objectLimits.strangersHeld, server.url, path);
  for (const { holder } of squatters) expect(holder).toBe(lobbyId);
  const early = await Player.connect(server.url, path);
  expect(early.holder).not.toBe(lobbyId);
  await rollCall(lobbyId, host);
  for (const { socket } of squatters) expect(socket.readyState).toBe(socket.OPEN);
  await later(server.url, strangerMs);
  const newcomer = await Player.connect(server.url, path);
  expect(newcomer.holder).toBe(lobbyId);
  for (const squatter of squatters) expectRefused(await squatter.join(lobbyId, "Late"), 400, "invalid_token");
  expect((await newcomer.join(lobbyId, "Newcomer")).status).toBe(200);
  await rollCall(lobbyId, host, newcomer);
  await setLimits(server.url, { strangerMs: objectLimits.strangerMs });
});

test("a client that takes its time, and joins before anybody needs its place, is let in", async () => {
  const { lobbyId, host } = await lobbyOf(1, server.url, { maxMembers: 4, direct: true });
  const guest = await Player.connect(server.url, `/lobbies/${lobbyId}`);
  await later(server.url, 20 * objectLimits.strangerMs);
  guest.say("client_features", { features: ["links"] });
  expect((await guest.join(lobbyId, "Guest")).status).toBe(200);
  await rollCall(lobbyId, host, guest);
  // And a member of a lobby that is over may stay as long as it likes.
  await host.leave();
  await guest.hears("lobby_closed");
  await later(server.url, 20 * objectLimits.strangerMs);
  expect((await guest.host()).status).toBe(201);
});
