/** The disk under `--persist` fills up: a file system of a few MiB, and another program that writes until nothing fits. */
import { spawnSync } from "node:child_process";
import { closeSync, openSync, rmSync, statfsSync, writeSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Server } from "../../local/server.ts";
import { carryMediation } from "../../measure/kit/mediation.ts";
import { lobbyOf, Player, refusedUpgrade, rollCall } from "../../measure/kit/player.ts";
import { watch } from "../../measure/kit/promises.ts";
import { ring, startFaultyServer } from "../../measure/kit/server.ts";
import { informedPlayer } from "../../measure/kit/staying.ts";

let disk: string;
let isMounted = false;
beforeEach(async () => {
  disk = await mkdtemp(join(tmpdir(), "orion-edge-disk-"));
  isMounted = mount();
});
afterEach(async () => {
  if (isMounted) spawnSync("umount", ["--lazy", disk]);
  await rm(disk, { recursive: true, force: true });
});

function mount(): boolean {
  if (process.platform !== "linux" || process.getuid?.() !== 0) return false;
  return spawnSync("mount", ["-t", "tmpfs", "-o", "size=48m", "tmpfs", disk]).status === 0;
}

/** Writes until the disk is full, and again when the server has freed something, but for what `leave` says. */
function fill(leave = 0): void {
  const file = openSync(join(disk, "another-program"), "a");
  const chunk = Buffer.alloc(64 * 1024, 1);
  const free = () => statfsSync(disk).bavail * statfsSync(disk).bsize;
  try {
    while (free() > leave) writeSync(file, chunk);
  } catch {
    // It is full.
  } finally {
    closeSync(file);
  }
}

test("when the disk is full nothing new is begun, open lobbies go on, and all is well when there is room again", async ({
  skip,
}) => {
  if (!isMounted) skip("only root may make a small disk");
  const told: Record<string, unknown>[] = [];
  const server: Server = await startFaultyServer({
    persist: disk,
    told: (line) => line.event.startsWith("storage_") && told.push(line),
    timing: { ptpmConnectRequestIntervalMs: 500 },
  });
  const [stranger, matched] = [await informedPlayer(server.url, "/"), await informedPlayer(server.url, "/")];
  // So that they have secret tokens.
  await stranger.host();
  const match = { game: "chess", peerName: "Matched", create: { lobbyName: "Lobby", maxMembers: 4 } };
  const matchedLobby = String((await matched.post("/lobbies/match", match)).body?.lobbyId);
  const watcher = watch(server.url);
  try {
    const listed = await lobbyOf(4, server.url, { isPublic: true });
    const near = await lobbyOf(3, server.url, { direct: true });
    const idle = await Player.connect(server.url);
    fill();
    await vi.waitFor(
      () => expect(told).toMatchObject([{ level: "error", reservedMiB: expect.any(Number) }]),
      10_000,
    );
    const unavailable = { status: 503, body: { codes: ["unavailable"] } };
    await vi.waitFor(async () => expect(await refusedUpgrade(server.url)).toMatchObject(unavailable));
    expect(await idle.host()).toMatchObject(unavailable);
    expect(await idle.join(listed.lobbyId, "Idle")).toMatchObject(unavailable);
    // A question of one that is no member may create an object, whatever it asks. It could be of a lobby that is over.
    for (const [method, path] of [
      ["GET", ""],
      ["GET", "/snapshot"],
      ["DELETE", "/bans/somebody"],
    ] as const)
      expect(await stranger.asks(method, `/lobbies/${near.lobbyId}${path}`)).toMatchObject(unavailable);
    expect((await matched.asks("GET", `/lobbies/${matchedLobby}`)).status).toBe(200);

    for (const { lobbyId, host, guests, all } of [listed, near]) {
      for (const { holder } of all) await ring(server.url, holder);
      await rollCall(lobbyId, host, ...guests);
      await guests.at(-1)?.leave();
      await host.hears("lobby_peerDisconnect");
      const left = [host, ...guests.slice(0, -1)];
      expect((await host.start(lobbyId)).status).toBe(200);
      for (const player of left) await player.hears("ptpMediation_peersConnection_start");
      for (const player of left) player.reportsSuccess();
      for (const player of left) await player.hears("lobby_closed");
    }

    rmSync(join(disk, "another-program"));
    await vi.waitFor(() => expect(told).toMatchObject([{}, { level: "info" }]));
    await vi.waitFor(async () => expect((await idle.host()).status).toBe(201));
    await carryMediation(server.url, { direct: true, udpPort: server.sidecar?.port ?? 0 });
    await matched.leave();
    await watcher.settles();
  } finally {
    watcher.stop();
    await server.stop();
  }
  expect(spawnSync("ls", [disk]).stdout.toString()).not.toContain("reserve");
}, 60_000);
