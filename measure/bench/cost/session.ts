/** What costs are told for: the session of a lobby, and lobbies in which nobody does anything. */
import { setTimeout as wait } from "node:timers/promises";
import { Player } from "../../kit/player.ts";
import { apartMs } from "./assumed.ts";
import type { Books } from "./books.ts";
import type { Tally } from "./tally.ts";

export type Kind = {
  /** Whether the players connect on the paths of what they are about to do: then the lobby's object holds them all. */
  direct: boolean;
  isPublic: boolean;
  /** Whether each player of the plain path has a lounge of their own. */
  apart: boolean;
};

/** A kind of lobby in which nobody does anything. */
export type IdleKind = Kind & {
  /** Whether its players ping, as those of the SDK do. Orion's do not. */
  pings: boolean;
};

const players = 4;
const lines = 30;
const minutes = 10;

/** Hours until an idle lobby is as it will stay: all that grows rarer has become as rare as it gets. */
const settlingHours = 6;
/** The rarest thing in the life of an idle lobby comes every four hours, so the counted time is a multiple of that. */
export const idlePeriodHours = 4;

/** Whom the objects hold that sleep when nothing happens: filled while a lobby is open. */
export type Holders = Set<string>;

/** Plays one session of a lobby of 4, from the first connection to the last close, with the books open. */
export async function playSession(server: URL, books: Books, kind: Kind, holders: Holders): Promise<void> {
  const { lobbyId, all } = await openLobby(server, kind, holders);
  await chat(lobbyId, all, 0, lines / 2);
  await books.later(minutes / 2);
  await chat(lobbyId, all, lines / 2, lines);
  await books.later(minutes / 2);
  await mediate(lobbyId, all);
  await leave(all);
  // Whatever the session has left to be done later is its own.
  await books.later(2 * minutes);
}

/** What so many hours cost of one lobby of 4 in which nobody does anything. */
export async function idleAway(
  server: URL,
  books: Books,
  kind: IdleKind,
  holders: Holders,
  hours: number,
): Promise<Tally> {
  const { all } = await openLobby(server, kind, holders);
  if (kind.pings) {
    for (const player of all) {
      player.say("client_pings");
      await player.pings();
    }
  }
  await books.later(settlingHours * 60);
  await books.reset();
  await books.later(hours * 60);
  const tally = await books.read();
  for (const { heard } of all) {
    const closed = heard.find(({ method }) => /closed|peerDisconnect/.test(method));
    if (closed) throw new Error(`an idle lobby heard ${closed.method}`);
  }
  await leave(all);
  return tally;
}

async function openLobby(
  server: URL,
  kind: Kind,
  holders: Holders,
): Promise<{ lobbyId: string; all: Player[] }> {
  const all: Player[] = [];
  const connect = async (path: string) => {
    const player = await Player.connect(server, kind.direct ? path : "/");
    player.answersOverUdp = false;
    all.push(player);
    holders.add(player.holder);
    return player;
  };
  const host = await connect("/lobbies");
  const { body } = await host.host({ isPublic: kind.isPublic, maxMembers: players });
  const lobbyId = String(body?.lobbyId);
  holders.add(lobbyId);
  for (let i = 1; i < players; i++) {
    const guest = await connect(`/lobbies/${lobbyId}`);
    const { status } = await guest.join(lobbyId, `Guest ${i}`);
    if (status !== 200) throw new Error(`a guest was refused: ${status}`);
    await Promise.all(all.slice(0, -1).map((player, index) => player.hears("lobby_peerConnect", i - index)));
  }
  const found = new Set(all.map(({ holder }) => holder));
  const isRight = kind.direct
    ? found.size === 1 && found.has(lobbyId)
    : found.size === (kind.apart ? players : 1);
  if (!isRight) throw new Error("players are held by other objects than they should be");
  return { lobbyId, all };
}

async function chat(lobbyId: string, all: readonly Player[], from: number, to: number): Promise<void> {
  for (let line = from; line < to; line++) {
    const text = `Line ${line + 1}`;
    all[line % all.length]?.chat(lobbyId, text);
    await Promise.all(all.map((player) => player.hearsChat(text)));
  }
}

async function mediate(lobbyId: string, all: readonly Player[]): Promise<void> {
  const { status } = (await all[0]?.start(lobbyId)) ?? {};
  if (status !== 200) throw new Error(`the mediation did not start: ${status}`);
  for (const player of all) {
    const { port } = await player.hears("ptpMediation_send");
    player.sendDatagram(Number(port));
    await wait(apartMs);
  }
  for (const player of all) await player.hears("ptpMediation_peersConnection_start");
  for (const player of all) {
    player.reportsSuccess();
    await wait(apartMs);
  }
  for (const player of all) await player.hears("lobby_closed");
}

async function leave(all: readonly Player[]): Promise<void> {
  for (const player of all) {
    await player.leave();
    await wait(apartMs);
  }
}
