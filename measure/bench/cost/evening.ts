/**
 * What an hour costs of a lobby in which people stay: 4 players by the direct path, as the SDK opens it, that save a snapshot every
 * 30 seconds, talk, start once, and are joined by a fifth; one loses its connection and comes back, and the host leaves before the end.
 */
import { setTimeout as wait } from "node:timers/promises";
import type { Player } from "../../kit/player.ts";
import { informedPlayer, stayingLobby } from "../../kit/staying.ts";
import { apartMs } from "./assumed.ts";
import type { Books } from "./books.ts";
import { withBooks } from "./cost.ts";
import type { Holders } from "./session.ts";
import type { Tally } from "./tally.ts";

const minutes = 60;
const snapshotsPerMinute = 2;
const linesPerMinute = 1;
const snapshotBytes = 16 * 1024;

/** What was counted in one such hour. `snapshots`: whether any are saved. */
export async function eveningTally({ snapshots }: { snapshots: boolean }): Promise<Tally> {
  return await withBooks({ apart: false }, async (server, books, holders) => {
    await books.reset();
    await playEvening(server, books, holders, snapshots);
    return await books.read();
  });
}

async function playEvening(server: URL, books: Books, holders: Holders, snapshots: boolean): Promise<void> {
  const { lobbyId, host, guests, keys } = await stayingLobby(server, 4, { graceMs: 30_000 });
  holders.add(lobbyId);
  let present = [host, ...guests];
  for (const player of present) await beginsToPing(player);
  await connectAll(host, present, lobbyId);
  let leader = host;
  for (let minute = 0; minute < minutes; minute++) {
    for (let half = 0; half < snapshotsPerMinute; half++) {
      if (snapshots) await save(leader, lobbyId, minute);
      await books.later(1 / snapshotsPerMinute);
    }
    for (let line = 0; line < linesPerMinute; line++) {
      leader.chat(lobbyId, `Minute ${minute}`);
      await Promise.all(present.map((player) => player.hearsChat(`Minute ${minute}`)));
    }
    if (minute === 10) present = [...present, await comeLate(server, lobbyId, leader)];
    if (minute === 20)
      present = [await comeBack(server, lobbyId, present[1], keys[1]), ...present.toSpliced(1, 1)];
    if (minute === 50) {
      await leader.post(`/lobbies/${lobbyId}/leave`, {});
      await leader.leave();
      present = present.filter((player) => player !== leader);
      const heard = present.find((player) => player.clientId === guests[0]?.clientId) ?? present[0];
      leader = (await leaderAmong(present, lobbyId)) ?? heard ?? leader;
    }
  }
  for (const player of present) {
    await player.leave();
    await wait(apartMs);
  }
  await books.later(2);
}

async function beginsToPing(player: Player): Promise<void> {
  player.say("client_pings");
  await player.pings();
}

async function connectAll(host: Player, all: readonly Player[], lobbyId: string): Promise<void> {
  await host.start(lobbyId);
  for (const player of all) await player.hears("ptpMediation_peersConnection_start");
  for (const player of all) player.reportsSuccess();
  for (const player of all) await player.hears("ptpMediation_success");
}

async function save(leader: Player, lobbyId: string, minute: number): Promise<void> {
  const raw = new Uint8Array(snapshotBytes).fill(minute);
  const { status, text } = await leader.asks("PUT", `/lobbies/${lobbyId}/snapshot`, { raw });
  if (status !== 200) throw new Error(`the snapshot was not taken: ${text}`);
}

async function comeLate(server: URL, lobbyId: string, host: Player): Promise<Player> {
  const late = await informedPlayer(server, `/lobbies/${lobbyId}`);
  await beginsToPing(late);
  const introductions = host.all("ptpMediation_peersConnection_start").length;
  await late.join(lobbyId, "Late");
  await late.hears("ptpMediation_peersConnection_start");
  await host.hears("ptpMediation_peersConnection_start", introductions + 1);
  late.reportsSuccess();
  host.reportsSuccess();
  await late.hears("ptpMediation_success");
  return late;
}

async function comeBack(
  server: URL,
  lobbyId: string,
  gone: Player | undefined,
  resumeKey: string | undefined,
): Promise<Player> {
  gone?.vanish();
  await wait(apartMs);
  const back = await informedPlayer(server, `/lobbies/${lobbyId}`);
  const { status, text } = await back.post(`/lobbies/${lobbyId}/resume`, { resumeKey });
  if (status !== 200) throw new Error(`nobody came back: ${text}`);
  await beginsToPing(back);
  return back;
}

/** The player that leads now: any of them can ask. */
async function leaderAmong(players: readonly Player[], lobbyId: string): Promise<Player | undefined> {
  for (const player of players) {
    const { body } = await player.asks("GET", `/lobbies/${lobbyId}`);
    if (Array.isArray(body?.bans)) return player;
  }
  return undefined;
}
