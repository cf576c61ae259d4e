/** Who holds a player's socket is chosen by the path it is opened on. Players notice nothing but speed. */
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Server } from "../../local/server.ts";
import { lobbyOf, Player, rollCall } from "../support/player.ts";
import { expectRefused } from "../support/refusal.ts";
import { startTestServer } from "../support/server.ts";

let server: Server;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.stop());

const lounge = /^[0-9a-f]{64}$/;
const code = /^[0-9A-Z]{5}$/;

/** The players are connected to one another, and the lobby closes. */
async function getConnected(lobbyId: string, host: Player, ...guests: Player[]): Promise<void> {
  const all = [host, ...guests];
  const started = all.map((player) => player.all("ptpMediation_peersConnection_start").length);
  expect((await host.start(lobbyId)).status).toBe(200);
  const peers = all.map((player, i) =>
    player.hears("ptpMediation_peersConnection_start", 1 + (started[i] ?? 0)),
  );
  const endpoint = (player: Player) => ({ ip: "127.0.0.1", port: player.udp?.address().port });
  expect(await Promise.all(peers)).toEqual([
    { peers: guests.map(endpoint) },
    ...guests.map(() => ({ peers: [endpoint(host)] })),
  ]);
  const closed = all.map((player) => player.hearsNext("lobby_closed"));
  for (const player of all) player.reportsSuccess();
  await Promise.all(closed);
  for (const player of all)
    expect(player.methods.slice(-2)).toEqual(["ptpMediation_success", "lobby_closed"]);
}

test("whoever connects on /lobbies is at home in the lobby it then hosts", async () => {
  const host = await Player.connect(server.url, "/lobbies");
  expect(host.home).toMatch(code);
  expect((await host.host()).body?.lobbyId).toBe(host.home);
  await rollCall(host.home, host);
});

test("whoever connects on a lobby's path is at home in it, before and after joining", async () => {
  const { lobbyId, host } = await lobbyOf(1, server.url, { maxMembers: 3 });
  for (const path of [`/lobbies/${lobbyId}`, `/lobbies/${lobbyId.toLowerCase()}`]) {
    const guest = await Player.connect(server.url, path);
    expect(guest.home).toBe(lobbyId);
    expect((await guest.join(lobbyId, path.slice(9).replace(/\d/g, "x"))).status).toBe(200);
    await rollCall(lobbyId, guest, host);
  }
});

test("whoever connects on the root, or anywhere else, is at home in a lounge", async () => {
  for (const path of ["/", "/ping", "/lobbies/ABCDE/join"]) {
    expect((await Player.connect(server.url, path)).home).toMatch(lounge);
  }
});

test.each(["/lobbies/00000", "/lobbies/no code"])(
  "whoever connects on %s, where no lobby is, can still host or join",
  async (path) => {
    const host = await Player.connect(server.url, path);
    expect(host.home).toMatch(lounge);
    const { status, body } = await host.host();
    expect(status).toBe(201);
    const guest = await Player.connect(server.url, path);
    expect((await guest.join(String(body?.lobbyId), "Guest")).status).toBe(200);
    await rollCall(String(body?.lobbyId), guest, host);
  },
);

test("a code that was drawn is no lobby before it is opened: it cannot be joined, nor its path", async () => {
  const host = await Player.connect(server.url, "/lobbies");
  const guest = await Player.connect(server.url, `/lobbies/${host.home}`);
  expect(guest.home).toMatch(lounge);
  expectRefused(await guest.join(host.home, "Guest"), 409, "no_such_lobby");
  expectRefused(await guest.start(host.home), 409, "no_such_lobby");
  await host.host();
  expect((await guest.join(host.home, "Guest")).status).toBe(200);
});

test("whoever connected to host may join another lobby instead, and host later", async () => {
  const { lobbyId, host } = await lobbyOf(1, server.url, { maxMembers: 2 });
  const guest = await Player.connect(server.url, "/lobbies");
  expect((await guest.join(lobbyId, "Guest")).status).toBe(200);
  await rollCall(lobbyId, guest, host);
  await host.leave();
  await guest.hears("lobby_closed");
  const { status, body } = await guest.host();
  expect(status).toBe(201);
  const another = await Player.connect(server.url, `/lobbies/${body?.lobbyId}`);
  expect((await another.join(String(body?.lobbyId), "Another")).status).toBe(200);
  await rollCall(String(body?.lobbyId), another, guest);
});

test("whoever connected to one lobby may join another", async () => {
  const here = await lobbyOf(1, server.url, { direct: true, maxMembers: 4 });
  const there = await lobbyOf(2, server.url, { direct: true, maxMembers: 4 });
  const guest = await Player.connect(server.url, `/lobbies/${here.lobbyId}`);
  expect((await guest.join(there.lobbyId, "Guest")).status).toBe(200);
  await rollCall(there.lobbyId, guest, ...there.all);
  expect(here.host.methods).toEqual([]);

  // That the lobby it is at home in closes does not concern it.
  await here.host.leave();
  await rollCall(there.lobbyId, guest, ...there.all);
  expect(guest.methods).not.toContain("lobby_closed");
  await getConnected(there.lobbyId, there.host, ...there.guests, guest);
});

test("whoever is at home in a closed lobby can host again, and its new lobby has a code of its own", async () => {
  const { lobbyId, host, guests } = await lobbyOf(3, server.url, { direct: true });
  const [first, second] = guests;
  if (!first || !second) throw new Error("too few guests");
  await host.leave();
  for (const guest of guests) await guest.hears("lobby_closed");
  const { status, body } = await first.host();
  expect(status).toBe(201);
  const next = String(body?.lobbyId);
  expect(next).not.toBe(lobbyId);
  expect((await second.join(next, "Second")).status).toBe(200);
  const third = await Player.connect(server.url, `/lobbies/${next}`);
  expect((await third.join(next, "Third")).status).toBe(200);
  await rollCall(next, second, first, third);
  await getConnected(next, first, second, third);
});

test("the same players can be connected again and again, on the same sockets", async () => {
  const { lobbyId, host, guests } = await lobbyOf(3, server.url, { direct: true });
  let code = lobbyId;
  for (let round = 0; round < 3; round++) {
    await getConnected(code, host, ...guests);
    code = String((await host.host({ maxMembers: 3 })).body?.lobbyId);
    for (const [i, guest] of guests.entries()) {
      expect((await guest.join(code, `Guest ${i + 1}`)).status).toBe(200);
    }
    await rollCall(code, host, ...guests);
  }
});

test("a code whose lobby has closed leads to a lounge", async () => {
  const { lobbyId, host, guests } = await lobbyOf(2, server.url, { direct: true });
  await host.leave();
  await guests[0]?.hears("lobby_closed");
  const late = await Player.connect(server.url, `/lobbies/${lobbyId}`);
  expect(late.home).toMatch(lounge);
  expect((await late.host()).status).toBe(201);
});

test.each([
  ["in a lounge", "/"],
  ["in its lobby", "/lobbies"],
])(
  "a host at home %s has guests from everywhere, who meet, talk, are connected and part",
  async (_, path) => {
    const host = await Player.connect(server.url, path);
    const { body } = await host.host({ maxMembers: 8 });
    const lobbyId = String(body?.lobbyId);
    const elsewhere = await lobbyOf(1, server.url, { direct: true });
    const guests = [
      await Player.connect(server.url),
      await Player.connect(server.url, `/lobbies/${lobbyId}`),
      await Player.connect(server.url, "/lobbies"),
      await Player.connect(server.url, `/lobbies/${elsewhere.lobbyId}`),
      await Player.connect(server.url, `/lobbies/${lobbyId}`),
      await Player.connect(server.url, "/elsewhere"),
    ];
    const names = guests.map((_, i) => `Guest ${i + 1}`);
    for (const [i, guest] of guests.entries()) {
      const { body } = await guest.join(lobbyId, `Guest ${i + 1}`);
      expect(body).toMatchObject({ lobbyMembers: ["Host", ...names.slice(0, i + 1)], host: "Host" });
    }
    for (const speaker of [host, ...guests]) await rollCall(lobbyId, speaker, host, ...guests);
    for (const [i, player] of [host, ...guests].entries()) {
      expect(player.chats).toHaveLength(7);
      expect(player.all("lobby_peerConnect").map(({ peerName }) => peerName)).toEqual(names.slice(i));
    }

    const [gone, ...rest] = guests;
    gone?.vanish();
    for (const player of [host, ...rest]) {
      expect(await player.hears("lobby_peerDisconnect")).toEqual({ lobbyId, peerName: "Guest 1" });
    }
    await getConnected(lobbyId, host, ...rest);
    expect(elsewhere.host.methods).toEqual([]);
  },
);

test("when a host at home in its lobby leaves, guests from everywhere hear that it is closed", async () => {
  const { lobbyId, host } = await lobbyOf(1, server.url, { direct: true, maxMembers: 4 });
  const guests = [await Player.connect(server.url), await Player.connect(server.url, `/lobbies/${lobbyId}`)];
  for (const [i, guest] of guests.entries()) await guest.join(lobbyId, `Guest ${i}`);
  host.vanish();
  for (const guest of guests) {
    expect(await guest.hears("lobby_closed")).toEqual({ lobbyId, lobbyName: "Lobby" });
    expect((await guest.host()).status).toBe(201);
  }
});

test("whoever is at home in a lobby without having joined hears nothing of it", async () => {
  const { lobbyId, host } = await lobbyOf(1, server.url, { direct: true, maxMembers: 4 });
  const onlooker = await Player.connect(server.url, `/lobbies/${lobbyId}`);
  const guest = await Player.connect(server.url, `/lobbies/${lobbyId}`);
  await guest.join(lobbyId, "Guest");
  onlooker.chat(lobbyId, "Can you hear me?");
  await onlooker.settled();
  await rollCall(lobbyId, host, guest);
  await host.leave();
  await guest.hears("lobby_closed");
  await onlooker.settled();
  expect(onlooker.methods).toEqual([]);
  expect(host.chats).not.toContain("Can you hear me?");
});

test("an onlooker that goes is not missed", async () => {
  const { lobbyId, host } = await lobbyOf(1, server.url, { direct: true, maxMembers: 4 });
  const onlooker = await Player.connect(server.url, `/lobbies/${lobbyId}`);
  await onlooker.leave();
  await rollCall(lobbyId, host);
  expect(host.methods).toEqual(["lobby_messaging_received"]);
});
