/** A lobby's life in steps, for faults to strike between them. Whoever lost its socket takes no part any more. */
import { setTimeout as pass } from "node:timers/promises";
import type { Server } from "../../local/server.ts";
import { Player } from "../../measure/kit/player.ts";

export type Cast = {
  server: Pick<Server, "url" | "sidecar">;
  direct: boolean;
  lobbyId: string;
  host: Player;
  guests: Player[];
};

export const alive = (...players: Player[]) =>
  players.filter(({ story }) => !story.some(({ kind }) => kind === "closed"));

/** One after another. Each goes on whatever became of the one before: some answers are refusals then. */
export const steps: Record<string, (cast: Cast) => Promise<unknown>> = {
  "they connect": async () => {},
  "the host hosts": async (cast) => {
    const { server, direct, host } = cast;
    const { body } = await host.host({ isPublic: true, maxMembers: 4 });
    cast.lobbyId = String(body?.lobbyId ?? "AAAAA");
    if (direct) cast.guests = await crowd(server, `/lobbies/${cast.lobbyId}`);
  },
  "the first guest joins": ({ guests, lobbyId }) => join(guests[0], lobbyId, "Ada"),
  "the second guest joins": ({ guests, lobbyId }) => join(guests[1], lobbyId, "Bob"),
  "they chat": async ({ host, guests, lobbyId }) => {
    for (const player of alive(host, ...guests)) player.chat(lobbyId, `Hello of ${player.clientId}`);
  },
  "the host starts": async ({ host, lobbyId }) => {
    if (alive(host).length > 0) await host.start(lobbyId);
  },
  "they send datagrams": async ({ server, host, guests }) => {
    for (const player of alive(host, ...guests)) {
      player.answersOverUdp = true;
      if (player.all("ptpMediation_send").length > 0) player.sendDatagram(server.sidecar?.port ?? 0);
    }
  },
  // With one of them gone they never are.
  "they are introduced": ({ host, guests }) =>
    Promise.race([
      Promise.all(
        alive(host, ...guests).map((player) => hears(player, "ptpMediation_peersConnection_start")),
      ),
      pass(500),
    ]),
  "the first reports": async ({ host }) => {
    if (alive(host).length > 0) host.reportsSuccess();
  },
  "all report": async ({ guests }) => {
    for (const guest of alive(...guests)) guest.reportsSuccess();
  },
  "it is closed": ({ host, guests }) =>
    Promise.race([
      Promise.all(alive(host, ...guests).map((player) => hears(player, "lobby_closed"))),
      pass(500),
    ]),
};

/** Three players who have not met. By the direct path guests come when there is a lobby. */
export async function castOf(server: Cast["server"], direct: boolean): Promise<Cast> {
  const host = await Player.connect(server.url, direct ? "/lobbies" : "/");
  host.answersOverUdp = false;
  return { server, direct, lobbyId: "AAAAA", host, guests: direct ? [] : await crowd(server, "/") };
}

async function crowd({ url }: Cast["server"], path: string): Promise<Player[]> {
  const guests = await Player.crowd(2, url, path);
  for (const guest of guests) guest.answersOverUdp = false;
  return guests;
}

async function hears(player: Player, method: string): Promise<void> {
  await player.hears(method).catch(() => {});
}

async function join(guest: Player | undefined, lobbyId: string, name: string): Promise<void> {
  if (guest && alive(guest).length > 0) await guest.join(lobbyId, name);
}
