/** A simulated person who plays a game with Rabid's plugin: hosts, joins, kicks, starts, leaves in one way or another, and comes again. */
import { setTimeout as pass } from "node:timers/promises";
import { RabidPlugin } from "../kit/rabid-plugin.ts";
import { count, tellName } from "./board.ts";
import type { Chance } from "./chance.ts";
import type { World } from "./character.ts";

/** Milliseconds between two things that one person does. */
const pause = { least: 200, most: 1_500 };
/** Milliseconds after which a person tries something else, if nothing answers. */
const patienceMs = 5_000;
/** For this many players there is one session name: they meet, and want each other's. */
const playersPerName = 4;

/** Lives until it is over, as one player after another. `from`: an address of its own. */
export async function playRabid(world: World, name: string, from: string, chance: Chance): Promise<void> {
  /** The session from which it was removed: it tries to get in again. */
  let barred: string | undefined;
  while (!world.isOver()) {
    const plugin = await arrive(world, { name, from, session: barred }, chance);
    barred = undefined;
    if (!plugin) {
      await pass(chance.between(300, 2_000));
      continue;
    }
    while (plugin.state === "in-session" && !world.isOver()) {
      await pass(chance.between(pause.least, pause.most));
      if (plugin.state === "in-session" && act(world, plugin, chance) === "vanished") break;
    }
    if (plugin.heard.at(-1)?.text === "error:kicked_by_host") barred = plugin.session;
    if (plugin.state === "finishing") count(world.board, "rabid: is started");
    // The end finds everybody where they are.
    if (!world.isOver()) plugin.close();
  }
}

/** A player in a session, or null. Without a session it joins or opens any. */
async function arrive(
  { board }: World,
  { name, from, session: barred }: { name: string; from: string; session: string | undefined },
  chance: Chance,
): Promise<RabidPlugin | null> {
  const gateway = chance.one(board.gateways);
  const session = barred ?? `Soak${chance.between(1, Math.ceil(board.rabid.persons / playersPerName))}`;
  const password = chance.happens(0.15) ? chance.one(["secret", "wrong"]) : undefined;
  const isHosting = barred === undefined && chance.happens(0.4);
  const size = chance.one([2, 3, 4, 12]) ?? 4;
  if (!gateway) return null;
  const own = chance.happens(0.1) ? "Twin" : name;
  const plugin = new RabidPlugin({ server: gateway.rabid, session, name: own, from });
  board.rabid.plugins.push(plugin);
  tellName(board, `rabid:${session}`);
  count(board, isHosting ? "rabid: host" : "rabid: join");
  await (isHosting ? plugin.createSession(size, password) : plugin.joinSession(password));
  await plugin
    .until("an answer", () => plugin.state !== "requesting", patienceMs)
    .catch(() => plugin.close());
  const heard = plugin.heard.at(-1)?.text.split(":");
  count(board, `rabid: ${plugin.state === "in-session" ? "is in" : (heard?.[1] ?? "no answer")}`);
  return plugin.state === "in-session" ? plugin : null;
}

function act({ board }: World, plugin: RabidPlugin, chance: Chance): "vanished" | null {
  const act = chance.weighted({
    start: plugin.isHost ? 2 : 0.1,
    kick: plugin.isHost ? 1 : 0.1,
    exit: 0.5,
    vanish: 0.5,
    nonsense: 0.3,
    wait: 5,
  });
  count(board, `rabid: ${act}`);
  switch (act) {
    case "start":
      plugin.startSession();
      break;
    case "kick":
      plugin.kickPlayer(chance.one(plugin.names) ?? plugin.name);
      break;
    case "exit":
      plugin.exitSession();
      break;
    case "nonsense":
      plugin.say(`y:${plugin.session}:Nobody`);
      break;
    case "vanish":
      return "vanished";
    case "wait":
  }
  return null;
}
