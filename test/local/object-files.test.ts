/** The files that lobbies leave in the folder of `npm start` are swept when nobody needs them. */
import { mkdtempSync, readdirSync, rmSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { sweepObjectFiles } from "../../local/object-files.ts";
import { lobbyOf, Player, rollCall } from "../../measure/kit/player.ts";
import { putToSleep, startFaultyServer } from "../../measure/kit/server.ts";

const long = new Date(Date.now() - 60_000);

async function aServer() {
  const persist = mkdtempSync(join(tmpdir(), "orion-edge-test-"));
  const server = await startFaultyServer({ persist, udpPort: null });
  onTestFinished(async () => {
    await server.stop();
    rmSync(persist, { recursive: true, force: true });
  });
  const folder = join(persist, "do", "orion-edge-Lobby");
  const databases = () => readdirSync(folder).filter((name) => /^[0-9a-f]{64}\.sqlite$/.test(name));
  const sweeper = sweepObjectFiles(folder);
  onTestFinished(() => sweeper.stop());
  /** As if nothing had happened for a while. */
  const sweepLater = async () => {
    for (const name of databases()) utimesSync(join(folder, name), long, long);
    return await sweeper.sweep();
  };
  return { server, persist, folder, databases, sweep: sweeper.sweep, sweepLater };
}

test.runIf(process.platform === "linux")(
  "files of lobbies that are over are swept; a lobby that sleeps or is awake goes on without noticing",
  async () => {
    const { server, databases, sweep, sweepLater } = await aServer();
    const over = await lobbyOf(3, server.url);
    await Promise.all(over.all.map((player) => player.leave()));
    const direct = await lobbyOf(2, server.url, { direct: true, maxMembers: 4 });
    const plain = await lobbyOf(2, server.url, { isPublic: true, maxMembers: 4 });
    expect(databases()).toHaveLength(3);
    // All three are in memory, or new.
    expect(await sweep()).toBe(0);
    expect(await sweepLater()).toBe(0);

    await putToSleep(server, [over.lobbyId, direct.lobbyId, plain.lobbyId]);
    // The public lobby has a row. The direct one is kept by its host's socket.
    expect(await sweepLater()).toBe(2);
    expect(databases()).toHaveLength(1);
    for (const { lobbyId, host, guests } of [direct, plain]) {
      await rollCall(lobbyId, host, ...guests);
      const late = await Player.connect(server.url);
      expect((await late.join(lobbyId, "Late")).status).toBe(200);
      await putToSleep(server, [lobbyId]);
      expect(await sweepLater()).toBe(0);
      await rollCall(lobbyId, late, host, ...guests);
    }
  },
);

test.runIf(process.platform === "linux")("a database with a log beside it is never swept", async () => {
  const { server, folder, databases, sweepLater } = await aServer();
  await lobbyOf(1, server.url);
  const [name = ""] = databases();
  writeFileSync(join(folder, `${"ab".repeat(32)}.sqlite`), Buffer.alloc(4_096));
  writeFileSync(join(folder, `${"ab".repeat(32)}.sqlite-wal`), "some data");
  writeFileSync(join(folder, `${"cd".repeat(32)}.sqlite`), Buffer.alloc(4_096));
  expect(await sweepLater()).toBe(1);
  expect(databases().toSorted()).toEqual([`${"ab".repeat(32)}.sqlite`, name].toSorted());
});

test.runIf(process.platform === "linux")(
  "a lobby that is awake keeps its file, though the folder is named by a link",
  async () => {
    const { server, persist, databases } = await aServer();
    const link = `${persist}-link`;
    symlinkSync(persist, link);
    onTestFinished(() => rmSync(link));
    const { lobbyId, host } = await lobbyOf(1, server.url, { direct: true, maxMembers: 2 });
    const folder = join(link, "do", "orion-edge-Lobby");
    for (const name of databases()) utimesSync(join(folder, name), long, long);
    const sweeper = sweepObjectFiles(folder);
    onTestFinished(() => sweeper.stop());
    expect(await sweeper.sweep()).toBe(0);
    expect(databases()).toHaveLength(1);
    await rollCall(lobbyId, host);
  },
);

test.runIf(process.platform === "linux")(
  "what a sweep left that was cut short is deleted by the next",
  async () => {
    const { folder, sweep } = await aServer();
    const left = join(folder, `${"ab".repeat(32)}.sqlite.swept`);
    writeFileSync(left, Buffer.alloc(4_096));
    await sweep();
    expect(readdirSync(folder)).not.toContain(left.slice(folder.length + 1));
  },
);

test("a folder of a server that is not a child of this process is not swept", async () => {
  const folder = mkdtempSync(join(tmpdir(), "orion-edge-test-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = join(folder, `${"ab".repeat(32)}.sqlite`);
  writeFileSync(file, Buffer.alloc(4_096));
  utimesSync(file, long, long);
  const sweeper = sweepObjectFiles(folder);
  onTestFinished(() => sweeper.stop());
  expect(await sweeper.sweep()).toBe(0);
  expect(readdirSync(folder)).toHaveLength(1);
});
