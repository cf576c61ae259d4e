/** Players who come by other protocols: all of them together, and what they must see. */
import { setTimeout as pass } from "node:timers/promises";
import { brokenOfGroovejet, isIn, owedOfGroovejet } from "../kit/groovejet-promises.ts";
import { brokenOfNoray } from "../kit/noray-promises.ts";
import type { Violation } from "../kit/promises.ts";
import type { RabidPlugin } from "../kit/rabid-plugin.ts";
import { brokenOfRabid, owedOfRabid } from "../kit/rabid-promises.ts";
import type { Board } from "./board.ts";
import type { Chance } from "./chance.ts";
import type { World } from "./character.ts";
import { playGroovejet } from "./groovejet-player.ts";
import { playNoray } from "./noray-player.ts";
import { playRabid } from "./rabid-player.ts";

/** Players of one protocol who are remembered, at least: those that others met in the last minutes. */
const kept = 300;

/** Lives until it is over. `number`: among all persons. Each has an address of its own. */
export async function playElsewhere(world: World, number: number, chance: Chance): Promise<void> {
  const from = `127.1.${Math.floor(number / 200)}.${1 + (number % 200)}`;
  if (number % 3 === 0) return await playNoray(world, from, chance);
  if (number % 3 === 1) return await playGroovejet(world, chance);
  world.board.rabid.persons += 1;
  await playRabid(world, `R${number}`, from, chance);
}

/** What can never become right any more. */
export function brokenElsewhere({ rabid, noray, groovejet }: Board): Violation[] {
  const sentences = [
    ...brokenOfRabid(rabid.plugins),
    ...brokenOfNoray(noray.players),
    ...brokenOfGroovejet(groovejet.players),
  ];
  return sentences.map((sentence) => ({ sentence, players: [] }));
}

/** To be called when no fault is on any more, and nobody begins anything. Returns what is still owed when the time is up. */
export async function settlesElsewhere(board: Board, withinMs: number): Promise<string | null> {
  const deadline = Date.now() + withinMs;
  for (;;) {
    const owed = [...owedOfRabid(board.rabid.plugins), ...owedOfGroovejet(board.groovejet.players)];
    if (owed.length === 0) return null;
    if (Date.now() > deadline) return owed.join("\n");
    await pass(200);
  }
}

/** Lets go of those who left long ago. Of Rabid's, those who were in no session are not missed. */
export function forgetElsewhere({ rabid, noray, groovejet }: Board): void {
  const wasIn = ({ heard }: RabidPlugin) => heard.some(({ text }) => text.startsWith("i:"));
  rabid.plugins = lastOf(
    rabid.plugins.filter((plugin) => plugin.state !== "none" || wasIn(plugin)),
    ({ state }) => state !== "none",
  );
  noray.players = lastOf(noray.players, ({ client }) => !client.isClosed);
  groovejet.players = lastOf(groovejet.players, isIn);
}

/** The last of them, and all that are there. */
function lastOf<Player>(players: readonly Player[], isThere: (player: Player) => boolean): Player[] {
  return players.filter((player, i) => isThere(player) || i >= players.length - kept);
}

/** All leave without a word. */
export function leaveElsewhere({ rabid, noray, groovejet }: Board): void {
  for (const { client } of noray.players) client.close();
  for (const { client } of groovejet.players) client.cut();
  for (const plugin of rabid.plugins) plugin.close();
}
