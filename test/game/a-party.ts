/** Players in Node who play Comets over a real server and real links. */
import { onTestFinished, vi } from "vitest";
import { connect, type Lobby } from "../../client/index.ts";
import { type Bot, playAsBot } from "../../page/game/bot.ts";
import type { FlightOptions } from "../../page/game/flight.ts";

export type Player = { lobby: Lobby; bot: Bot };

export const partyOptions = {
  lifetime: "session",
  topology: "mesh",
  onHostLoss: "migrate",
  maxMembers: 8,
} as const;

/** A lobby of so many players who are linked and play. The first one is its host. */
export async function party(server: URL, count: number): Promise<Player[]> {
  const names = ["Ada", "Bo", "Cy", "Di", "Eve", "Flo", "Gus", "Hal"].slice(0, count);
  const [first = "Ada", ...others] = names;
  const host = await (await connect(server)).host({ name: first, game: "comets", ...partyOptions });
  const lobbies = [host];
  for (const name of others) lobbies.push(await (await connect(server)).join(host.code, { name }));
  onTestFinished(async () => {
    await Promise.all(lobbies.map(({ links }) => Promise.all(links.map((link) => link.close()))));
    await Promise.all(lobbies.map((lobby) => lobby.leave()));
  });
  if (count > 1) await Promise.all(lobbies.map((lobby) => (lobby === host ? host.start() : lobby.started())));
  return lobbies.map((lobby) => playing(lobby));
}

/** This lobby's player begins to play. */
export function playing(lobby: Lobby, options?: FlightOptions): Player {
  const bot = playAsBot(lobby, lobby.clientId, options);
  onTestFinished(() => bot.stop());
  return { lobby, bot };
}

export async function join(server: URL, code: string, name: string): Promise<Player> {
  const lobby = await (await connect(server)).join(code, { name });
  onTestFinished(async () => {
    await Promise.all(lobby.links.map((link) => link.close()));
    await lobby.leave();
  });
  await lobby.started();
  return playing(lobby);
}

/** What a player sees of all comets: by name, with the number of stars. */
export function seen({
  bot,
  lobby,
}: Player): Map<string, { x: number; y: number; stars: number; isGhost: boolean }> {
  const nameOf = (id: string) => lobby.members.find(({ clientId }) => clientId === id)?.displayName ?? id;
  return new Map(
    (bot.flight.view()?.comets ?? []).map(({ id, head, stars, isGhost }) => {
      return [nameOf(id), { x: head.x, y: head.y, stars, isGhost }];
    }),
  );
}

export async function until(isSo: () => boolean): Promise<void> {
  await vi.waitFor(
    () => {
      if (!isSo()) throw new Error(`It is not so: ${isSo}`);
    },
    { interval: 20 },
  );
}

export const role = ({ bot }: Player) => bot.flight.stats.role;
export const names = (player: Player) => [...seen(player).keys()].sort();
/** Of all tails together. */
export const stars = (player: Player) =>
  [...seen(player).values()].reduce((sum, comet) => sum + comet.stars, 0);
