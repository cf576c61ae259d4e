/** Players behind NATs that forget a silent player, as most do after 30 s. Here everything is ten times as fast. */
import { setTimeout as pass } from "node:timers/promises";
import { expect, test, vi } from "vitest";
import { Nat } from "../../measure/kit/nat.ts";
import { lobbyOf, type Player } from "../../measure/kit/player.ts";
import { watch } from "../../measure/kit/promises.ts";
import { lifeOf, setLimits, startFaultyServer } from "../../measure/kit/server.ts";
import { decode, encode } from "../../measure/kit/wire.ts";

const mappingMs = 6_000;
const timing = { ptpmConnectRequestIntervalMs: 1_000, ptpmConnectTimeoutMs: 60_000 };

/** A plain client behind a NAT: it answers `ptpMediation_send`, greets its peers until each has answered, and reports. */
function playsBehindNat(player: Player, { isDeaf = false } = {}): { nat: Nat; hears(): void; stop(): void } {
  const answered = new Set<number>();
  let peers: number[] = [];
  const nat = new Nat(mappingMs, (text, from) => {
    if (text === "hello") nat.send("hello back", from);
    if (text !== "hello back" || answered.has(from)) return;
    answered.add(from);
    if (peers.every((port) => answered.has(port))) player.reportsSuccess();
  });
  player.answersOverUdp = false;
  let isListening = !isDeaf;
  player.socket.on("message", (data: Buffer) => {
    const { method, payload } = decode(data.toString());
    if (method === "ptpMediation_send" && isListening)
      nat.send(encode("ptpMediation_connect", { token: player.token }), Number(payload.port));
    if (method === "ptpMediation_peersConnection_start")
      peers = (payload.peers as { port: number }[]).map(({ port }) => port);
  });
  const greeting = setInterval(() => {
    for (const port of peers) if (!answered.has(port)) nat.send("hello", port);
  }, 50);
  return {
    nat,
    hears: () => {
      isListening = true;
    },
    stop: () => {
      clearInterval(greeting);
      nat.close();
    },
  };
}

test("a third player who is late meets two whose routers would have forgotten them, while another lobby chats", async () => {
  const server = await startFaultyServer({ timing, vars: { clientsPerLounge: 256 } });
  const watcher = watch(server.url);
  await setLimits(server.url, { observedMs: 2_000 });
  const { lobbyId, host, all } = await lobbyOf(3, server.url, { direct: true });
  const other = await lobbyOf(2, server.url, { direct: true });
  const before = await lifeOf(server.url, { holder: host.holder });
  const chat = setInterval(() => other.host.chat(other.lobbyId, "Still here."), 200);
  const players = all.map((player, i) => playsBehindNat(player, { isDeaf: i === 2 }));
  try {
    await host.start(lobbyId);
    await pass(1.5 * mappingMs);
    players[2]?.hears();
    for (const player of all) {
      await player.hears("lobby_closed");
      expect(player.methods.slice(-2)).toEqual(["ptpMediation_success", "lobby_closed"]);
    }
    expect(await lifeOf(server.url, { holder: host.holder })).toBe(before);
    await watcher.settles();
  } finally {
    clearInterval(chat);
    for (const player of players) player.stop();
    watcher.stop();
    await server.stop();
  }
}, 60_000);

test("players who were seen long ago are asked once more before anybody is introduced, and found where they are then", async () => {
  const server = await startFaultyServer({ timing: { ...timing, ptpmConnectRequestIntervalMs: 60_000 } });
  const watcher = watch(server.url);
  await setLimits(server.url, { observedMs: 2_000 });
  const { lobbyId, host, guests, all } = await lobbyOf(3, server.url);
  const players = all.map((player, i) => playsBehindNat(player, { isDeaf: i === 2 }));
  try {
    await host.start(lobbyId);
    await vi.waitFor(() => expect(players.map(({ nat }) => nat.mappings)).toEqual([1, 1, 0]));
    // The next reminder is a minute away.
    await pass(1.2 * mappingMs);
    const [late] = guests.slice(-1);
    players[2]?.nat.send(encode("ptpMediation_connect", { token: late?.token }), server.sidecar?.port ?? 0);
    players[2]?.hears();
    for (const player of all) {
      await player.hears("lobby_closed");
      expect(player.all("ptpMediation_send").length).toBe(2);
    }
    expect(players.map(({ nat }) => nat.mappings)).toEqual([2, 2, 1]);
    await watcher.settles();
  } finally {
    for (const player of players) player.stop();
    watcher.stop();
    await server.stop();
  }
}, 60_000);
