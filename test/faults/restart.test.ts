/** The whole server stops and starts again on the storage it kept. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { Server } from "../../local/server.ts";
import { carryMediation } from "../../measure/kit/mediation.ts";
import { lobbyOf, Player, request } from "../../measure/kit/player.ts";
import { watch } from "../../measure/kit/promises.ts";
import { startFaultyServer } from "../../measure/kit/server.ts";

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
        expect(await listed(server)).toEqual([]);
        expect((await late.host()).status).toBe(201);
        await late.leave();
      },
    );
  });

  test(`not one of 40 lobbies of the ${path} path from before is ever listed, and new ones are`, async () => {
    await acrossRestart(
      async (server) => {
        const lobbies = Array.from({ length: 40 }, () => lobbyOf(1, server.url, { direct, isPublic: true }));
        await Promise.all(lobbies);
        expect(await listed(server)).toHaveLength(40);
      },
      async (server) => {
        expect((await request(server.url, "/lobbies?limit=200")).body).toEqual({ lobbies: [] });
        expect(await listed(server)).toEqual([]);
        const { lobbyId } = await lobbyOf(1, server.url, { direct, isPublic: true });
        expect(await listed(server)).toEqual([lobbyId]);
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
      expect(await listed(server)).toEqual([]);
    },
  );
});
