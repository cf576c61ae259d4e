import { expect, test } from "vitest";
import { lobbyOf, Player } from "../../measure/kit/player.ts";
import { watch } from "../../measure/kit/promises.ts";
import { crash, failCalls, keepFleetBusy, setFault, startFaultyServer } from "../../measure/kit/server.ts";

test("a lobby that crashes while it closes goes on closing when somebody speaks to it", async () => {
  const server = await startFaultyServer();
  const watcher = watch(server.url);
  try {
    const { lobbyId, host, guests } = await lobbyOf(2, server.url, { isPublic: true });
    const [guest] = guests;
    await setFault(server.url, "unlisting", "900");
    await host.leave();
    await guest?.settled();
    await crash(server.url, { holder: host.holder });
    await setFault(server.url, "unlisting", "");
    guest?.chat(lobbyId, "Anyone?");
    await guest?.hears("lobby_closed");
    expect((await guest?.host())?.status).toBe(201);
    await watcher.settles();
  } finally {
    watcher.stop();
    await server.stop();
  }
});

test("players get in although the lounge that is being filled fails", async () => {
  const server = await startFaultyServer();
  const watcher = watch(server.url);
  try {
    const first = await Player.connect(server.url);
    await setFault(server.url, "holder", first.holder);
    for (let i = 0; i < 5; i++) expect((await Player.connect(server.url)).holder).not.toBe(first.holder);
    await setFault(server.url, "holder", "");
    await watcher.settles();
  } finally {
    watcher.stop();
    await server.stop();
  }
});

test("a join that failed does not throw out the one that then succeeds", async () => {
  const server = await startFaultyServer();
  const watcher = watch(server.url);
  try {
    const { lobbyId, host } = await lobbyOf(1, server.url);
    const guest = await Player.connect(server.url);
    await failCalls(server.url, "enter", "fail", Number.POSITIVE_INFINITY);
    expect((await guest.join(lobbyId, "Guest")).status).toBe(503);
    await failCalls(server.url, "enter", "fail", 0);
    expect((await guest.join(lobbyId, "Guest")).status).toBe(200);
    // The place that the failed join gave back comes before this in the same line.
    guest.chat(lobbyId, "Still here");
    await host.hears("lobby_messaging_received");
    expect(host.methods).toEqual(["lobby_peerConnect", "lobby_messaging_received"]);
    await watcher.settles();
  } finally {
    watcher.stop();
    await server.stop();
  }
});

test("a lobby that waits for the fleet keeps no other lobby of its home waiting", async () => {
  const server = await startFaultyServer({
    vars: { clientsPerLounge: 4 },
    timing: { ptpmConnectRequestIntervalMs: 300, ptpmConnectTimeoutMs: 1_000 },
  });
  const watcher = watch(server.url);
  try {
    const waiting = await lobbyOf(2, server.url);
    const other = await lobbyOf(2, server.url);
    expect(other.host.holder).toBe(waiting.host.holder);
    await other.host.start(other.lobbyId);
    for (const player of other.all) await player.hears("ptpMediation_peersConnection_start");
    for (const player of waiting.all) player.answersOverUdp = false;
    await waiting.host.start(waiting.lobbyId);
    await keepFleetBusy(server.url, 20_000);
    await other.host.hears("ptpMediation_aborted");
    // The reminder needs a fresh look at the fleet, and goes without it in the end.
    expect(waiting.host.all("ptpMediation_send")).toHaveLength(1);
    expect(await waiting.host.hears("ptpMediation_send", 2)).toMatchObject({ port: server.sidecar?.port });
    await watcher.settles();
  } finally {
    watcher.stop();
    await server.stop();
  }
});
