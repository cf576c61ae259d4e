/** `npm start --persist`: folders that one server uses, and folders that none can. */

import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { startServer } from "../../local/server.ts";
import { freeTcpPort, freeUdpPort } from "../../measure/kit/free-ports.ts";
import { Player, request } from "../../measure/kit/player.ts";
import { type Program, root, startProgram } from "../../measure/kit/program.ts";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "orion-edge-test-"));
  // Another user runs some of the servers.
  chmodSync(folder, 0o755);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

// A test starts up to three servers, on a machine that may be busy.
vi.setConfig({ testTimeout: 180_000, hookTimeout: 60_000 });

const programs: Program[] = [];
afterEach(async () => {
  for (const program of programs.splice(0)) await program.stop();
});

async function start(persist: string, before: string[] = []): Promise<{ program: Program; base: URL }> {
  const port = await freeTcpPort();
  const ports = [`--udpPort=${await freeUdpPort()}`, "--secondUdpPort=0"];
  const args = [`--httpPort=${port}`, ...ports, `--persist=${persist}`];
  const [command = "", ...words] = [...before, process.execPath, "local/start.ts", ...args];
  const program = startProgram(command, words);
  programs.push(program);
  return { program, base: new URL(`http://127.0.0.1:${port}`) };
}

async function running(persist: string, before: string[] = []): Promise<{ program: Program; base: URL }> {
  const server = await start(persist, before);
  await server.program.prints(/Ctrl-C stops the server/);
  return server;
}

/** The server does not start, and says why in one line. */
async function refuses(persist: string, says: RegExp, before: string[] = []): Promise<void> {
  const { program } = await start(persist, before);
  expect(await program.ended).toBe(1);
  expect(program.output).toMatch(/^The folder of --persist cannot be used: .*\.\n$/);
  expect(program.output.trim().split("\n")).toHaveLength(1);
  expect(program.output).toMatch(says);
}

function may(command: string[]): boolean {
  return spawnSync(command[0] ?? "", [...command.slice(1), "true"]).status === 0;
}

describe("a folder that a server uses", () => {
  test("a second server is refused, the first goes on, and a killed one's folder is free again", async () => {
    const path = join(folder, "shared");
    const first = await running(path);
    const player = await Player.connect(first.base);
    await refuses(path, /another server/);
    expect(await player.host()).toMatchObject({ status: 201 });
    process.kill(first.program.pid, "SIGKILL");
    await first.program.ended;
    const { base } = await running(path);
    expect((await request(base, "/ping")).status).toBe(200);
  });

  test("two servers of one process cannot share it either, nor can the first lose its lock", async () => {
    const path = join(folder, "one-process");
    const options = { httpPort: 0, udpPort: null, host: "127.0.0.1", persist: path };
    const first = await startServer(options);
    await expect(startServer(options)).rejects.toThrow("another server");
    await refuses(path, /another server/);
    await first.stop();
  });

  const container = ["unshare", "--pid", "--fork", "--mount-proc"];
  test.skipIf(!may(container))("a server in another container is refused too", async () => {
    const path = join(folder, "volume");
    await running(path, container);
    await refuses(path, /another server/, container);
  });

  test("its path may have any character that files can have, but no backslash", async () => {
    const path = join(folder, "a b#c%41?é\"'$x:y\nz");
    const { base, program } = await running(path);
    await (await Player.connect(base)).host();
    await program.stop();
    const files = readdirSync(path, { recursive: true, encoding: "utf8" });
    expect(files.some((name) => name.endsWith(".sqlite"))).toBe(true);
    await refuses(join(folder, "back\\slash"), /backslash/);
    expect(existsSync(join(folder, "back"))).toBe(false);
  });
});

describe("a folder that no server can use", () => {
  test.skipIf(!existsSync("/proc/self"))("in /proc: one sentence, at once", async () => {
    await refuses("/proc/orion", /no program/);
    await refuses("/proc/orion/deep", /no program/);
  });

  test("a file in the way: one sentence", async () => {
    const file = join(folder, "file");
    writeFileSync(file, "");
    await refuses(file, /file, not a folder/);
    await refuses(join(file, "inside"), /file, not a folder/);
  });

  test("a newer workerd wrote it: one sentence that says which", async () => {
    const path = join(folder, "newer");
    mkdirSync(path);
    const database = new DatabaseSync(join(path, "orion-edge.lock"));
    database.exec("CREATE TABLE writer (workerd TEXT NOT NULL); INSERT INTO writer VALUES ('1.20991231.0')");
    database.close();
    await refuses(path, /1\.20991231\.0/);
  });

  test("its lock file is something else: one sentence", async () => {
    const path = join(folder, "damaged");
    mkdirSync(path);
    writeFileSync(join(path, "orion-edge.lock"), "x".repeat(4_096));
    await refuses(path, /damaged/);
  });

  const nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];
  const mayRead = may([...nobody, "test", "-r", join(root, "local/start.ts"), "-a"]);
  test.skipIf(!may(nobody) || !mayRead)("this user may not write there: one sentence", async () => {
    const path = join(folder, "of-root");
    mkdirSync(path, { mode: 0o755 });
    await refuses(path, /may not write/, nobody);
    await refuses(join(path, "inside"), /may not write/, nobody);
  });

  /** Runs a command where `path` is a file system of its own. */
  const mounted = (path: string, options: string, then = ":") => [
    ...["unshare", "--mount", "sh", "-c"],
    `mount -t tmpfs -o ${options} none ${path} && ${then} && exec "$@"`,
    "sh",
  ];
  const mayMount = may(mounted("/mnt", "size=1m"));
  test.skipIf(!mayMount)("a read-only file system: one sentence", async () => {
    const path = join(folder, "read-only");
    mkdirSync(path);
    await refuses(path, /read-only/, mounted(path, "ro"));
    await refuses(join(path, "inside"), /read-only/, mounted(path, "ro"));
  });

  test.skipIf(!mayMount)("a full disk: one sentence", async () => {
    const path = join(folder, "full");
    mkdirSync(path);
    const fill = `! dd if=/dev/zero of=${path}/x bs=4k 2> /dev/null`;
    await refuses(path, /no space/, mounted(path, "size=64k", fill));
  });
});
