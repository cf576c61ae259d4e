/** Clients whose network falls silent: nothing tells, but that they had said they would ping, and do not. */
import type { Socket } from "node:net";
import { afterEach, beforeEach, expect, test } from "vitest";
import { limits } from "../../core/limits.ts";
import type { Server } from "../../local/server.ts";
import { lobbyOf, Player, rollCall } from "../support/player.ts";
import { type Watch, watch } from "../support/promises.ts";
import { incarnation, later, ring, setLimits, startFaultyServer } from "../support/server.ts";

let server: Server;
let watched: Watch;
beforeEach(async () => {
  server = await startFaultyServer({ udpPort: null });
  watched = watch(server.url);
});
afterEach(async () => {
  watched.stop();
  await server.stop();
});

const reason = expect.stringMatching(/^\w.+\.$/);

test("a client is told how often to ping, and is answered", async () => {
  const player = await Player.connect(server.url);
  expect(player.all("client_registered")).toMatchObject([{ pingMs: limits.pingMs }]);
  await player.pings();
  await player.pings();
});

type Stir = (lobby: { lobbyId: string; host: Player; silent: Player }) => unknown;
const stirs: [string, Stir][] = [
  ["as soon as something is said", ({ lobbyId, host }) => host.chat(lobbyId, "Is anybody there?")],
  ["even if nothing is said", ({ silent }) => ring(server.url, silent.home)],
];
for (const [when, stir] of stirs) {
  test(`who said that it pings, and stopped, is gone ${when}; who pings, and who never said so, stays`, async () => {
    const ago = limits.pinglessMs + 1_000;
    await later(server.url, -ago);
    const { lobbyId, host, guests } = await lobbyOf(4, server.url, { isPublic: true });
    const [silent, pinging, careless] = guests;
    if (!silent || !pinging || !careless) throw new Error("too few guests");
    silent.say("client_pings");
    pinging.say("client_pings");
    // In somebody else's name it is not believed.
    careless.say("client_pings", { token: host.token });
    await rollCall(lobbyId, host, ...guests);
    await later(server.url, ago);
    await pinging.pings();

    await stir({ lobbyId, host, silent });
    expect(await host.hears("lobby_peerDisconnect")).toEqual({ lobbyId, peerName: "Guest 1" });
    expect(await silent.closed).toEqual({ code: 1001, reason });
    for (const { home } of [host, pinging, careless]) await ring(server.url, home);
    await rollCall(lobbyId, host, pinging, careless);
    expect(host.all("lobby_peerDisconnect").length).toBe(1);
    await watched.settles();
  });
}

test("who has not pinged for long, and says something, has not gone", async () => {
  const ago = limits.pinglessMs + 1_000;
  await later(server.url, -ago);
  const { lobbyId, host, guests } = await lobbyOf(2, server.url);
  const [late] = guests;
  late?.say("client_pings");
  await late?.settled();
  await later(server.url, ago);
  late?.chat(lobbyId, "My page slept.");
  await host.hearsChat("My page slept.");
});

test("who wants a seat that somebody holds who is gone gets it", async () => {
  const ago = limits.pinglessMs + 1_000;
  await later(server.url, -ago);
  const { lobbyId, guests } = await lobbyOf(2, server.url, { direct: true, isPublic: true, maxMembers: 2 });
  const [silent] = guests;
  silent?.say("client_pings");
  await silent?.settled();
  await later(server.url, ago);
  const newcomer = await Player.connect(server.url);
  expect((await newcomer.join(lobbyId, "Guest 1")).status).toBe(200);
  await watched.settles();
});

test("a host that said so, before it had a lobby, and stopped, is gone with its lobby", async () => {
  await setLimits(server.url, { pinglessMs: 300, pingCheckMs: 100 });
  const host = await Player.connect(server.url);
  host.say("client_pings");
  const { body } = await host.host({ isPublic: true });
  const guest = await Player.connect(server.url);
  await guest.join(String(body?.lobbyId), "Guest");
  // Nobody says anything: its home's alarm has to come by itself.
  expect(await host.closed).toEqual({ code: 1001, reason });
  await guest.hears("lobby_closed");
  await watched.settles();
});

// Real time, because only an object that nobody asks anything for ten seconds is put to sleep.
test("a home that sleeps answers pings in its sleep, and wakes to look for those who stopped", async () => {
  await setLimits(server.url, { pinglessMs: 12_500, pingCheckMs: 13_000 });
  const { lobbyId, host, guests } = await lobbyOf(3, server.url, { direct: true, isPublic: true });
  const [silent, pinging] = guests;
  if (!silent || !pinging) throw new Error("too few guests");
  const before = await incarnation(server.url, { home: host.home });
  silent.say("client_pings");
  pinging.say("client_pings");
  await rollCall(lobbyId, host, silent, pinging);
  const pinger = setInterval(() => pinging.pings(), 3_000);
  try {
    expect(await host.hears("lobby_peerDisconnect")).toEqual({ lobbyId, peerName: "Guest 1" });
    expect(await incarnation(server.url, { home: host.home })).not.toBe(before);
    expect(await silent.closed).toEqual({ code: 1001, reason });
  } finally {
    clearInterval(pinger);
  }
  await watched.settles();
}, 40_000);

test("who breaks the protocol, of which the platform tells now and then nothing, is gone as well if it had said so", async () => {
  const ago = limits.pinglessMs + 1_000;
  await later(server.url, -ago);
  const { lobbyId, host, guests } = await lobbyOf(9, server.url, { isPublic: true });
  // An empty ping, and a frame with all reserved bits set, in one packet; then the connection breaks.
  const packet = Buffer.from("8980" + "00000000" + "f180" + "00000000", "hex");
  for (const guest of guests) {
    guest.say("client_pings");
    await guest.settled();
    const { _socket: connection }: { _socket: Socket } = Object(guest.socket);
    connection.write(packet, () => connection.destroy());
  }
  await Promise.all(guests.map(({ closed }) => closed));
  await later(server.url, ago);
  for (const { home } of guests) await ring(server.url, home);
  await host.hears("lobby_peerDisconnect", guests.length);
  await rollCall(lobbyId, host);
  await watched.settles();
});
