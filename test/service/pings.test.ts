/** Clients whose network falls silent: nothing tells, but that they had said they would ping, and do not. */
import type { Socket } from "node:net";
import { afterEach, beforeEach, expect, test } from "vitest";
import { sharedLimits } from "../../core/limits.ts";
import type { Server } from "../../local/server.ts";
import { lobbyOf, Player, rollCall } from "../../measure/kit/player.ts";
import { type Watch, watch } from "../../measure/kit/promises.ts";
import { later, ring, setLimits, startFaultyServer } from "../../measure/kit/server.ts";

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

/** Milliseconds of silence until a client is doubted, and then until it counts as gone. */
const doubted = 0.4 * sharedLimits.pinglessMs + 1_000;
const gone = sharedLimits.pinglessMs - doubted + 1_000;
/** The tests begin in the past: the platform notes pings by its own clock, and they are to come in the end. */
const ago = doubted + gone;

/** Time passes until clients that say nothing are gone, but for those that do something `meanwhile`. All alarms come in time. */
async function silence(holders: string[], meanwhile: () => unknown = () => {}): Promise<void> {
  await later(server.url, doubted);
  for (const holder of holders) await ring(server.url, holder);
  await meanwhile();
  await later(server.url, gone);
}

test("a client is told how often to ping, and is answered", async () => {
  const player = await Player.connect(server.url);
  expect(player.all("client_registered")).toMatchObject([{ pingMs: sharedLimits.pingMs }]);
  await player.pings();
  await player.pings();
});

type Stir = (lobby: { lobbyId: string; host: Player; silent: Player }) => unknown;
const stirs: [string, Stir][] = [
  ["as soon as something is said", ({ lobbyId, host }) => host.chat(lobbyId, "Is anybody there?")],
  ["even if nothing is said", ({ silent }) => ring(server.url, silent.holder)],
];
for (const [when, stir] of stirs) {
  test(`who said that it pings, and stopped, is gone ${when}; who pings, and who never said so, stays`, async () => {
    await later(server.url, -ago);
    const { lobbyId, host, guests } = await lobbyOf(4, server.url, { isPublic: true });
    const [silent, pinging, careless] = guests;
    if (!silent || !pinging || !careless) throw new Error("too few guests");
    silent.say("client_pings");
    pinging.say("client_pings");
    // In somebody else's name it is not believed.
    careless.say("client_pings", { token: host.token });
    await rollCall(lobbyId, host, ...guests);
    await silence(
      [host, ...guests].map(({ holder }) => holder),
      () => pinging.pings(),
    );

    await stir({ lobbyId, host, silent });
    expect(await host.hears("lobby_peerDisconnect")).toEqual({ lobbyId, peerName: "Guest 1" });
    expect(await silent.closed).toEqual({ code: 1001, reason });
    for (const { holder } of [host, pinging, careless]) await ring(server.url, holder);
    await rollCall(lobbyId, host, pinging, careless);
    expect(host.all("lobby_peerDisconnect").length).toBe(1);
    await watched.settles();
  });
}

test("who has not pinged for long, and says something, has not gone", async () => {
  await later(server.url, -ago);
  const { lobbyId, host, guests } = await lobbyOf(2, server.url);
  const [late] = guests;
  late?.say("client_pings");
  await late?.settled();
  await silence([late?.holder ?? ""], async () => {
    late?.chat(lobbyId, "My page slept.");
    await host.hearsChat("My page slept.");
  });
  await ring(server.url, late?.holder ?? "");
  late?.chat(lobbyId, "It does not any more.");
  await host.hearsChat("It does not any more.");
});

test("a clock that jumps 200 s forward parts nobody who pings, and who is silent from then on is gone a minute later", async () => {
  const jump = 200_000;
  for (const direct of [false, true]) {
    await later(server.url, -jump);
    const { lobbyId, host, guests, all } = await lobbyOf(3, server.url, { direct, isPublic: true });
    const [pinging, silent] = guests;
    if (!pinging || !silent) throw new Error("too few guests");
    for (const player of all) player.say("client_pings");
    await rollCall(lobbyId, host, ...guests);
    await later(server.url, jump);
    const holders = new Set(all.map(({ holder }) => holder));
    for (const holder of holders) await ring(server.url, holder);
    await rollCall(lobbyId, silent, ...all);
    for (const player of all) expect(player.all("lobby_peerDisconnect")).toEqual([]);
    await host.pings();
    await pinging.pings();
    // One interval, or another if this machine was too slow to look in time.
    let isGone = false;
    let minutes = 0;
    silent.closed.then(() => {
      isGone = true;
    });
    for (; !isGone && minutes < 5; minutes++) {
      await later(server.url, 60_000);
      await rollCall(lobbyId, host, pinging);
      await rollCall(lobbyId, pinging, host);
      for (const holder of holders) await ring(server.url, holder);
      await pinging.settled();
    }
    expect(await silent.closed).toEqual({ code: 1001, reason });
    await host.hears("lobby_peerDisconnect");
    await rollCall(lobbyId, pinging, host);
    await later(server.url, -60_000 * minutes);
    await Promise.all([host, pinging].map((player) => player.leave()));
  }
});

test("a clock that is set back an hour keeps nobody who pings from being heard, and nobody who is silent", async () => {
  const { lobbyId, host, guests } = await lobbyOf(2, server.url, { direct: true });
  const [silent] = guests;
  silent?.say("client_pings");
  await silent?.settled();
  await later(server.url, -3_600_000);
  await ring(server.url, host.holder);
  await rollCall(lobbyId, host);
  expect(host.all("lobby_peerDisconnect")).toEqual([]);
  // One interval, or another if this machine was too slow to look in time.
  for (let i = 0; i < 5 && host.all("lobby_peerDisconnect").length === 0; i++) {
    await later(server.url, 60_000);
    await ring(server.url, host.holder);
    await rollCall(lobbyId, host);
  }
  await host.hears("lobby_peerDisconnect");
});

test("who wants a seat that somebody holds who is gone gets it", async () => {
  await later(server.url, -ago);
  const { lobbyId, guests } = await lobbyOf(2, server.url, { direct: true, isPublic: true, maxMembers: 2 });
  const [silent] = guests;
  silent?.say("client_pings");
  await silent?.settled();
  await silence([silent?.holder ?? ""]);
  const newcomer = await Player.connect(server.url);
  expect((await newcomer.join(lobbyId, "Guest 1")).status).toBe(200);
  await watched.settles();
});

test("a host that said so, before it had a lobby, and stopped, is gone with its lobby", async () => {
  await setLimits(server.url, { pingCheckMs: 100, pingCheckMostMs: 100 });
  const host = await Player.connect(server.url);
  host.say("client_pings");
  const { body } = await host.host({ isPublic: true });
  const guest = await Player.connect(server.url);
  expect((await guest.join(String(body?.lobbyId), "Guest")).status).toBe(200);
  await setLimits(server.url, { pinglessMs: 300 });
  // Nobody says anything: its home's alarm has to come by itself.
  expect(await host.closed).toEqual({ code: 1001, reason });
  await guest.hears("lobby_closed");
  await watched.settles();
});

test("who breaks the protocol, of which the platform tells now and then nothing, is gone as well if it had said so", async () => {
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
  await silence(guests.map(({ holder }) => holder));
  for (const { holder } of guests) await ring(server.url, holder);
  await host.hears("lobby_peerDisconnect", guests.length);
  await rollCall(lobbyId, host);
  await watched.settles();
});
