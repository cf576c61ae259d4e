/**
 * What sleeps wakes up whole. The platform puts an object to sleep that was idle for 10 seconds: its memory is gone, its
 * sockets stay. Here it is asked to do so at once, but in the test that waits.
 */
import { setTimeout as pass } from "node:timers/promises";
import { expect, test, vi } from "vitest";
import { wireLimits } from "../../core/wire/limits.ts";
import type { Server } from "../../local/server.ts";
import { deafClient, maskedText } from "../../measure/kit/deaf.ts";
import { lobbyOf, Player, post, request, rollCall } from "../../measure/kit/player.ts";
import { watch } from "../../measure/kit/promises.ts";
import {
  later,
  lifeOf,
  putToSleep,
  ring,
  setFault,
  setLimits,
  startFaultyServer,
} from "../../measure/kit/server.ts";

const sleepMs = 12_500;

type Lobby = Awaited<ReturnType<typeof lobbyOf>>;

/** A lobby of three whose objects sleep; then `wake`, and the proof that they had slept. */
async function asleep(
  direct: boolean,
  wake: (lobby: Lobby, server: Server) => Promise<void>,
  before: (lobby: Lobby, server: Server) => Promise<void> = async () => {},
): Promise<void> {
  const server = await startFaultyServer({ timing: { ptpmConnectRequestIntervalMs: 60_000 } });
  const watcher = watch(server.url);
  try {
    const lobby = await lobbyOf(3, server.url, { direct, isPublic: true, maxMembers: 5 });
    const objects = [...new Set([lobby.lobbyId, ...lobby.all.map(({ holder }) => holder)])];
    expect(objects).toHaveLength(direct ? 1 : 4);
    const lives = () => Promise.all(objects.map((holder) => lifeOf(server.url, { holder })));
    await before(lobby, server);
    const slept = await lives();
    await putToSleep(server, objects);
    await wake(lobby, server);
    for (const [i, life] of (await lives()).entries()) expect(life).not.toBe(slept[i]);
    await watcher.settles();
  } finally {
    watcher.stop();
    await server.stop();
  }
}

async function members({ url }: Server): Promise<unknown> {
  const { body } = await request(url, "/lobbies");
  return ((body?.lobbies ?? []) as { currentMembers: number }[]).map(({ currentMembers }) => currentMembers);
}

for (const direct of [false, true]) {
  const path = direct ? "direct" : "plain";

  test(`players of the ${path} path who were idle chat, are joined, connected and parted`, async () => {
    await asleep(direct, async ({ lobbyId, host, guests, all }, server) => {
      await rollCall(lobbyId, guests[0] ?? host, ...all);
      const late = await Player.connect(server.url, direct ? `/lobbies/${lobbyId}` : "/");
      const { body } = await late.join(lobbyId, "Late");
      expect(body?.lobbyMembers).toEqual(["Host", "Guest 1", "Guest 2", "Late"]);
      expect((await host.start(lobbyId)).status).toBe(200);
      const players = [...all, late];
      for (const player of players) await player.hears("ptpMediation_peersConnection_start");
      for (const player of players) player.reportsSuccess();
      for (const player of players) await player.hears("lobby_closed");
      expect(host.methods.slice(-2)).toEqual(["ptpMediation_success", "lobby_closed"]);
      expect((await host.host()).status).toBe(201);
    });
  });

  test(`a guest of the ${path} path who leaves a sleeping lobby is missed`, async () => {
    await asleep(direct, async ({ lobbyId, host, guests }, server) => {
      await guests[0]?.leave();
      expect(await host.hears("lobby_peerDisconnect")).toEqual({ lobbyId, peerName: "Guest 1" });
      expect(await members(server)).toEqual([2]);
      await rollCall(lobbyId, host);
    });
  });

  test(`a guest of the ${path} path who vanishes from a sleeping lobby is missed`, async () => {
    await asleep(direct, async ({ lobbyId, host, guests }) => {
      guests[0]?.vanish();
      expect(await host.hears("lobby_peerDisconnect")).toEqual({ lobbyId, peerName: "Guest 1" });
    });
  });

  test(`the host of the ${path} path leaves a sleeping lobby, and it closes`, async () => {
    await asleep(direct, async ({ lobbyId, host, guests }, server) => {
      await host.leave();
      for (const guest of guests) expect(await guest.hears("lobby_closed")).toMatchObject({ lobbyId });
      expect(await members(server)).toEqual([]);
      expect((await guests[0]?.host())?.status).toBe(201);
    });
  });

  test(`a mediation of the ${path} path that sleeps while it gathers stays locked`, async () => {
    const server = await startFaultyServer({ timing: { ptpmConnectRequestIntervalMs: 60_000 } });
    const watcher = watch(server.url);
    try {
      const { lobbyId, host, all } = await lobbyOf(2, server.url, { direct, maxMembers: 4 });
      for (const player of all) player.answersOverUdp = false;
      await host.start(lobbyId);
      await putToSleep(server, [lobbyId, ...all.map(({ holder }) => holder)]);
      const late = await Player.connect(server.url);
      expect(await late.join(lobbyId, "Late")).toMatchObject({ body: { codes: ["lobby_locked"] } });
      expect(await host.start(lobbyId)).toMatchObject({ body: { codes: ["lobby_locked"] } });
      expect((await late.host()).status).toBe(201);
      await watcher.settles();
    } finally {
      watcher.stop();
      await server.stop();
    }
  });

  test(`a mediation of the ${path} path that sleeps while they connect: who reported need not again`, async () => {
    await asleep(
      direct,
      async ({ guests, all }) => {
        for (const guest of guests) guest.reportsSuccess();
        for (const player of all) await player.hears("lobby_closed");
      },
      async ({ lobbyId, host, guests, all }) => {
        await host.start(lobbyId);
        for (const player of all) await player.hears("ptpMediation_peersConnection_start");
        host.reportsSuccess();
        await rollCall(lobbyId, host, ...guests);
      },
    );
  });

  test(`a mediation of the ${path} path that sleeps while it gathers is completed`, async () => {
    const server = await startFaultyServer({ timing: { ptpmConnectRequestIntervalMs: 1_000 } });
    const watcher = watch(server.url);
    try {
      const { lobbyId, host, guests, all } = await lobbyOf(3, server.url, { direct });
      for (const guest of guests) guest.answersOverUdp = false;
      const before = await lifeOf(server.url, { holder: lobbyId });
      await host.start(lobbyId);
      await host.hears("ptpMediation_send");
      await putToSleep(server, [lobbyId, ...all.map(({ holder }) => holder)]);
      // The reminder asks the host again, with the others.
      for (const guest of guests) guest.answersOverUdp = true;
      for (const player of all) await player.hears("ptpMediation_peersConnection_start");
      // Once more, should the object have fallen asleep between the datagrams that this reminder brought.
      expect(host.all("ptpMediation_send").length).toBeGreaterThan(1);
      for (const player of all) player.reportsSuccess();
      for (const player of all) await player.hears("lobby_closed");
      expect(await lifeOf(server.url, { holder: lobbyId })).not.toBe(before);
      await watcher.settles();
    } finally {
      watcher.stop();
      await server.stop();
    }
  });
}

test("one who connected, slept, and is heard before hosting, hosts", async () => {
  const server = await startFaultyServer();
  const watcher = watch(server.url);
  try {
    const host = await Player.connect(server.url, "/lobbies");
    const before = await lifeOf(server.url, { holder: host.holder });
    await pass(sleepMs);
    expect(await lifeOf(server.url, { holder: host.holder })).not.toBe(before);
    host.chat("AAAAA", "Is this on?");
    await host.settled();
    const { status, body } = await host.host();
    expect(status).toBe(201);
    const lobbyId = String(body?.lobbyId);
    expect(lobbyId).toBe(host.holder);
    const guest = await Player.connect(server.url, `/lobbies/${lobbyId}`);
    expect(guest.holder).toBe(host.holder);
    expect((await guest.join(lobbyId, "Guest")).status).toBe(200);
    await rollCall(lobbyId, host, guest);
    await watcher.settles();
  } finally {
    watcher.stop();
    await server.stop();
  }
});

test("a rematch outlives a sleep, though the directory was slow to strike out the game before", async () => {
  let again = "";
  await asleep(
    true,
    async ({ host, guests }, server) => {
      guests[0]?.chat(again, "Ready?");
      await host.hearsChat("Ready?");
      expect(await members(server)).toEqual([3]);
    },
    async ({ lobbyId, host, guests, all }, server) => {
      await setFault(server.url, "unlisting", "1500");
      await host.start(lobbyId);
      for (const player of all) await player.hears("ptpMediation_peersConnection_start");
      for (const player of all) player.reportsSuccess();
      for (const player of all) await player.hears("lobby_closed");
      await setFault(server.url, "unlisting", "");
      await vi.waitFor(async () => expect(await members(server)).toEqual([]), {
        timeout: 5_000,
        interval: 50,
      });
      again = String((await host.host({ isPublic: true })).body?.lobbyId);
      for (const [i, guest] of guests.entries()) {
        expect((await guest.join(again, `Guest ${i + 1}`)).status).toBe(200);
      }
      // The lobby before closes once more, to be sure.
      await later(server.url, 5_000);
      await ring(server.url, lobbyId);
      await rollCall(again, host, ...guests);
    },
  );
});

test("a reminder that fell due in sleep comes, whatever else wakes the lobby", async () => {
  const server = await startFaultyServer({ timing: { ptpmConnectRequestIntervalMs: 5_000 } });
  const watcher = watch(server.url);
  try {
    const { lobbyId, host, all } = await lobbyOf(2, server.url);
    for (const player of all) player.answersOverUdp = false;
    await host.start(lobbyId);
    for (const player of all) await player.hears("ptpMediation_send");
    await putToSleep(server, [lobbyId, ...all.map(({ holder }) => holder)]);
    // The clock is past the reminder now, and the alarm for it has not come yet.
    await later(server.url, 5_500);
    const late = await Player.connect(server.url);
    expect(await late.join(lobbyId, "Late")).toMatchObject({ body: { codes: ["lobby_locked"] } });
    await host.hears("ptpMediation_send", 2);
    await watcher.settles();
  } finally {
    watcher.stop();
    await server.stop();
  }
});

for (const sleeps of [false, true]) {
  test(`plain clients that send one datagram only are introduced when the last one is seen${sleeps ? ", after a sleep" : ""}`, async () => {
    const server = await startFaultyServer({ timing: { ptpmConnectRequestIntervalMs: 60_000 } });
    const watcher = watch(server.url);
    const { lobbyId, host, guests, all } = await lobbyOf(3, server.url);
    const [late] = guests;
    if (!late) throw new Error("no guest");
    late.answersOverUdp = false;
    const before = await lifeOf(server.url, { holder: lobbyId });
    await host.start(lobbyId);
    for (const player of all) await player.hears("ptpMediation_send");
    for (const player of all) player.answersOverUdp = false;
    await host.settled();
    await vi.waitFor(() => expect(server.sidecar?.counts.observed).toBeGreaterThanOrEqual(2));
    await rollCall(lobbyId, host, ...guests);
    if (sleeps) await putToSleep(server, [lobbyId, ...all.map(({ holder }) => holder)]);
    late.sendDatagram(server.sidecar?.port ?? 0);
    const { peers } = await host.hears("ptpMediation_peersConnection_start");
    expect(peers).toEqual(guests.map(({ udp }) => ({ ip: "127.0.0.1", port: udp?.address().port })));
    const after = await lifeOf(server.url, { holder: lobbyId });
    if (sleeps) expect(after).not.toBe(before);
    else expect(after).toBe(before);
    for (const player of all) player.reportsSuccess();
    for (const player of all) await player.hears("lobby_closed");
    await watcher.settles();
    watcher.stop();
    await server.stop();
  });
}

for (const path of ["/", "/lobbies"]) {
  test(`a client of ${path} that was thrown out and does not go stays out, however often its object sleeps`, async () => {
    const server = await startFaultyServer({ udpPort: null });
    try {
      // It reads nothing, so the close of its socket never completes.
      const { socket, holder, token } = await deafClient(server.url, path);
      const wish = { token, hostName: "Host", lobbyName: "Lobby", isPublic: false, maxMembers: 2 };
      const { body } = await post(server.url, "/lobbies", wish);
      const code = String(body?.lobbyId);
      // Asks about the token alone: no code has four letters.
      const codes = async () => (await post(server.url, "/lobbies/none/ptp/start", { token })).body?.codes;
      expect(await codes()).toEqual(["no_such_lobby"]);
      socket.write(maskedText("x".repeat(wireLimits.frameBytes + 1)));
      await vi.waitFor(async () => expect(await codes()).toEqual(["invalid_token"]));
      for (let sleep = 1; sleep <= 3; sleep++) {
        const before = await lifeOf(server.url, { holder });
        await putToSleep(server, [holder]);
        expect(await lifeOf(server.url, { holder })).not.toBe(before);
        expect(await codes()).toEqual(["invalid_token"]);
      }
      const late = await Player.connect(server.url);
      expect(await late.join(code, "Late")).toMatchObject({
        status: 409,
        body: { codes: ["no_such_lobby"] },
      });
      socket.destroy();
    } finally {
      await server.stop();
    }
  });
}

// Real time, because only an object that nobody asks anything for ten seconds is put to sleep.
test("an object that sleeps answers pings in its sleep, and wakes to look for players who stopped", async () => {
  const server = await startFaultyServer({ udpPort: null });
  const watcher = watch(server.url);
  await setLimits(server.url, { pinglessMs: 5_000, pingCheckMs: 11_500 });
  const { lobbyId, host, guests } = await lobbyOf(3, server.url, { direct: true, isPublic: true });
  const [silent, pinging] = guests;
  if (!silent || !pinging) throw new Error("too few guests");
  const before = await lifeOf(server.url, { holder: host.holder });
  silent.say("client_pings");
  pinging.say("client_pings");
  await rollCall(lobbyId, host, silent, pinging);
  const pinger = setInterval(() => pinging.pings(), 1_000);
  try {
    expect(await host.hears("lobby_peerDisconnect")).toEqual({ lobbyId, peerName: "Guest 1" });
    expect(await lifeOf(server.url, { holder: host.holder })).not.toBe(before);
    expect(await silent.closed).toEqual({ code: 1001, reason: expect.stringMatching(/^\w.+\.$/) });
    await watcher.settles();
  } finally {
    clearInterval(pinger);
    watcher.stop();
    await server.stop();
  }
}, 40_000);
