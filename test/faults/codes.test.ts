/** Codes: guessed, drawn twice, of lobbies that are over, and of objects that never had one. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { codeCharacters } from "../../core/lobby/code.ts";
import type { Server } from "../../local/server.ts";
import { lobbyOf, Player, rollCall } from "../../measure/kit/player.ts";
import { type Watch, watch } from "../../measure/kit/promises.ts";
import { expectRefused } from "../../measure/kit/refusal.ts";
import {
  crash,
  drawTheSame,
  freeCode,
  leftOf,
  lobbiesMade,
  putToSleep,
  setLimits,
  startFaultyServer,
  storedOf,
} from "../../measure/kit/server.ts";

let server: Server;
let watcher: Watch;
beforeAll(async () => {
  server = await startFaultyServer();
  watcher = watch(server.url);
});
afterAll(async () => {
  try {
    await watcher.settles();
  } finally {
    watcher.stop();
    await server.stop();
  }
});

const nothing = { rows: 0, alarm: false };

for (const [who, path] of [
  ["two hosts on the direct path", "/lobbies"],
  ["two hosts on the plain path", "/"],
] as const) {
  test(`${who} whose lobbies draw the same code at once get different codes`, async () => {
    if (path === "/lobbies") await drawTheSame(server.url, 2);
    const hosts = await Player.crowd(2, server.url, path);
    if (path === "/") await drawTheSame(server.url, 2);
    const answers = await Promise.all(hosts.map((host) => host.host()));
    await drawTheSame(server.url, 0);
    expect(answers.map(({ status }) => status)).toEqual([201, 201]);
    const codes = answers.map(({ body }) => String(body?.lobbyId));
    expect(new Set(codes).size).toBe(2);
    for (const [i, code] of codes.entries()) {
      const guest = await Player.connect(server.url, `/lobbies/${code}`);
      expect((await guest.join(code, "Guest")).status).toBe(200);
      await rollCall(code, guest, hosts[i] ?? guest);
    }
    await Promise.all(hosts.map((host) => host.leave()));
  });
}

test("a host for whom every draw meets an open lobby is told to try again, and then gets a code", async () => {
  const [first, second] = [await Player.connect(server.url), await Player.connect(server.url)];
  await drawTheSame(server.url, 1_000);
  expect((await first.host()).status).toBe(201);
  expectRefused(await second.host(), 503, "code_taken");
  await drawTheSame(server.url, 0);
  expect((await second.host()).status).toBe(201);
  await Promise.all([first, second].map((player) => player.leave()));
});

test("a code that was drawn for a client that only connected to host is not given to another", async () => {
  const other = await Player.connect(server.url);
  await drawTheSame(server.url, 1_000);
  const waiting = await Player.connect(server.url, "/lobbies");
  expectRefused(await other.host(), 503, "code_taken");
  await drawTheSame(server.url, 0);
  expect(await waiting.host()).toMatchObject({ status: 201, body: { lobbyId: waiting.holder } });
  await Promise.all([waiting, other].map((player) => player.leave()));
});

test("a code of an object that never had a lobby is no lobby, and leaves nothing in storage", async () => {
  const code = await freeCode(server.url);
  const player = await Player.connect(server.url, `/lobbies/${code}`);
  expect(player.holder).not.toBe(code);
  expectRefused(await player.join(code, "Guest"), 409, "no_such_lobby");
  expectRefused(await player.start(code), 409, "no_such_lobby");
  expect(await storedOf(server.url, code)).toEqual(nothing);
  await putToSleep(server, [code]);
  expectRefused(await player.join(code, "Guest"), 409, "no_such_lobby");
  expect(await storedOf(server.url, code)).toEqual(nothing);
  await player.leave();
});

for (const direct of [false, true]) {
  test(`a lobby of the ${direct ? "direct" : "plain"} path that is over leaves nothing in storage, and its code leads nowhere`, async () => {
    for (const isPublic of [false, true]) {
      const { lobbyId, host, guests, all } = await lobbyOf(3, server.url, { direct, isPublic });
      for (const player of all) player.say("client_pings");
      await rollCall(lobbyId, host, ...guests);
      await host.start(lobbyId);
      for (const player of all) await player.hears("ptpMediation_peersConnection_start");
      for (const player of all) player.reportsSuccess();
      for (const player of all) await player.hears("lobby_closed");
      const late = await Player.connect(server.url, `/lobbies/${lobbyId}`);
      expect(late.holder).not.toBe(lobbyId);
      expectRefused(await late.join(lobbyId, "Late"), 409, "no_such_lobby");
      await Promise.all([...all, late].map((player) => player.leave()));
      expect(await storedOf(server.url, lobbyId)).toEqual(nothing);
    }
  });
}

test("a lobby that is over has no alarm left, if its object ends with clients of it that do not ping", async () => {
  const { lobbyId, host, guests, all } = await lobbyOf(3, server.url, { direct: true, isPublic: true });
  const [first, second] = guests;
  first?.say("client_pings");
  await rollCall(lobbyId, host, ...guests);
  await host.leave();
  for (const guest of guests) await guest.hears("lobby_closed");
  // As long as one of them pings, the object looks for it.
  expect(await storedOf(server.url, lobbyId)).toEqual({ rows: 0, alarm: true });
  await first?.leave();
  expect(await storedOf(server.url, lobbyId)).toEqual(nothing);
  await crash(server.url, { holder: lobbyId });
  await second?.closed;
  expect(await storedOf(server.url, lobbyId)).toEqual(nothing);
  for (const player of all) player.vanish();
});

test("a client that connects to host and goes leaves nothing in storage", async () => {
  const host = await Player.connect(server.url, "/lobbies");
  host.say("client_pings");
  await host.settled();
  const { holder } = host;
  expect(await storedOf(server.url, holder)).toEqual({ rows: 0, alarm: true });
  await host.leave();
  expect(await storedOf(server.url, holder)).toEqual(nothing);
});

test("what a lobby stores has an alarm, at each step of its life", async () => {
  const { lobbyId, host, guests, all } = await lobbyOf(2, server.url, { maxMembers: 3 });
  const hasAlarm = async () => expect(await storedOf(server.url, lobbyId)).toEqual({ rows: 1, alarm: true });
  await hasAlarm();
  await guests[0]?.leave();
  await host.hears("lobby_peerDisconnect");
  await hasAlarm();
  await putToSleep(server, [lobbyId]);
  await hasAlarm();
  const guest = await Player.connect(server.url, `/lobbies/${lobbyId}`);
  await guest.join(lobbyId, "Guest");
  await host.start(lobbyId);
  await hasAlarm();
  for (const player of [host, guest]) await player.hears("ptpMediation_peersConnection_start");
  await hasAlarm();
  await host.leave();
  await guest.hears("lobby_closed");
  await Promise.all([guest, ...all.slice(2)].map((player) => player.leave()));
  expect(await storedOf(server.url, lobbyId)).toEqual(nothing);
});

test("what is left of a lobby is told with its alarm, its members and its sockets, and without secrets", async () => {
  const { lobbyId, host } = await lobbyOf(1, server.url, { direct: true, features: [], password: "sesame" });
  const left = await leftOf(server.url, lobbyId);
  const { alarmInMs, ...rest } = JSON.parse(left);
  expect(alarmInMs).toBeGreaterThan(0);
  expect(rest).toMatchObject({
    isFree: false,
    rows: {
      lobby: { hostId: host.clientId, members: [{ clientId: host.clientId, holder: lobbyId }], away: [] },
    },
    sockets: [{ id: host.clientId, lobbyId, state: 1, isOver: false }],
  });
  for (const secret of [host.token, host.secretToken, "hash", "salt"]) expect(left).not.toContain(secret);
  await host.leave();
  expect(JSON.parse(await leftOf(server.url, lobbyId))).toMatchObject({
    alarmInMs: null,
    rows: {},
    sockets: [],
  });
});

test("a member that was elsewhere may come back on the lobby's own path", async () => {
  const { lobbyId, host, guests } = await lobbyOf(2, server.url, { maxMembers: 3 });
  const [guest = host] = guests;
  await guest.leave();
  await host.hears("lobby_peerDisconnect");
  const again = await Player.connect(server.url, `/lobbies/${lobbyId}`);
  expect(again.holder).toBe(lobbyId);
  expect((await again.join(lobbyId, "Guest 1")).status).toBe(200);
  await rollCall(lobbyId, again, host);
  await putToSleep(server, [lobbyId, host.holder]);
  await rollCall(lobbyId, host, again);
  await Promise.all([host, again].map((player) => player.leave()));
});

test("the sixteenth client that waits in a lobby's object is the last: the next is held by a lounge, and may join", async () => {
  const { lobbyId, host } = await lobbyOf(1, server.url, { direct: true, maxMembers: 64 });
  const waiting = [];
  for (let i = 0; i < 16; i++) waiting.push(await Player.connect(server.url, `/lobbies/${lobbyId}`));
  expect(new Set(waiting.map(({ holder }) => holder))).toEqual(new Set([lobbyId]));
  const next = await Player.connect(server.url, `/lobbies/${lobbyId}`);
  expect(next.holder).not.toBe(lobbyId);
  expect((await next.join(lobbyId, "Next")).status).toBe(200);
  expect((await waiting[0]?.join(lobbyId, "First"))?.status).toBe(200);
  // One of the sixteen is a member now.
  const late = await Player.connect(server.url, `/lobbies/${lobbyId}`);
  expect(late.holder).toBe(lobbyId);
  await rollCall(lobbyId, host, next, waiting[0] ?? next);
  await Promise.all([host, next, late, ...waiting].map((player) => player.leave()));
});

test("a thousand guesses in a burst make thirty objects at most, while players join an open lobby", async () => {
  const own = await startFaultyServer();
  try {
    const { lobbyId } = await lobbyOf(1, own.url, { maxMembers: 64 });
    const before = await lobbiesMade(own.url);
    const guessers = await Player.crowd(40, own.url);
    await setLimits(own.url, { requestBurst: 1_000, failedJoinBurst: 1_000 });
    const random = () => codeCharacters[Math.floor(Math.random() * codeCharacters.length)] ?? "0";
    const guesses = guessers.flatMap((guesser) =>
      Array.from({ length: 25 }, () => guesser.join(Array.from({ length: 5 }, random).join(""), "Guest")),
    );
    const guest = await Player.connect(own.url, `/lobbies/${lobbyId}`);
    expect((await guest.join(lobbyId, "Guest")).status).toBe(200);
    const answers = await Promise.all(guesses);
    for (const { status } of answers) expect([409, 429]).toContain(status);
    expect((await lobbiesMade(own.url)) - before).toBeLessThanOrEqual(30);
    // Codes that were drawn are all answered with "not now", once there were too many.
    const drawn = await Promise.all(Array.from({ length: 60 }, () => freeCode(own.url)));
    const asked = await Promise.all(drawn.map((code, i) => guessers[i % 40]?.join(code, "Guest")));
    expect(asked.filter((answer) => answer?.status === 429).length).toBeGreaterThanOrEqual(30);
    const late = await Player.connect(own.url);
    expect((await late.join(lobbyId, "Late")).status).toBe(200);
  } finally {
    await own.stop();
  }
});
