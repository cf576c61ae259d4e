/** A simulated person who plays with noray's client: hosts, or asks for hosts by both ways, sends packets by the relay, leaves, and comes again. */
import { setTimeout as pass } from "node:timers/promises";
import { NorayClient } from "../kit/noray-client.ts";
import { echoOf, type NorayAsk, type NorayPlayer, packetOf } from "../kit/noray-promises.ts";
import { count, tellName } from "./board.ts";
import type { Chance } from "./chance.ts";
import type { World } from "./character.ts";

/** Milliseconds between two things that one person does. */
const pause = { least: 200, most: 1_500 };
/** Milliseconds in which each ask must be answered: less than a client waits, and than two gateways have, when the machine is busy. */
const patienceMs = 12_000;
/** Packets that go round by a relay, the milliseconds between them, and until the last must be back. */
const packets = 3;
const betweenMs = 100;
const roundMs = 3_000;

let packetsSent = 0;

/** Lives until it is over, as one player after another. `from`: an address of its own. */
export async function playNoray(world: World, from: string, chance: Chance): Promise<void> {
  while (!world.isOver()) {
    const player = await arrive(world, from, chance).catch(() => null);
    if (player) {
      for (let acts = chance.between(3, 20); acts > 0 && !world.isOver() && !player.client.isClosed; acts--) {
        if (!player.isHost) await ask(world, player, chance);
        if (chance.happens(0.2)) intrude(world, player, chance);
        await pass(chance.between(pause.least, pause.most));
      }
      count(world.board, player.client.isClosed ? "noray: lost its gateway" : "noray: leave");
      // Some go on by the relay alone.
      player.client.close();
      if (player.isHost && chance.happens(0.5)) await pass(roundMs);
      await player.game.close();
    }
    await pass(chance.between(pause.least, pause.most));
  }
}

async function arrive({ board }: World, from: string, chance: Chance): Promise<NorayPlayer | null> {
  const gateway = chance.one(board.gateways)?.noray;
  const isHost = chance.happens(0.4);
  if (!gateway) return null;
  const client = await NorayClient.connect(gateway, from);
  await client.registerHost();
  if (!(await client.registerRemote(patienceMs))) {
    client.close();
    return null;
  }
  const player: NorayPlayer = {
    ...{ gateway, client, isHost, ip: from, asks: [], intrusions: [] },
    game: await client.game(),
  };
  // A host sends back what comes.
  player.game.onHeard(({ text, from }) => {
    if (isHost && text.startsWith("packet ")) player.game.send(echoOf(text, client.oid), from);
  });
  board.noray.players.push(player);
  tellName(board, `noray:${client.oid}`);
  count(board, isHost ? "noray: host" : "noray: guest");
  return player;
}

async function ask({ board }: World, guest: NorayPlayer, chance: Chance): Promise<void> {
  const runs = ({ gateway, client }: NorayPlayer) =>
    !client.isClosed && board.gateways.some(({ noray }) => noray === gateway);
  const hosts = board.noray.players.filter(({ isHost }) => isHost);
  // Some are gone.
  const of = chance.one(chance.happens(0.15) ? hosts : hosts.filter(runs));
  if (!of) return;
  const how = chance.happens(0.5) ? "connect" : "connect-relay";
  const lines = guest.client.lines.length;
  const ask: NorayAsk = { at: Date.now(), how, of, answer: null, isExcused: true, isLost: false };
  const wasThere = runs(guest) && runs(of);
  guest.asks.push(ask);
  guest.client.say(`${how} ${of.client.oid}`);
  await until(patienceMs, () => guest.client.lines.length > lines || guest.client.isClosed);
  ask.answer = guest.client.lines[lines] ?? null;
  const [first, second] = ask.answer?.split(" ") ?? [];
  count(board, `noray: ${first === how ? `met by ${how}` : (ask.answer ?? "no answer")}`);
  if (first === how && how === "connect-relay") ask.isLost = !(await goesRound(guest, of, Number(second)));
  ask.isExcused = ask.answer === null ? !runs(guest) : !(wasThere && runs(guest) && runs(of));
}

/** Sends a packet to a relay of others, of whose port it has heard somewhere. */
function intrude({ board }: World, player: NorayPlayer, chance: Chance): void {
  const { gateway, client, game } = player;
  const ports = board.noray.players
    .filter((other) => other.gateway === gateway && other.client !== client)
    .flatMap(({ client: { lines } }) => lines.filter((line) => line.startsWith("connect-relay ")));
  const port = Number(chance.one(ports)?.split(" ")[1] ?? 0);
  if (port === 0) return;
  packetsSent += 1;
  player.intrusions.push(Date.now());
  game.send(packetOf(client.oid, packetsSent), { address: gateway.address, port });
  count(board, "noray: intrude");
}

/** Sends packets to the host by the relay. Whether any came back. */
async function goesRound(
  { gateway, client, game }: NorayPlayer,
  host: NorayPlayer,
  port: number,
): Promise<boolean> {
  const echoes: string[] = [];
  for (let i = 0; i < packets; i++) {
    packetsSent += 1;
    const packet = packetOf(client.oid, packetsSent);
    echoes.push(echoOf(packet, host.client.oid));
    game.send(packet, { address: gateway.address, port });
    await pass(betweenMs);
  }
  return await until(roundMs, () => game.heard.some(({ text }) => echoes.includes(text)));
}

async function until(ms: number, isSo: () => boolean): Promise<boolean> {
  const giveUpAt = Date.now() + ms;
  while (!isSo() && Date.now() < giveUpAt) await pass(20);
  return isSo();
}
