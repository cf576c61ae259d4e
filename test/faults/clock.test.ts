/** The clock jumps: a machine that was suspended goes on, or somebody sets it. What goes on in lobbies goes on. */
import { afterEach, beforeEach, expect, test } from "vitest";
import { lobbyLimits } from "../../core/lobby/limits.ts";
import { defaultTiming } from "../../core/settings.ts";
import type { Server } from "../../local/server.ts";
import { lobbyOf, type Player, rollCall } from "../../measure/kit/player.ts";
import { type Watch, watch } from "../../measure/kit/promises.ts";
import { keyOf, secret } from "../../measure/kit/secret.ts";
import { later, ring, startFaultyServer } from "../../measure/kit/server.ts";
import { noteTold } from "../../measure/kit/whole-log.ts";
import { startSidecar } from "../../udp-sidecar/sidecar.ts";

const minute = 60_000;
/** More than any deadline of a mediation, and less than sidecars' clocks may be wrong by, even twice. */
const jump = 6 * minute;

let server: Server;
let watched: Watch;
let sidecars: { stop(): Promise<void> }[] = [];
beforeEach(async () => {
  server = await startFaultyServer({ udpPort: null, secret });
  watched = watch(server.url);
  await heartbeat();
});
afterEach(async () => {
  await watched.settles().finally(() => watched.stop());
  for (const sidecar of sidecars) await sidecar.stop();
  sidecars = [];
  await server.stop();
});

/** The fleet hears from a sidecar, whatever its clock made it think of those before. */
async function heartbeat(): Promise<void> {
  const name = `nr-${sidecars.length}`;
  const sidecar = await startSidecar({ edge: server.url, key: keyOf(name), port: 0 }, noteTold);
  sidecars.push(sidecar);
  await sidecar.known;
}

/** Time passes, and the alarm of this lobby comes whenever it may be due. */
async function passes(ms: number, everyMs: number, lobbyId: string): Promise<void> {
  for (let left = ms; left > 0; left -= everyMs) {
    await later(server.url, everyMs);
    await ring(server.url, lobbyId);
  }
}

async function connects(all: Player[]): Promise<void> {
  for (const player of all) player.reportsSuccess();
  for (const player of all) {
    await player.hears("lobby_closed");
    expect(player.methods.slice(-2)).toEqual(["ptpMediation_success", "lobby_closed"]);
    expect(player.all("ptpMediation_aborted")).toEqual([]);
  }
}

for (const direct of [false, true]) {
  const path = direct ? "direct" : "plain";

  test(`players of the ${path} path are connected although the clock jumps 6 minutes, twice`, async () => {
    const { lobbyId, host, guests, all } = await lobbyOf(3, server.url, { direct });
    const [late] = guests;
    if (!late) throw new Error("no guest");
    late.answersOverUdp = false;
    await host.start(lobbyId);
    await late.hears("ptpMediation_send");
    await later(server.url, jump);
    await heartbeat();
    late.answersOverUdp = true;
    await ring(server.url, lobbyId);
    for (const player of all) await player.hears("ptpMediation_peersConnection_start");
    await later(server.url, jump);
    await ring(server.url, lobbyId);
    await rollCall(lobbyId, host, ...guests);
    await connects(all);
  });

  test(`a clock that is set back does not put off the next reminder of the ${path} path`, async () => {
    const { lobbyId, host, guests, all } = await lobbyOf(2, server.url, { direct });
    const [silent] = guests;
    if (!silent) throw new Error("no guest");
    silent.answersOverUdp = false;
    await host.start(lobbyId);
    await silent.hears("ptpMediation_send");
    await later(server.url, -jump);
    await ring(server.url, lobbyId);
    silent.answersOverUdp = true;
    await passes(
      defaultTiming.ptpmConnectRequestIntervalMs,
      defaultTiming.ptpmConnectRequestIntervalMs,
      lobbyId,
    );
    for (const player of all) await player.hears("ptpMediation_peersConnection_start");
    await connects(all);
  });
}

test("a player that never answers after a jump is noticed when its time is up", async () => {
  const { lobbyId, host, guests } = await lobbyOf(2, server.url);
  for (const guest of guests) guest.answersOverUdp = false;
  await host.start(lobbyId);
  await later(server.url, jump);
  const { ptpmServerConnectTimeoutMs: patience, ptpmConnectRequestIntervalMs: interval } = defaultTiming;
  await passes(patience + 2 * interval, interval, lobbyId);
  expect(await host.hears("ptpMediation_aborted")).toMatchObject({ code: "endpoints_timeout" });
});

test("a player that never reports after a jump is noticed when its time is up", async () => {
  const { lobbyId, host, all } = await lobbyOf(2, server.url);
  await host.start(lobbyId);
  for (const player of all) await player.hears("ptpMediation_peersConnection_start");
  host.reportsSuccess();
  await later(server.url, jump);
  await passes(
    defaultTiming.ptpmConnectTimeoutMs + 2 * lobbyLimits.clockLookMs,
    lobbyLimits.clockLookMs,
    lobbyId,
  );
  expect(await host.hears("ptpMediation_aborted")).toMatchObject({ code: "connecting_timeout" });
});
