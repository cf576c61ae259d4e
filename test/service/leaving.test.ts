import { afterAll, beforeAll, expect, test } from "vitest";
import type { Server } from "../../local/server.ts";
import { lobbyOf, Player, rollCall } from "../../measure/kit/player.ts";
import { expectRefused } from "../../measure/kit/refusal.ts";
import { startTestServer } from "../../measure/kit/server.ts";

let server: Server;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.stop());

/** The ways in which a player leaves. */
const ways: [string, (player: Player) => unknown][] = [
  ["closes its connection", (player) => player.leave()],
  ["closes it without a code", (player) => player.socket.close()],
  ["vanishes without a word", (player) => player.vanish()],
];

for (const direct of [false, true]) {
  const path = direct ? "direct" : "plain";

  test.each(ways)(`when a guest %s, the rest hear of it and go on (${path})`, async (_, leaves) => {
    const { lobbyId, host, guests } = await lobbyOf(4, server.url, { direct });
    const [first, second, third] = guests;
    if (!first || !second || !third) throw new Error("too few guests");
    await rollCall(lobbyId, host, ...guests);
    await leaves(second);
    for (const player of [host, first, third]) {
      expect(await player.hears("lobby_peerDisconnect")).toEqual({ lobbyId, peerName: "Guest 2" });
    }
    await rollCall(lobbyId, first, host, third);
    for (const player of [host, first, third]) {
      expect(player.methods.filter((method) => method !== "lobby_peerConnect")).toEqual([
        "lobby_messaging_received",
        "lobby_peerDisconnect",
        "lobby_messaging_received",
      ]);
    }
    expect(second.methods).not.toContain("lobby_peerDisconnect");
  });

  test.each(ways)(
    `when the host %s, the lobby is closed, and its guests may host or join again (${path})`,
    async (_, leaves) => {
      const { lobbyId, host, guests } = await lobbyOf(4, server.url, { direct });
      const [first, second, third] = guests;
      if (!first || !second || !third) throw new Error("too few guests");
      await rollCall(lobbyId, host, ...guests);
      const heardBefore = guests.map((guest) => guest.methods.length);
      await leaves(host);
      for (const guest of guests) {
        expect(await guest.hears("lobby_closed")).toEqual({ lobbyId, lobbyName: "Lobby" });
      }

      const { status, body } = await first.host({ maxMembers: 8 });
      expect(status).toBe(201);
      const next = String(body?.lobbyId);
      expect((await second.join(next, "Second")).status).toBe(200);
      expect((await third.join(next, "Third")).body?.lobbyMembers).toEqual(["Host", "Second", "Third"]);
      await rollCall(next, third, first, second);
      for (const [i, guest] of guests.entries()) {
        const heard = guest.methods.slice(heardBefore[i]);
        expect(heard[0]).toBe("lobby_closed");
        expect(heard).not.toContain("lobby_peerDisconnect");
      }
    },
  );

  test(`several guests may leave at once: each is missed once (${path})`, async () => {
    const { lobbyId, host, guests } = await lobbyOf(12, server.url, { direct });
    for (const guest of guests.slice(1)) guest.vanish();
    await host.hears("lobby_peerDisconnect", 10);
    await rollCall(lobbyId, host, ...guests.slice(0, 1));
    const missed = host.all("lobby_peerDisconnect").map(({ peerName }) => String(peerName));
    expect(missed.sort()).toEqual(Array.from({ length: 10 }, (_, i) => `Guest ${i + 2}`).sort());
  });
}

test("when all guests have left, the host waits for others", async () => {
  const { lobbyId, host, guests } = await lobbyOf(2, server.url);
  await guests[0]?.leave();
  await host.hears("lobby_peerDisconnect");
  const other = await Player.connect(server.url);
  expect((await other.join(lobbyId, "Guest 1")).body?.lobbyMembers).toEqual(["Host", "Guest 1"]);
});

test("a lobby whose host left is closed for those who remember its code", async () => {
  const { lobbyId, host, guests } = await lobbyOf(2, server.url);
  await host.leave();
  await guests[0]?.hears("lobby_closed");
  for (const guest of guests) {
    guest.chat(lobbyId, "Where is everybody?");
    guest.reportsSuccess();
    expectRefused(await guest.start(lobbyId), 409, "no_such_lobby");
    expectRefused(await guest.join(lobbyId, "Guest 1"), 409, "no_such_lobby");
    await guest.settled();
    expect(guest.methods).toEqual(["lobby_closed"]);
  }
});

test.each([1000, 1001, 1008, 3000, 4000, 4999])(
  "whoever closes with code %i is answered with it",
  async (code) => {
    const player = await Player.connect(server.url);
    player.socket.close(code);
    expect(await player.closed).toEqual({ code, reason: "" });
  },
);

test("whoever closes without a code is answered", async () => {
  const player = await Player.connect(server.url);
  player.socket.close();
  // 1006 is what a client says to itself when no answer came.
  expect((await player.closed).code).not.toBe(1006);
});

test.each(ways)("when a player %s, its token is dead", async (_, leaves) => {
  const { lobbyId, host } = await lobbyOf(1, server.url, { maxMembers: 3 });
  const player = await Player.connect(server.url);
  await player.join(lobbyId, "Player");
  await leaves(player);
  await host.hears("lobby_peerDisconnect");
  expectRefused(await player.host(), 400, "invalid_token");
  for (const code of [lobbyId, "00000"]) {
    expectRefused(await player.join(code, "Player"), 400, "invalid_token");
    expectRefused(await player.start(code), 400, "invalid_token");
  }
});

test("a dead host's token is dead too", async () => {
  const { lobbyId, host, guests } = await lobbyOf(2, server.url, { direct: true });
  await host.leave();
  await guests[0]?.hears("lobby_closed");
  expectRefused(await host.host(), 400, "invalid_token");
  expectRefused(await host.start(lobbyId), 400, "invalid_token");
});

test("a dead token is refused even if the code is none", async () => {
  const player = await Player.connect(server.url);
  await player.leave();
  expectRefused(await player.join("no code", "Player"), 400, "invalid_token");
  expectRefused(await player.start("no code"), 400, "invalid_token");
});

test("whoever connects again is somebody new", async () => {
  const { lobbyId, host, guests } = await lobbyOf(2, server.url, { maxMembers: 3 });
  const [guest] = guests;
  await guest?.leave();
  await host.hears("lobby_peerDisconnect");
  const again = await Player.connect(server.url);
  expect(again.clientId).not.toBe(guest?.clientId);
  expect((await again.join(lobbyId, "Guest 1")).status).toBe(200);
});

test("one player may go from lobby to lobby on one connection, as each closes", async () => {
  const wanderer = await Player.connect(server.url);
  for (let round = 1; round <= 5; round++) {
    const { lobbyId, host } = await lobbyOf(1, server.url, { maxMembers: 2, direct: round % 2 === 0 });
    expect((await wanderer.join(lobbyId, "Wanderer")).status).toBe(200);
    await rollCall(lobbyId, wanderer, host);
    host.vanish();
    expect(await wanderer.hears("lobby_closed", round)).toEqual({ lobbyId, lobbyName: "Lobby" });
  }
  expect((await wanderer.host()).status).toBe(201);
});
