/** An object ends in the middle, as on Cloudflare one may at any time: its memory and its sockets are gone. */
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import type { Server } from "../../local/server.ts";
import { lobbyOf, Player, request, rollCall } from "../support/player.ts";
import { crash, later, ring, startFaultyServer } from "../support/server.ts";

const timing = { ptpmConnectRequestIntervalMs: 300 };
let server: Server;
beforeAll(async () => {
  server = await startFaultyServer({ timing });
});
afterAll(() => server.stop());

const soon = { timeout: 10_000, interval: 10 };

async function listed(lobbyId: string, base = server.url): Promise<unknown> {
  const { body } = await request(base, "/lobbies");
  const lobbies = (body?.lobbies ?? []) as { id: string; currentMembers: number }[];
  return lobbies.find(({ id }) => id === lobbyId)?.currentMembers;
}

async function connects(all: Player[]): Promise<void> {
  for (const player of all) await player.hears("ptpMediation_peersConnection_start");
}

async function succeeds(all: Player[]): Promise<void> {
  for (const player of all) {
    await player.hears("lobby_closed");
    expect(player.methods.slice(-2)).toEqual(["ptpMediation_success", "lobby_closed"]);
  }
}

describe("a lobby's object crashes whose members are at home elsewhere", () => {
  test("while they wait: they go on chatting, others join, the list is right", async () => {
    const { lobbyId, host, guests, all } = await lobbyOf(3, server.url, { isPublic: true, maxMembers: 5 });
    await crash(server.url, { lobby: lobbyId });
    await rollCall(lobbyId, host, ...guests);
    await crash(server.url, { lobby: lobbyId });
    const newcomer = await Player.connect(server.url);
    expect(await newcomer.join(lobbyId, "Newcomer")).toMatchObject({
      status: 200,
      body: { lobbyMembers: ["Host", "Guest 1", "Guest 2", "Newcomer"], host: "Host" },
    });
    for (const player of all) {
      expect(
        await player.hears("lobby_peerConnect", player.all("lobby_peerConnect").length || 1),
      ).toBeDefined();
    }
    expect(await listed(lobbyId)).toBe(4);
    await crash(server.url, { lobby: lobbyId });
    await newcomer.leave();
    expect(await host.hears("lobby_peerDisconnect")).toEqual({ lobbyId, peerName: "Newcomer" });
    expect(await listed(lobbyId)).toBe(3);
    await crash(server.url, { lobby: lobbyId });
    await host.leave();
    for (const guest of guests) expect(await guest.hears("lobby_closed")).toMatchObject({ lobbyId });
    expect(await listed(lobbyId)).toBeUndefined();
    await Promise.all(guests.map((guest) => guest.leave()));
  });

  test("while it gathers: a reminder asks again those it had seen, and they are connected", async () => {
    const { lobbyId, host, guests, all } = await lobbyOf(3, server.url);
    for (const guest of guests) guest.answersOverUdp = false;
    await host.start(lobbyId);
    await host.hears("ptpMediation_send");
    await guests[0]?.hears("ptpMediation_send", 2);
    await crash(server.url, { lobby: lobbyId });
    for (const guest of guests) guest.answersOverUdp = true;
    await connects(all);
    for (const player of all) player.reportsSuccess();
    await succeeds(all);
    await Promise.all(all.map((player) => player.leave()));
  });

  test("while it gathers: it stays locked", async () => {
    const { lobbyId, host, all } = await lobbyOf(2, server.url, { maxMembers: 4 });
    for (const player of all) player.answersOverUdp = false;
    await host.start(lobbyId);
    await crash(server.url, { lobby: lobbyId });
    const late = await Player.connect(server.url);
    expect(await late.join(lobbyId, "Late")).toMatchObject({
      status: 409,
      body: { codes: ["lobby_locked"] },
    });
    expect(await host.start(lobbyId)).toMatchObject({ status: 409, body: { codes: ["lobby_locked"] } });
    await Promise.all([late, ...all].map((player) => player.leave()));
  });

  test("while they connect: who reported before need not report again", async () => {
    const { lobbyId, host, guests, all } = await lobbyOf(3, server.url);
    await host.start(lobbyId);
    await connects(all);
    host.reportsSuccess();
    await rollCall(lobbyId, host, ...guests);
    await crash(server.url, { lobby: lobbyId });
    for (const guest of guests) guest.reportsSuccess();
    await succeeds(all);
    await Promise.all(all.map((player) => player.leave()));
  });

  test("after it told them that it is over: they host and join again", async () => {
    const { lobbyId, host, guests, all } = await lobbyOf(2, server.url);
    await host.start(lobbyId);
    await connects(all);
    for (const player of all) player.reportsSuccess();
    await succeeds(all);
    await crash(server.url, { lobby: lobbyId });
    expect(await guests[0]?.join(lobbyId, "Again")).toMatchObject({ body: { codes: ["no_such_lobby"] } });
    const again = await host.host();
    expect(again.status).toBe(201);
    expect((await guests[0]?.join(String(again.body?.lobbyId), "Guest"))?.status).toBe(200);
    await Promise.all(all.map((player) => player.leave()));
  });

  test("over and over, between any two steps: the game comes about all the same", async () => {
    const host = await Player.connect(server.url);
    const lobbyId = String((await host.host({ isPublic: true })).body?.lobbyId);
    const all = [host];
    for (const name of ["Ada", "Bob", "Cy"]) {
      await crash(server.url, { lobby: lobbyId });
      const guest = await Player.connect(server.url);
      expect(await guest.join(lobbyId, name)).toMatchObject({ status: 200 });
      all.push(guest);
    }
    await crash(server.url, { lobby: lobbyId });
    expect((await host.start(lobbyId)).status).toBe(200);
    await crash(server.url, { lobby: lobbyId });
    await connects(all);
    for (const player of all) {
      await crash(server.url, { lobby: lobbyId });
      player.reportsSuccess();
      await vi.waitFor(() => expect(player.socket.bufferedAmount).toBe(0), soon);
      await player.settled();
    }
    await succeeds(all);
    await vi.waitFor(async () => expect(await listed(lobbyId)).toBeUndefined(), soon);
    await Promise.all(all.map((player) => player.leave()));
  });
});

describe("a lounge crashes", () => {
  test("its clients' sockets close; a lobby elsewhere hears of a member when it next says something", async () => {
    const host = await Player.connect(server.url, "/lobbies");
    const lobbyId = String((await host.host({ isPublic: true })).body?.lobbyId);
    const guest = await Player.connect(server.url);
    await guest.join(lobbyId, "Guest");
    await crash(server.url, { home: guest.home });
    await guest.closed;
    host.chat(lobbyId, "Still there?");
    expect(await host.hears("lobby_peerDisconnect")).toEqual({ lobbyId, peerName: "Guest" });
    expect(await listed(lobbyId)).toBe(1);
    expect(await guest.post("/lobbies", {})).toMatchObject({ status: 400 });
    const again = await Player.connect(server.url);
    expect((await again.join(lobbyId, "Guest")).status).toBe(200);
    await Promise.all([host, again].map((player) => player.leave()));
  });

  test("with the host in it: the lobby elsewhere closes when it next says something", async () => {
    const host = await Player.connect(server.url);
    const lobbyId = String((await host.host({ isPublic: true })).body?.lobbyId);
    const guest = await Player.connect(server.url, `/lobbies/${lobbyId}`);
    expect((await guest.join(lobbyId, "Guest")).status).toBe(200);
    expect(guest.home).toBe(lobbyId);
    await crash(server.url, { home: host.home });
    await host.closed;
    guest.chat(lobbyId, "Host?");
    expect(await guest.hears("lobby_closed")).toMatchObject({ lobbyId });
    expect(await listed(lobbyId)).toBeUndefined();
    expect((await guest.host()).status).toBe(201);
    await guest.leave();
  });

  test("while a lobby elsewhere gathers: its reminder finds out, and the mediation is aborted", async () => {
    const host = await Player.connect(server.url, "/lobbies");
    const lobbyId = String((await host.host()).body?.lobbyId);
    const guest = await Player.connect(server.url);
    await guest.join(lobbyId, "Guest");
    guest.answersOverUdp = false;
    await host.start(lobbyId);
    await guest.hears("ptpMediation_send");
    await crash(server.url, { home: guest.home });
    expect(await host.hears("ptpMediation_aborted")).toMatchObject({ code: "member_left" });
    expect(host.methods.slice(-2)).toEqual(["lobby_peerDisconnect", "ptpMediation_aborted"]);
    await host.leave();
  });
});

describe("a lobby's object crashes that holds sockets too", () => {
  test("the host's: remote members are told that the lobby is closed", async () => {
    const host = await Player.connect(server.url, "/lobbies");
    const lobbyId = String((await host.host({ isPublic: true })).body?.lobbyId);
    const guest = await Player.connect(server.url);
    await guest.join(lobbyId, "Guest");
    await crash(server.url, { lobby: lobbyId });
    await host.closed;
    guest.chat(lobbyId, "Host?");
    expect(await guest.hears("lobby_closed")).toMatchObject({ lobbyId });
    expect(await listed(lobbyId)).toBeUndefined();
    expect((await guest.host()).status).toBe(201);
    await guest.leave();
  });

  test("a guest's, during a mediation: the rest are told who is gone and that it is aborted", async () => {
    const host = await Player.connect(server.url);
    const lobbyId = String((await host.host({ isPublic: true })).body?.lobbyId);
    const guest = await Player.connect(server.url, `/lobbies/${lobbyId}`);
    await guest.join(lobbyId, "Guest");
    for (const player of [host, guest]) player.answersOverUdp = false;
    await host.start(lobbyId);
    await guest.hears("ptpMediation_send");
    await crash(server.url, { lobby: lobbyId });
    await guest.closed;
    expect(await host.hears("ptpMediation_aborted")).toMatchObject({ code: "member_left" });
    expect(host.all("lobby_peerDisconnect")).toEqual([{ lobbyId, peerName: "Guest" }]);
    await vi.waitFor(async () => expect(await listed(lobbyId)).toBe(1), soon);
    await host.leave();
  });

  test("all members': whoever tries to join finds no lobby, and it is off the list", async () => {
    const { lobbyId, all } = await lobbyOf(3, server.url, { direct: true, isPublic: true, maxMembers: 5 });
    await crash(server.url, { lobby: lobbyId });
    await Promise.all(all.map((player) => player.closed));
    const late = await Player.connect(server.url);
    expect(await late.join(lobbyId, "Late")).toMatchObject({
      status: 409,
      body: { codes: ["no_such_lobby"] },
    });
    await vi.waitFor(async () => expect(await listed(lobbyId)).toBeUndefined(), soon);
    await late.leave();
  });
});

describe("the directory crashes", () => {
  test("the list survives, in its order, and takes what comes after", async () => {
    const lobbies = [
      await lobbyOf(2, server.url, { isPublic: true }),
      await lobbyOf(3, server.url, { isPublic: true }),
    ];
    const before = (await request(server.url, "/lobbies")).body;
    await crash(server.url, { directory: "0" });
    expect((await request(server.url, "/lobbies")).body).toEqual(before);
    await crash(server.url, { directory: "0" });
    const [first, second] = lobbies;
    await first?.guests[0]?.leave();
    expect(await first?.host.hears("lobby_peerDisconnect")).toBeDefined();
    expect(await listed(first?.lobbyId ?? "")).toBe(1);
    await crash(server.url, { directory: "0" });
    await second?.host.leave();
    await second?.guests[0]?.hears("lobby_closed");
    expect(await listed(second?.lobbyId ?? "")).toBeUndefined();
    await first?.host.leave();
  });
});

describe("the fleet crashes", () => {
  test("a mediation starts, and is carried to its end", async () => {
    const own = await startFaultyServer({ timing });
    try {
      const { lobbyId, host, all } = await lobbyOf(2, own.url);
      await crash(own.url, { fleet: "" });
      expect((await host.start(lobbyId)).status).toBe(200);
      await connects(all);
      for (const player of all) player.reportsSuccess();
      await succeeds(all);
    } finally {
      await own.stop();
    }
  });

  test("while a lobby gathers: the next reminder names a sidecar", async () => {
    const { lobbyId, host, all } = await lobbyOf(2, server.url);
    for (const player of all) player.answersOverUdp = false;
    await host.start(lobbyId);
    for (const player of all) await player.hears("ptpMediation_send");
    await crash(server.url, { fleet: "" });
    for (const player of all) player.answersOverUdp = true;
    await connects(all);
    expect(await host.hears("ptpMediation_send", 2)).toMatchObject({ port: server.sidecar?.port });
    await Promise.all(all.map((player) => player.leave()));
  });
});

describe("as time passes after a crash", () => {
  const minutes = 60_000;

  test("an audit finds members whose lounge crashed, though nobody says anything", async () => {
    const own = await startFaultyServer();
    try {
      const host = await Player.connect(own.url, "/lobbies");
      const lobbyId = String((await host.host({ isPublic: true })).body?.lobbyId);
      const guest = await Player.connect(own.url);
      await guest.join(lobbyId, "Guest");
      await crash(own.url, { home: guest.home });
      await ring(own.url, lobbyId);
      expect(host.all("lobby_peerDisconnect")).toEqual([]);
      await later(own.url, 5 * minutes);
      await ring(own.url, lobbyId);
      expect(await host.hears("lobby_peerDisconnect")).toEqual({ lobbyId, peerName: "Guest" });
      expect(await listed(lobbyId, own.url)).toBe(1);

      // A lobby that lives is refreshed at every audit.
      for (let audits = 0; audits < 4; audits++) {
        await later(own.url, 5 * minutes);
        await ring(own.url, lobbyId);
        expect(await listed(lobbyId, own.url)).toBe(1);
      }
      // One that is not is off the list after a quarter of an hour.
      await later(own.url, 15 * minutes + 1);
      expect(await listed(lobbyId, own.url)).toBeUndefined();
    } finally {
      await own.stop();
    }
  });

  test("a lobby that is lost is off the list after a quarter of an hour, however often the directory sleeps", async () => {
    const own = await startFaultyServer();
    try {
      const { lobbyId, all } = await lobbyOf(2, own.url, { isPublic: true });
      // The lobby is not told, and here its alarm does not come: to the directory it is as good as lost.
      await crash(own.url, { home: all[0]?.home ?? "" });
      expect(await listed(lobbyId, own.url)).toBe(2);
      for (let i = 0; i < 4; i++) {
        await crash(own.url, { directory: "0" });
        await later(own.url, 5 * minutes);
        await listed(lobbyId, own.url);
      }
      expect(await listed(lobbyId, own.url)).toBeUndefined();
    } finally {
      await own.stop();
    }
  });
});
