/** The session that costs are told for: 4 players, 10 minutes in the lobby, 30 lines of chat, a mediation that succeeds. */
import { setTimeout as wait } from "node:timers/promises";
import { Player } from "../../test/support/player.ts";
import { assumed } from "./assumed.ts";
import type { Tally } from "./tally.ts";

export type Kind = {
  /** Whether the players connect on the paths of what they are about to do. */
  direct: boolean;
  isPublic: boolean;
  /** Whether each player is at home in another object than the others. */
  apart: boolean;
};

const players = 4;
const lines = 30;
const minutes = 10;

/** Players do what they do at different times: longer apart, in milliseconds, than news takes to get around. */
const apartMs = 3 * assumed.callMs;

/** The counting Worker's end of the line. */
export class Books {
  readonly #server: URL;

  constructor(server: URL) {
    this.#server = server;
  }

  async reset(): Promise<void> {
    await this.#get("/cost/reset");
  }

  /** Lets minutes pass in a moment, with all alarms that are due in them. */
  async later(minutes: number): Promise<void> {
    await this.#get(`/cost/later?ms=${minutes * 60_000}`);
    // What the alarms have started goes on for a moment after them.
    await wait(apartMs);
  }

  async read(): Promise<Tally> {
    return JSON.parse(await this.#get("/cost/tally"));
  }

  async #get(path: string): Promise<string> {
    return await (await fetch(new URL(path, this.#server))).text();
  }
}

/** Plays one session, from the first connection to the last close, with the books open. */
export async function playSession(server: URL, books: Books, kind: Kind): Promise<void> {
  const all: Player[] = [];
  const connect = async (path: string) => {
    const player = await Player.connect(server, kind.direct ? path : "/");
    player.answersOverUdp = false;
    all.push(player);
    return player;
  };
  const host = await connect("/lobbies");
  const { body } = await host.host({ isPublic: kind.isPublic, maxMembers: players });
  const lobbyId = String(body?.lobbyId);
  for (let i = 1; i < players; i++) {
    const guest = await connect(`/lobbies/${lobbyId}`);
    const { status } = await guest.join(lobbyId, `Guest ${i}`);
    if (status !== 200) throw new Error(`a guest was refused: ${status}`);
    await Promise.all(all.slice(0, -1).map((player, index) => player.hears("lobby_peerConnect", i - index)));
  }
  const homes = new Set(all.map(({ holder }) => holder));
  if (homes.size !== (kind.apart ? players : 1))
    throw new Error("players are at home where they should not be");

  await chat(lobbyId, all, 0, lines / 2);
  await books.later(minutes / 2);
  await chat(lobbyId, all, lines / 2, lines);
  await books.later(minutes / 2);

  await mediate(lobbyId, all);
  for (const player of all) {
    await player.leave();
    await wait(apartMs);
  }
  // Whatever the session has left to be done later is its own.
  await books.later(2 * minutes);
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
