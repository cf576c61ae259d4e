/** `npm start` with few file descriptors: it takes less work, and does not end. */

import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { createConnection, type Socket } from "node:net";
import { afterEach, describe, expect, test, vi } from "vitest";
import { WebSocket } from "ws";
import { descriptorLimit, doorFor, roomFor } from "../../local/descriptors.ts";
import { freeTcpPort, freeUdpPort } from "../../measure/kit/free-ports.ts";
import { lobbyOf, Player, request, rollCall } from "../../measure/kit/player.ts";
import { descendantsNamed, runs } from "../../measure/kit/processes.ts";
import { type Program, startProgram } from "../../measure/kit/program.ts";

// A test starts up to three servers, on a machine that may be busy.
vi.setConfig({ testTimeout: 180_000, hookTimeout: 60_000 });

const silentConnections = "measure/kit/silent-connections.ts";

const programs: Program[] = [];
const sockets: WebSocket[] = [];
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.terminate();
  for (const program of programs.splice(0)) await program.stop();
});

const limited = (limit: number) => ["prlimit", `--nofile=${limit}:${limit}`];
/** Root may raise the limit again, unless it gives up that right. */
const poor = (limit: number) => ["setpriv", "--bounding-set=-sys_resource", ...limited(limit)];

async function start(before: string[]): Promise<{ program: Program; base: URL; workerd: () => number[] }> {
  const port = await freeTcpPort();
  const args = [`--httpPort=${port}`, `--udpPort=${await freeUdpPort()}`];
  const [command = "", ...words] = [...before, process.execPath, "local/start.ts", ...args];
  const program = startProgram(command, words);
  programs.push(program);
  const workerd = () => descendantsNamed(program.pid, "bin/workerd");
  return { program, base: new URL(`http://127.0.0.1:${port}`), workerd };
}

/** Opens a WebSocket. `open`, or the status and Retry-After of the refusal. */
function open(base: URL, path = "/"): Promise<string> {
  const socket = new WebSocket(new URL(path, base.href.replace("http", "ws")));
  sockets.push(socket);
  return new Promise((resolve, reject) => {
    socket.on("open", () => resolve("open"));
    socket.on("error", reject);
    socket.on("unexpected-response", (_, response) => {
      response.destroy();
      resolve(`${response.statusCode} ${response.headers["retry-after"]}`);
    });
  });
}

/** Opens as many, a hundred at a time, and counts what came of them. */
async function openMany(base: URL, count: number, path?: () => string): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (let left = count; left > 0; left -= 100) {
    const some = Array.from({ length: Math.min(100, left) }, () => open(base, path?.()));
    for (const what of await Promise.all(some)) counts[what] = (counts[what] ?? 0) + 1;
  }
  return counts;
}

/** Opens as many TCP connections, fifty at a time, and says nothing on any. */
async function holdSilent(base: URL, count: number): Promise<Socket[]> {
  const all: Socket[] = [];
  while (all.length < count) {
    const some = Array.from({ length: Math.min(50, count - all.length) }, () =>
      createConnection(Number(base.port), "127.0.0.1"),
    );
    await Promise.all(some.map((one) => once(one, "connect")));
    all.push(...some);
  }
  return all;
}

const mayLower = spawnSync("setpriv", [...poor(1_024).slice(1), "true"]).status === 0;

describe.skipIf(!mayLower)("a server that may open 1 024 files", () => {
  test("warns in one line with the number, and says what to do", async () => {
    const { program } = await start(poor(1_024));
    await program.prints(/LimitNOFILE=.*\n/);
    expect(program.errors.trim().split("\n")).toHaveLength(1);
    expect(program.errors).toMatch(/\b1024 files\b.*ulimit -n/);
  });

  test("answers 503 with Retry-After beyond its room, and its players stay", async () => {
    const { program, base, workerd } = await start(poor(1_024));
    await program.prints(/LimitNOFILE/);
    const before = workerd();
    const player = await Player.connect(base);
    const { sockets: most } = roomFor(1_024);
    expect(await openMany(base, 1_100)).toEqual({ open: most - 1, "503 10": 1_101 - most });
    expect(await player.host()).toMatchObject({ status: 201 });
    expect(workerd()).toEqual(before);

    // There is room again when some leave.
    for (const socket of sockets.splice(0)) socket.terminate();
    await vi.waitFor(async () => expect(await open(base)).toBe("open"), { timeout: 20_000, interval: 100 });
    await player.leave();
  });

  test("takes 400 guessed codes", async () => {
    const { program, base, workerd } = await start(poor(1_024));
    await program.prints(/LimitNOFILE/);
    const before = workerd();
    const guesses = new Set<string>();
    for (let n = 0; guesses.size < 400; n++)
      guesses.add((n * 7_919 + 1_000_003).toString(36).toUpperCase().padStart(5, "0"));
    const codes = [...guesses];
    await openMany(base, 400, () => `/lobbies/${codes.pop()}`);
    expect((await request(base, "/ping")).status).toBe(200);
    expect(workerd()).toEqual(before);
  });

  test("does not run out of files when a stranger opens and closes WebSockets on connections that are open already", async () => {
    const { program, base, workerd } = await start(poor(1_024));
    await program.prints(/LimitNOFILE/);
    const before = workerd();
    const [pid = 0] = before;
    const files = () => readdirSync(`/proc/${pid}/fd`).length;
    let most = 0;
    const look = setInterval(() => {
      most = Math.max(most, files());
    }, 5);
    const held: Socket[] = [];
    // The door is about to shut.
    while (files() < doorFor(1_024).shutAt - 40) held.push(...(await holdSilent(base, 10)));
    const key = "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==";
    const upgrade = `GET /lobbies HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n${key}\r\n\r\n`;
    const closing = Buffer.from([0x88, 0x80, 1, 2, 3, 4]);
    // Each leaves an object, which keeps its files for ten seconds.
    for (let i = 0; i < held.length; i += 25) {
      const some = held.slice(i, i + 25);
      for (const socket of some) socket.on("error", () => {}).write(upgrade);
      await new Promise((resolve) => setTimeout(resolve, 60));
      for (const socket of some) if (socket.writable) socket.write(closing);
    }
    expect((await request(base, "/ping")).status).toBe(200);
    clearInterval(look);
    expect(most).toBeLessThan(1_000);
    expect(program.errors).not.toContain("Too many open files");
    expect(workerd()).toEqual(before);
    for (const socket of held) socket.destroy();
  });

  test("takes 250 connections that say nothing", async () => {
    const { program, base, workerd } = await start(poor(1_024));
    await program.prints(/LimitNOFILE/);
    const before = workerd();
    const idle = await holdSilent(base, 250);
    expect((await request(base, "/ping")).status).toBe(200);
    expect(workerd()).toEqual(before);
    for (const connection of idle) connection.destroy();
  });
});

describe.skipIf(!mayLower)(
  "a server that may open 4 096 files, with more connections than it can hold",
  () => {
    test("keeps its lobbies, refuses newcomers with 503, and takes them when there is room", async () => {
      const { program, base, workerd } = await start(poor(4_096));
      await program.prints(/LimitNOFILE/);
      const before = workerd();
      const { lobbyId, host, guests } = await lobbyOf(2, base);
      const silent = await holdSilent(base, Math.ceil(doorFor(4_096).shutAt / 2) + 100);
      await program.prints(/"event":"connections_refused"/);

      await rollCall(lobbyId, host, ...guests);
      for (const address of ["127.0.0.1", "[::1]"])
        expect(await open(new URL(`http://${address}:${base.port}`))).toBe("503 10");
      for (const connection of silent) connection.destroy();
      await vi.waitFor(async () => expect(await open(base)).toBe("open"), { timeout: 20_000, interval: 100 });
      await program.prints(/"event":"connections_accepted"/);
      await rollCall(lobbyId, host, ...guests);
      expect(workerd()).toEqual(before);
    });

    test("keeps its lobbies when they come faster than they are taken, and again and again", async () => {
      const { program, base, workerd } = await start(poor(4_096));
      await program.prints(/LimitNOFILE/);
      const before = workerd();
      const { lobbyId, host, guests } = await lobbyOf(2, base);
      const stranger = startProgram(process.execPath, [silentConnections, base.port, "5000"]);
      programs.push(stranger);
      await stranger.prints(/^opened/m);
      expect(program.output).toContain('"event":"connections_refused"');
      await rollCall(lobbyId, host, ...guests);
      expect(workerd()).toEqual(before);
    });
  },
);

const limit = descriptorLimit() ?? 0;
/** Connections that say nothing, with room for some players beside them. */
const silentCount = Math.min(10_000, Math.floor(doorFor(limit).shutAt / 2) - 500);

test.skipIf(silentCount < 1_000)(`players meet while ${silentCount} connections say nothing`, async () => {
  const { program, base, workerd } = await start([]);
  await program.prints(/Ctrl-C stops the server/);
  const before = workerd();
  const early = await lobbyOf(2, base);
  const stranger = startProgram(process.execPath, [silentConnections, base.port, String(silentCount)]);
  programs.push(stranger);
  await stranger.prints(/^opened/m);

  const late = await lobbyOf(4, base);
  for (const { lobbyId, host, guests } of [early, late]) await rollCall(lobbyId, host, ...guests);
  expect((await late.host.start(late.lobbyId)).status).toBeLessThan(300);
  await Promise.all(late.all.map((player) => player.hears("ptpMediation_send")));
  expect(program.output).not.toContain("connections_refused");
  expect(workerd()).toEqual(before);
});

test.skipIf(!mayLower)(
  "a server that may open 100 files does not start, and says why in one line",
  async () => {
    const { program } = await start(poor(100));
    expect(await program.ended).toBe(1);
    expect(program.output.trim().split("\n")).toHaveLength(1);
    expect(program.output).toMatch(/\b100 files\b.*ulimit -n/);
  },
);

const mayRaise =
  spawnSync("prlimit", [...limited(1_024).slice(1), "prlimit", "--nofile=16384", "true"]).status === 0;
test.skipIf(!mayRaise)("a server that may raise its limit does, and does not warn", async () => {
  const { program, workerd } = await start(limited(1_024));
  await program.prints(/Ctrl-C stops the server/);
  const [pid = 0] = workerd();
  expect(runs(pid)).toBe(true);
  const [, soft] = /^Max open files +(\d+)/m.exec(readFileSync(`/proc/${pid}/limits`, "utf8")) ?? [];
  expect(Number(soft)).toBeGreaterThanOrEqual(16_384);
  expect(program.errors).toBe("");
});
