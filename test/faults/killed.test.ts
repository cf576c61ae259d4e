/** The whole server is killed, with no time for a word, and started again on the storage it left. */

import { execFileSync } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { freeTcpPort, freeUdpPort } from "../../measure/kit/free-ports.ts";
import { carryMediation } from "../../measure/kit/mediation.ts";
import { lobbyOf, Player, request } from "../../measure/kit/player.ts";
import { type Program, root, startProgram } from "../../measure/kit/program.ts";
import { watch } from "../../measure/kit/promises.ts";

let folder: string;
let ports: [http: number, udp: number];
let url: URL;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "orion-edge-test-"));
  ports = [await freeTcpPort(), await freeUdpPort()];
  url = new URL(`http://127.0.0.1:${ports[0]}`);
});
afterAll(() => rm(folder, { recursive: true }));

async function start(): Promise<Program> {
  const script = `${root}measure/kit/server-program.ts`;
  const program = startProgram(process.execPath, [script, ...ports.map(String), folder]);
  await program.prints(/running/);
  return program;
}

/** Kills the process that all objects live in, and no other. */
function killObjects(program: Program): void {
  const rows = execFileSync("ps", ["-A", "-o", "pid=,ppid=,comm="], { encoding: "utf8" }).split("\n");
  const pids = rows
    .map((row) => row.trim().split(/\s+/))
    .filter(([, parent, name]) => Number(parent) === program.pid && name?.startsWith("workerd"))
    .map(([pid]) => Number(pid));
  expect(pids).toHaveLength(1);
  for (const pid of pids) process.kill(pid, "SIGKILL");
}

/** With all its processes at once. */
async function kill(program: Program): Promise<void> {
  process.kill(-program.pid, "SIGKILL");
  await program.ended;
}

test("everybody's socket breaks, nothing of before comes back, and who connects again plays", async () => {
  let program = await start();
  const watcher = watch(url);
  try {
    const waiting = await lobbyOf(3, url, { isPublic: true, maxMembers: 5 });
    const direct = await lobbyOf(2, url, { isPublic: true, direct: true });
    const gathering = await lobbyOf(2, url);
    gathering.guests.map((guest) => Object.assign(guest, { answersOverUdp: false }));
    expect((await gathering.host.start(gathering.lobbyId)).status).toBe(200);
    const connecting = await lobbyOf(2, url, { isPublic: true });
    await connecting.host.start(connecting.lobbyId);
    for (const player of connecting.all) await player.hears("ptpMediation_peersConnection_start");
    const hosting = (await Player.connect(url)).host({ isPublic: true }).catch(() => null);

    await kill(program);
    await hosting;
    for (const { all } of [waiting, direct, gathering, connecting])
      for (const player of all) expect((await player.closed).code).toBe(1006);

    program = await start();
    await watcher.settles();
    for (const isDirect of [false, true]) await carryMediation(url, { direct: isDirect, udpPort: ports[1] });
    await watcher.settles();
  } finally {
    watcher.stop();
    await kill(program);
  }
});

test.skipIf(process.platform === "win32")(
  "the process of all objects is killed, and no lobby of before is ever listed",
  async () => {
    const program = await start();
    const list = async () => {
      const { status, body } = await request(url, "/lobbies");
      expect(status).toBe(200);
      return body;
    };
    try {
      const lobbies = await Promise.all(
        Array.from({ length: 20 }, () => lobbyOf(1, url, { isPublic: true })),
      );
      expect(await list()).toMatchObject({ lobbies: { length: 20 } });
      killObjects(program);
      await Promise.all(lobbies.map(({ host }) => host.closed));
      const first = await vi.waitFor(list, { timeout: 20_000, interval: 20 });
      expect(first).toEqual({ lobbies: [] });
      const { lobbyId } = await lobbyOf(1, url, { isPublic: true });
      expect(await list()).toMatchObject({ lobbies: [{ id: lobbyId }] });
    } finally {
      await kill(program);
    }
  },
  60_000,
);
