/** How `npm start` ends: by signals to npm, as the first process of a container, and when parts of it are killed. */

import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, utimesSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { freeTcpPort, freeUdpPort } from "../../measure/kit/free-ports.ts";
import { Player, request } from "../../measure/kit/player.ts";
import { descendants, descendantsNamed, runs } from "../../measure/kit/processes.ts";
import { type Program, startProgram } from "../../measure/kit/program.ts";

/** Where the programs of these tests put temporary files. */
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "orion-edge-test-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

// A test starts up to three servers, on a machine that may be busy.
vi.setConfig({ testTimeout: 180_000, hookTimeout: 60_000 });

const programs: Program[] = [];
/** Processes that a test leaves without a parent, if it fails. */
const strays: number[] = [];
afterEach(async () => {
  for (const pid of strays.splice(0)) if (runs(pid)) process.kill(pid, "SIGKILL");
  for (const program of programs.splice(0)) await program.stop();
});

type Running = { program: Program; base: URL };

/** A program that runs `npm start` or the like with these ports, once the server says that it runs. */
async function running(command: (ports: string) => string[], environment = {}): Promise<Running> {
  const [httpPort, udpPort] = [await freeTcpPort(), await freeUdpPort()];
  const [file = "", ...args] = command(`--httpPort=${httpPort} --udpPort=${udpPort}`);
  const program = startProgram(file, args, { TMPDIR: folder, ...environment });
  programs.push(program);
  await program.prints(/Ctrl-C stops the server/);
  strays.push(...descendants(program.pid));
  return { program, base: new URL(`http://127.0.0.1:${httpPort}`) };
}

/** As a script of an operator does it: npm in the background of a shell. */
function inTheBackground(ports: string): string[] {
  return ["sh", "-c", `npm -s start -- ${ports} & wait $!`];
}

function temporaryFolders(): string[] {
  return readdirSync(folder).filter((name) => /^(orion-edge|miniflare)-/.test(name));
}

async function ended(pids: number[]): Promise<void> {
  await vi.waitFor(() => expect(pids.filter(runs)).toEqual([]), { timeout: 20_000, interval: 50 });
}

describe("npm start in the background of a shell", () => {
  for (const signal of ["SIGTERM", "SIGINT", "SIGHUP", "SIGKILL"] as const) {
    test(`after ${signal} to npm, players hear close code 1012 and nothing runs any more`, async () => {
      const { program, base } = await running(inTheBackground);
      const player = await Player.connect(base);
      const all = descendants(program.pid);
      const [npm = 0] = descendantsNamed(program.pid, "npm");
      process.kill(npm, signal);
      expect(await player.closed).toMatchObject({ code: 1012 });
      await ended(all);
      await program.ended;
      expect(temporaryFolders()).toEqual([]);
    });
  }

  test("npm ends after the server has freed its port, with exit code 0", async () => {
    const { program, base } = await running(inTheBackground);
    const [npm = 0] = descendantsNamed(program.pid, "npm");
    process.kill(npm, "SIGTERM");
    expect(await program.ended).toBe(0);
    await expect(fetch(base)).rejects.toThrow("fetch failed");
  });
});

const unshare = ["unshare", "--pid", "--fork", "--mount-proc"];
const mayUnshare = spawnSync("unshare", [...unshare.slice(1), "true"]).status === 0;

describe.skipIf(!mayUnshare)("as the first process of a container", () => {
  const first: Record<string, (ports: string) => string[]> = {
    node: (ports) => [process.execPath, "local/start.ts", ...ports.split(" ")],
    "npm start": (ports) => ["npm", "-s", "start", "--", ...ports.split(" ")],
  };
  for (const [name, command] of Object.entries(first)) {
    for (const signal of ["SIGTERM", "SIGINT"] as const) {
      test(`${name} stops cleanly by ${signal}, and leaves no zombie before`, async () => {
        const { program, base } = await running((ports) => [...unshare, ...command(ports)]);
        const player = await Player.connect(base);
        const all = descendants(program.pid);
        expect(all.filter((pid) => !runs(pid))).toEqual([]);
        const [container = 0] = all;
        process.kill(container, signal);
        expect(await player.closed).toMatchObject({ code: 1012 });
        expect(await program.ended).toBe(0);
        await ended(all);
        expect(temporaryFolders()).toEqual([]);
      });
    }
  }
});

const direct = (ports: string) => [process.execPath, "local/start.ts", ...ports.split(" ")];
const isLinux = process.platform === "linux";

describe("a server whose parts are killed", () => {
  test.skipIf(!isLinux)("workerd ends with a server that is killed, and the next one cleans up", async () => {
    const { program, base } = await running(direct);
    const workerd = descendantsNamed(program.pid, "workerd");
    expect(workerd).toHaveLength(1);
    // Objects that sleep have no files open.
    const left = await vi.waitFor(async () => {
      await request(base, "/lobbies");
      const path = storageOf(workerd[0] ?? 0);
      expect(path).not.toBe("");
      return path;
    }, 20_000);
    process.kill(program.pid, "SIGKILL");
    await program.ended;
    await ended(workerd);
    await expect(fetch(base)).rejects.toThrow("fetch failed");

    expect(existsSync(left)).toBe(true);
    const hourAgo = Date.now() / 1000 - 3_600;
    utimesSync(left, hourAgo, hourAgo);
    await running(direct);
    expect(existsSync(left)).toBe(false);
  });

  test("a crash of workerd is told in one line, and players can connect again", async () => {
    const { program, base } = await running(direct);
    const player = await Player.connect(base);
    const [workerd = 0] = descendantsNamed(program.pid, "workerd");
    process.kill(workerd, "SIGKILL");
    expect(await player.closed).toMatchObject({ code: 1006 });
    await program.prints(/workerd has crashed/);
    expect((await request(base, "/ping")).status).toBe(200);
    await (await Player.connect(base)).leave();
    expect(program.errors.trim().split("\n")).toHaveLength(1);
  });
});

test("300 players hear close code 1012 and nothing else when the server stops", async () => {
  const { program, base } = await running(direct);
  const players = await Promise.all(Array.from({ length: 300 }, () => Player.connect(base)));
  // Some are in lobbies together, in several homes.
  for (let i = 0; i < 40; i += 4) {
    const [host, ...guests] = players.slice(i, i + 4);
    const lobbyId = String((await host?.host())?.body?.lobbyId);
    for (const [n, guest] of guests.entries()) await guest.join(lobbyId, `Guest ${n}`);
  }
  process.kill(program.pid, "SIGTERM");
  const codes = await Promise.all(players.map(async ({ closed }) => (await closed).code));
  expect(new Set(codes)).toEqual(new Set([1012]));
  expect(players.flatMap((player) => player.all("lobby_peerDisconnect"))).toEqual([]);
  expect(players.flatMap((player) => player.all("lobby_closed"))).toEqual([]);
  expect(await program.ended).toBe(0);
});

test("a stranger cannot stop the server", async () => {
  const { base } = await running(direct);
  const player = await Player.connect(base);
  const headers = { "orion-stop-key": "0".repeat(64) };
  expect(await request(base, "/", { method: "POST", headers })).toMatchObject({ status: 404 });
  expect(await player.host()).toMatchObject({ status: 201 });
  await player.leave();
});

/** The temporary folder that this workerd has its storage in. */
function storageOf(workerd: number): string {
  const { stdout } = spawnSync(
    "readlink",
    readdirSync(`/proc/${workerd}/fd`).map((fd) => `/proc/${workerd}/fd/${fd}`),
    {
      encoding: "utf8",
    },
  );
  return /^.*\/orion-edge-[^/]+(?=\/do\/)/m.exec(stdout)?.[0] ?? "";
}
