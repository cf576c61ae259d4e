/** Clocks that jump: the edge's, a sidecar's, or both together, as on one machine that slept or was set right. */
import { afterEach, describe, expect, test, vi } from "vitest";
import { sharedLimits } from "../../core/limits.ts";
import type { Server } from "../../local/server.ts";
import { lobbyOf } from "../../measure/kit/player.ts";
import { type Watch, watch } from "../../measure/kit/promises.ts";
import { keyOf, postAsSidecar, secret } from "../../measure/kit/secret.ts";
import { later, startFaultyServer } from "../../measure/kit/server.ts";
import { noteTold } from "../../measure/kit/whole-log.ts";
import type { Line } from "../../udp-sidecar/log.ts";
import { startSidecar } from "../../udp-sidecar/sidecar.ts";

const cleanUps: (() => Promise<unknown> | unknown)[] = [];
let watcher: Watch | null = null;
afterEach(async () => {
  await watcher?.settles();
  watcher?.stop();
  watcher = null;
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});
// Heartbeats of the sidecar come often, so that the tests need not wait for them. The edge knows nothing of this.
vi.mock(import("../../udp-sidecar/limits.ts"), async (original) => {
  const { sidecarLimits } = await original();
  return { sidecarLimits: { ...sidecarLimits, heartbeatMs: 300 as 10_000 } };
});

const soon = { interval: 20 };
const minute = 60_000;

/** An edge and a sidecar. `jump` moves the sidecar's clock, and that of the edge by `later`. */
async function bothOf(timing = { ptpmConnectRequestIntervalMs: 300 }) {
  const server = await startFaultyServer({ udpPort: null, secret, timing });
  watcher = watch(server.url);
  cleanUps.push(server.stop);
  let aheadMs = 0;
  let reads = 0;
  const clock = () => {
    reads += 1;
    return Date.now() + aheadMs;
  };
  const told: Line[] = [];
  const options = { edge: server.url, key: keyOf("here"), port: 0, clock };
  const sidecar = await startSidecar(options, (line) => {
    noteTold(line);
    told.push(line);
  });
  cleanUps.push(sidecar.stop);
  await sidecar.known;
  return {
    server,
    sidecar,
    told,
    jump: (ms: number) => {
      aheadMs += ms;
    },
    /** Waits for some heartbeats. Each reads the clock once or twice. */
    beats: async () => {
      const before = reads;
      await vi.waitFor(() => expect(reads).toBeGreaterThan(before + 10), soon);
    },
  };
}

/** Two players are introduced to each other, by a sidecar that sees them. */
async function connects(server: Server): Promise<void> {
  const { lobbyId, host, all } = await lobbyOf(2, server.url);
  expect((await host.start(lobbyId)).status).toBe(200);
  for (const player of all) await player.hears("ptpMediation_peersConnection_start");
  for (const player of all) player.reportsSuccess();
  for (const player of all) await player.hears("lobby_closed");
  await Promise.all(all.map((player) => player.leave()));
}

describe("when the machine's clock jumps, for the edge and its sidecar", () => {
  for (const minutes of [2, 3.5, 20, 480, -3.5, -20, -480]) {
    test(`by ${minutes} minutes, players are connected at once, and go on to be`, async () => {
      const { server, jump, beats, told } = await bothOf();
      jump(minutes * minute);
      await later(server.url, minutes * minute);
      await connects(server);
      await beats();
      expect(told.at(-1)?.event).toBe("sidecar_accepted");
      // The edge has heard it since: it does not live by its one more interval alone.
      await later(server.url, sharedLimits.fleetSpareMs);
      await connects(server);
    });
  }
});

test("a sidecar whose clock jumps alone goes by the edge's, is never refused, and loses no player", async () => {
  for (const minutes of [20, -20]) {
    const { server, jump, told } = await bothOf();
    jump(minutes * minute);
    await connects(server);
    expect(told.some(({ code }) => code === "another_time")).toBe(false);
    await vi.waitFor(() => expect(told.at(-1)?.event).toBe("sidecar_accepted"), soon);
    await watcher?.settles();
  }
});

test("a sidecar that died before the edge's clock jumped is named for one more interval, and no longer", async () => {
  const server = await startFaultyServer({ udpPort: null, secret });
  watcher = watch(server.url);
  cleanUps.push(server.stop);
  const beat = { name: "dies", at: Date.now(), port: 5990, load: 0 };
  expect((await postAsSidecar(server.url, "/sidecar/heartbeat", beat)).status).toBe(200);
  const starts = async () => {
    const { lobbyId, host, all } = await lobbyOf(2, server.url);
    const { status } = await host.start(lobbyId);
    await Promise.all(all.map((player) => player.leave()));
    return status;
  };
  await later(server.url, 20 * minute);
  expect(await starts()).toBe(200);
  // Nobody gives it a further one by asking.
  for (let asked = 0; asked < 3; asked++) {
    await later(server.url, sharedLimits.fleetSpareMs);
    expect(await starts()).toBe(503);
    await later(server.url, 2 * minute);
    expect(await starts()).toBe(503);
  }
});
