/** The directory does not answer, for a minute. */
import { expect, test } from "vitest";
import { lobbyOf, Player, request, rollCall } from "../../measure/kit/player.ts";
import { watch } from "../../measure/kit/promises.ts";
import { failCalls, later, ring, startFaultyServer } from "../../measure/kit/server.ts";

const forLong = 1_000_000;

test("while the directory is down for a minute lobbies open, fill, connect and close, and the list is right afterwards", async () => {
  const server = await startFaultyServer();
  const watcher = watch(server.url);
  try {
    const before = await lobbyOf(2, server.url, { isPublic: true, maxMembers: 4 });
    const toClose = await lobbyOf(2, server.url, { isPublic: true });
    for (const method of ["put", "remove", "all", "list"])
      await failCalls(server.url, method, "fail", forLong);

    const meanwhile = await lobbyOf(3, server.url, { isPublic: true, maxMembers: 4 });
    const late = await Player.connect(server.url);
    expect((await late.join(before.lobbyId, "Late")).status).toBe(200);
    await before.guests[0]?.leave();
    await rollCall(before.lobbyId, before.host, late);
    expect((await toClose.host.start(toClose.lobbyId)).status).toBe(200);
    for (const player of toClose.all) await player.hears("ptpMediation_peersConnection_start");
    for (const player of toClose.all) player.reportsSuccess();
    for (const player of toClose.all) await player.hears("lobby_closed");
    expect(await request(server.url, "/lobbies")).toMatchObject({
      status: 503,
      body: { codes: ["unavailable"] },
    });

    await later(server.url, 60_000);
    for (const method of ["put", "remove", "all", "list"]) await failCalls(server.url, method, "fail", 0);
    for (const { host } of [before, toClose, meanwhile]) await ring(server.url, host.holder);
    await watcher.settles();
    const listed = await watcher.list();
    expect(Object.fromEntries(listed.map(({ id, currentMembers }) => [id, currentMembers]))).toEqual({
      [before.lobbyId]: 2,
      [meanwhile.lobbyId]: 3,
    });
  } finally {
    watcher.stop();
    await server.stop();
  }
});
