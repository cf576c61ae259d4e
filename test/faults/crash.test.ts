/** An object ends in the middle, as on Cloudflare one may at any time: its memory and its sockets are gone. */

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { lobbyLimits } from "../../core/lobby/limits.ts";
import type { Server } from "../../local/server.ts";
import { lobbyOf, Player, request } from "../../measure/kit/player.ts";
import { type Watch, watch } from "../../measure/kit/promises.ts";
import { crash, failCalls, later, ring, startFaultyServer, storedOf } from "../../measure/kit/server.ts";

const timing = { ptpmConnectRequestIntervalMs: 300 };
let server: Server;
let watcher: Watch;
beforeAll(async () => {
  server = await startFaultyServer({ timing });
});
beforeEach(() => {
  watcher = watch(server.url);
});
afterEach(async () => {
  await watcher.settles();
  for (const player of watcher.players) player.vanish();
  await watcher.settles();
  watcher.stop();
});
afterAll(() => server.stop());

const soon = { interval: 10 };

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

describe("the lounge of a guest crashes", () => {
  test("its clients' sockets close; the lobby hears of it when it next says something", async () => {
    const { lobbyId, host, guests } = await lobbyOf(2, server.url, { isPublic: true });
    const [guest = host] = guests;
    expect(guest.holder).not.toBe(host.holder);
    await crash(server.url, { holder: guest.holder });
    await guest.closed;
    host.chat(lobbyId, "Still there?");
    expect(await host.hears("lobby_peerDisconnect")).toEqual({ lobbyId, peerName: "Guest 1" });
    expect(await listed(lobbyId)).toBe(1);
    expect(await guest.post("/lobbies", {})).toMatchObject({ status: 400 });
    const again = await Player.connect(server.url);
    expect((await again.join(lobbyId, "Guest 1")).status).toBe(200);
    await Promise.all([host, again].map((player) => player.leave()));
  });

  test("while the lobby gathers: its reminder finds out, and the mediation is aborted", async () => {
    const { lobbyId, host, guests } = await lobbyOf(3, server.url, { isPublic: true });
    const [guest = host, other = host] = guests;
    guest.answersOverUdp = false;
    await host.start(lobbyId);
    await guest.hears("ptpMediation_send");
    await crash(server.url, { holder: guest.holder });
    for (const player of [host, other]) {
      expect(await player.hears("ptpMediation_aborted")).toMatchObject({ code: "member_left" });
      expect(player.methods.slice(-2)).toEqual(["lobby_peerDisconnect", "ptpMediation_aborted"]);
    }
    await vi.waitFor(async () => expect(await listed(lobbyId)).toBe(2), soon);
    await Promise.all([host, other].map((player) => player.leave()));
  });

  test("over and over: others take the seats, and the game comes about all the same", async () => {
    const { lobbyId, host } = await lobbyOf(1, server.url, { isPublic: true, maxMembers: 2 });
    for (let i = 0; i < 4; i++) {
      const guest = await Player.connect(server.url);
      expect((await guest.join(lobbyId, "Guest")).status).toBe(200);
      await crash(server.url, { holder: guest.holder });
      host.chat(lobbyId, "Guest?");
      await host.hears("lobby_peerDisconnect", i + 1);
    }
    const guest = await Player.connect(server.url);
    expect((await guest.join(lobbyId, "Guest")).status).toBe(200);
    expect((await host.start(lobbyId)).status).toBe(200);
    await connects([host, guest]);
    for (const player of [host, guest]) player.reportsSuccess();
    await succeeds([host, guest]);
    await vi.waitFor(async () => expect(await listed(lobbyId)).toBeUndefined(), soon);
    await Promise.all([host, guest].map((player) => player.leave()));
  });
});

describe("the lounge of a host crashes", () => {
  test("its lobby learns so with the next chat line, and closes; it is off the list; they host and join again", async () => {
    const { lobbyId, host, guests } = await lobbyOf(3, server.url, { isPublic: true });
    await crash(server.url, { holder: host.holder });
    await host.closed;
    guests[0]?.chat(lobbyId, "Host?");
    for (const guest of guests)
      expect(await guest.hears("lobby_closed")).toEqual({ lobbyId, lobbyName: "Lobby" });
    await vi.waitFor(async () => expect(await listed(lobbyId)).toBeUndefined(), soon);
    expect(await guests[0]?.join(lobbyId, "Again")).toMatchObject({ body: { codes: ["no_such_lobby"] } });
    const again = String((await guests[0]?.host())?.body?.lobbyId);
    expect((await guests[1]?.join(again, "Guest"))?.status).toBe(200);
    for (const guest of guests) expect(guest.all("lobby_closed")).toHaveLength(1);
    await Promise.all(guests.map((guest) => guest.leave()));
  });

  test("in a mediation: the members are told", async () => {
    const { lobbyId, host, guests, all } = await lobbyOf(3, server.url);
    for (const guest of guests) guest.answersOverUdp = false;
    await host.start(lobbyId);
    for (const player of all) await player.hears("ptpMediation_send");
    await crash(server.url, { holder: host.holder });
    guests[0]?.chat(lobbyId, "Host?");
    for (const guest of guests) expect(await guest.hears("lobby_closed")).toMatchObject({ lobbyId });
    await Promise.all(guests.map((guest) => guest.leave()));
  });

  test("after it told them that it is over: they host and join again", async () => {
    const { lobbyId, host, guests, all } = await lobbyOf(2, server.url);
    await host.start(lobbyId);
    await connects(all);
    for (const player of all) player.reportsSuccess();
    await succeeds(all);
    await crash(server.url, { holder: host.holder });
    expect(await guests[0]?.join(lobbyId, "Again")).toMatchObject({ body: { codes: ["no_such_lobby"] } });
    const again = await guests[0]?.host();
    expect(again?.status).toBe(201);
    expect(guests[0]?.all("lobby_closed")).toHaveLength(1);
    await Promise.all(guests.map((player) => player.leave()));
  });

  test("with hosts of two lobbies: the members of both are told", async () => {
    const own = await startFaultyServer({ vars: { clientsPerLounge: 2 } });
    const watcher = watch(own.url);
    try {
      const one = await lobbyOf(1, own.url, { isPublic: true, maxMembers: 3 });
      const two = await lobbyOf(1, own.url, { isPublic: true, maxMembers: 3 });
      expect(two.host.holder).toBe(one.host.holder);
      const guests = await Promise.all([one, two].map(() => Player.connect(own.url)));
      for (const [i, { lobbyId }] of [one, two].entries())
        expect((await guests[i]?.join(lobbyId, "Guest"))?.status).toBe(200);
      await crash(own.url, { holder: one.host.holder });
      await one.host.closed;
      await later(own.url, lobbyLimits.auditIntervalMs);
      for (const [i, { lobbyId }] of [one, two].entries()) {
        await ring(own.url, lobbyId);
        expect(await guests[i]?.hears("lobby_closed")).toMatchObject({ lobbyId });
      }
      await vi.waitFor(async () => expect(await listed(one.lobbyId, own.url)).toBeUndefined(), soon);
      await vi.waitFor(async () => expect(await listed(two.lobbyId, own.url)).toBeUndefined(), soon);
      await watcher.settles();
    } finally {
      watcher.stop();
      await own.stop();
    }
  });
});

describe("the object of a lobby crashes", () => {
  test("with no member in it: nobody notices, and the game comes about", async () => {
    const { lobbyId, host, guests, all } = await lobbyOf(3, server.url, { isPublic: true, maxMembers: 4 });
    await crash(server.url, { holder: lobbyId });
    guests[0]?.chat(lobbyId, "Still here?");
    for (const player of all) await player.hearsChat("Still here?");
    await crash(server.url, { holder: lobbyId });
    const late = await Player.connect(server.url);
    expect(await late.join(lobbyId, "Late")).toMatchObject({ body: { lobbyMembers: { length: 4 } } });
    expect(await listed(lobbyId)).toBe(4);
    await host.start(lobbyId);
    await crash(server.url, { holder: lobbyId });
    await connects([...all, late]);
    await crash(server.url, { holder: lobbyId });
    for (const player of [...all, late]) player.reportsSuccess();
    await succeeds([...all, late]);
    await vi.waitFor(async () => expect(await listed(lobbyId)).toBeUndefined(), soon);
    await Promise.all([...all, late].map((player) => player.leave()));
  });

  test("with its host in it: the members elsewhere are told as soon as anybody connects there", async () => {
    const { lobbyId, host } = await lobbyOf(1, server.url, { direct: true, maxMembers: 3 });
    const guest = await Player.connect(server.url);
    expect((await guest.join(lobbyId, "Guest")).status).toBe(200);
    await crash(server.url, { holder: lobbyId });
    await host.closed;
    const late = await Player.connect(server.url, `/lobbies/${lobbyId}`);
    expect(await guest.hears("lobby_closed")).toMatchObject({ lobbyId });
    await Promise.all([late, guest].map((player) => player.leave()));
  });

  test("with a guest in it: the others hear that it left, as soon as one of them speaks", async () => {
    const { lobbyId, host } = await lobbyOf(1, server.url, { maxMembers: 3 });
    const guest = await Player.connect(server.url, `/lobbies/${lobbyId}`);
    expect((await guest.join(lobbyId, "Guest")).status).toBe(200);
    await crash(server.url, { holder: lobbyId });
    await guest.closed;
    host.chat(lobbyId, "Guest?");
    expect(await host.hears("lobby_peerDisconnect")).toEqual({ lobbyId, peerName: "Guest" });
    await host.leave();
  });

  test("with all members in it: a player who tries to join finds no lobby, and it is off the list", async () => {
    const { lobbyId, all } = await lobbyOf(3, server.url, { direct: true, isPublic: true, maxMembers: 5 });
    await crash(server.url, { holder: lobbyId });
    await Promise.all(all.map((player) => player.closed));
    const late = await Player.connect(server.url);
    expect(await late.join(lobbyId, "Late")).toMatchObject({
      status: 409,
      body: { codes: ["no_such_lobby"] },
    });
    await vi.waitFor(async () => expect(await listed(lobbyId)).toBeUndefined(), soon);
    await vi.waitFor(
      async () => expect(await storedOf(server.url, lobbyId)).toEqual({ rows: 0, alarm: false }),
      soon,
    );
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
    const watcher = watch(own.url);
    try {
      const { lobbyId, host, all } = await lobbyOf(2, own.url);
      await crash(own.url, { fleet: "" });
      expect((await host.start(lobbyId)).status).toBe(200);
      await connects(all);
      for (const player of all) player.reportsSuccess();
      await succeeds(all);
      await watcher.settles();
    } finally {
      watcher.stop();
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
    const watcher = watch(own.url);
    try {
      const { lobbyId, host, guests } = await lobbyOf(2, own.url, { isPublic: true });
      await crash(own.url, { holder: guests[0]?.holder ?? "" });
      await ring(own.url, lobbyId);
      expect(host.all("lobby_peerDisconnect")).toEqual([]);
      await later(own.url, lobbyLimits.auditIntervalMs);
      await ring(own.url, lobbyId);
      expect(await host.hears("lobby_peerDisconnect")).toEqual({ lobbyId, peerName: "Guest 1" });
      expect(await listed(lobbyId, own.url)).toBe(1);

      // A lobby that lives stays in the list, however long nobody says anything.
      for (const wait of [30, 60, 120, 240, 240, 600]) {
        await later(own.url, wait * minutes);
        expect(await listed(lobbyId, own.url)).toBe(1);
        await ring(own.url, lobbyId);
        expect(await listed(lobbyId, own.url)).toBe(1);
      }
      await watcher.settles();
    } finally {
      watcher.stop();
      await own.stop();
    }
  });

  for (const sleeps of [false, true]) {
    test(`a lobby whose host's lounge crashed is off the list within half an hour${sleeps ? ", though the directory slept" : ""}`, async () => {
      const own = await startFaultyServer();
      const watcher = watch(own.url);
      try {
        const { lobbyId, host, guests } = await lobbyOf(2, own.url, { isPublic: true });
        await crash(own.url, { holder: host.holder });
        expect(await listed(lobbyId, own.url)).toBe(2);
        if (sleeps) await crash(own.url, { directory: "0" });
        await later(own.url, 30 * minutes);
        expect(await listed(lobbyId, own.url)).toBeUndefined();
        expect(await guests[0]?.hears("lobby_closed")).toMatchObject({ lobbyId });
        await watcher.settles();
      } finally {
        watcher.stop();
        await own.stop();
      }
    });

    test(`a lobby whose object crashed is off the list within half an hour${sleeps ? ", though the directory slept" : ""}`, async () => {
      const own = await startFaultyServer();
      const watcher = watch(own.url);
      try {
        const { lobbyId } = await lobbyOf(2, own.url, { direct: true, isPublic: true });
        const alive = await lobbyOf(3, own.url, { isPublic: true });
        // Nobody calls the lobby, and its alarm is hours away.
        await crash(own.url, { holder: lobbyId });
        expect(await listed(lobbyId, own.url)).toBe(2);
        if (sleeps) await crash(own.url, { directory: "0" });
        await later(own.url, 30 * minutes);
        expect(await listed(lobbyId, own.url)).toBeUndefined();
        expect(await listed(alive.lobbyId, own.url)).toBe(3);
        await watcher.settles();
      } finally {
        watcher.stop();
        await own.stop();
      }
    });
  }

  test("a clock that jumps 20 minutes, an hour or back hides no lobby, whether the directory slept or not", async () => {
    const own = await startFaultyServer();
    const watcher = watch(own.url);
    try {
      const lobbies = await Promise.all(
        Array.from({ length: 40 }, () => lobbyOf(2, own.url, { isPublic: true })),
      );
      for (const jump of [20, 60, -60, -120, 24 * 60]) {
        await later(own.url, jump * minutes);
        const { body } = await request(own.url, "/lobbies");
        expect(body?.lobbies).toHaveLength(40);
        await crash(own.url, { directory: "0" });
        for (const { lobbyId } of lobbies.slice(0, 2)) expect(await listed(lobbyId, own.url)).toBe(2);
      }
      await watcher.settles();
    } finally {
      watcher.stop();
      await own.stop();
    }
  });

  test("lobbies that do not answer the directory stay in the list", async () => {
    const own = await startFaultyServer();
    const watcher = watch(own.url);
    try {
      const { lobbyId } = await lobbyOf(2, own.url, { isPublic: true });
      await failCalls(own.url, "isListed", "fail", 1_000);
      await later(own.url, 40 * minutes);
      expect(await listed(lobbyId, own.url)).toBe(2);
      await crash(own.url, { directory: "0" });
      expect(await listed(lobbyId, own.url)).toBe(2);
      await failCalls(own.url, "isListed", "fail", 0);
      await watcher.settles();
    } finally {
      watcher.stop();
      await own.stop();
    }
  });
});
