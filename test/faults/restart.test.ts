/** The whole server stops and starts again on the storage it kept. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test, vi } from "vitest";
import type { Server } from "../../local/server.ts";
import { carryMediation } from "../support/mediation.ts";
import { lobbyOf, Player, request } from "../support/player.ts";
import { watch } from "../support/promises.ts";
import { later, ring, startFaultyServer } from "../support/server.ts";

const soon = { timeout: 10_000, interval: 10 };

async function listed({ url }: Server): Promise<string[]> {
  const { body } = await request(url, "/lobbies");
  return ((body?.lobbies ?? []) as { id: string }[]).map(({ id }) => id);
}

/** Runs `before` on a server, and `after` on its successor, with the same storage. */
async function acrossRestart<T>(
  before: (server: Server) => Promise<T>,
  after: (server: Server, left: T) => Promise<void>,
): Promise<void> {
  const persist = await mkdtemp(join(tmpdir(), "orion-edge-test-"));
  try {
    const first = await startFaultyServer({ persist });
    const left = await before(first).finally(first.stop);
    const second = await startFaultyServer({ persist });
    const watcher = watch(second.url);
    const check = async () => {
      await after(second, left);
      await watcher.settles();
    };
    await check().finally(second.stop);
    watcher.stop();
  } finally {
    await rm(persist, { recursive: true });
  }
}

for (const direct of [false, true]) {
  const path = direct ? "direct" : "plain";

  test(`a lobby of the ${path} path from before is gone as soon as somebody asks for it`, async () => {
    await acrossRestart(
      async ({ url }) => {
        const { lobbyId, all } = await lobbyOf(3, url, { direct, isPublic: true, maxMembers: 5 });
        return { lobbyId, all };
      },
      async (server, { lobbyId, all }) => {
        await Promise.all(all.map((player) => player.closed));
        const late = await Player.connect(server.url, direct ? `/lobbies/${lobbyId}` : "/");
        const answer = await late.join(lobbyId, "Late");
        // Who is still let in is told at once that it is over.
        if (answer.status === 200) await late.hears("lobby_closed");
        else expect(answer.body).toMatchObject({ codes: ["no_such_lobby"] });
        await vi.waitFor(async () => expect(await listed(server)).toEqual([]), soon);
        expect((await late.host()).status).toBe(201);
        await late.leave();
      },
    );
  });

  test(`a lobby of the ${path} path that nobody asks for is off the list after its next audit`, async () => {
    await acrossRestart(
      async ({ url }) => (await lobbyOf(2, url, { direct, isPublic: true })).host.home,
      async (server, home) => {
        await later(server.url, 5 * 60_000);
        await ring(server.url, home);
        await vi.waitFor(async () => expect(await listed(server)).toEqual([]), soon);
      },
    );
  });
}

test("new lobbies work after a restart, and a mediation of before does not come back", async () => {
  await acrossRestart(
    async ({ url }) => {
      const { lobbyId, host, all } = await lobbyOf(2, url, { isPublic: true });
      for (const player of all) player.answersOverUdp = false;
      await host.start(lobbyId);
      return host.token;
    },
    async (server, token) => {
      expect(
        await request(server.url, "/lobbies", { method: "POST", body: JSON.stringify({ token }) }),
      ).toMatchObject({ status: 400 });
      for (const direct of [false, true]) {
        await carryMediation(server.url, { direct, udpPort: server.sidecar?.port ?? 0 });
      }
      // Whoever comes to where the lobby was has it taken off the list.
      await vi.waitFor(async () => expect(await listed(server)).toEqual([]), soon);
    },
  );
});
