/** A simulated person who plays in web pages that speak groovejet, of an old form or a new one: opens rooms, joins, offers, answers, and comes back. */
import { setTimeout as pass } from "node:timers/promises";
import { drawRoom, GroovejetClient } from "../kit/groovejet-client.ts";
import {
  answerTo,
  type GroovejetPlayer,
  isHost,
  isIn,
  numberIn,
  offerOf,
} from "../kit/groovejet-promises.ts";
import { type Board, count, tellName } from "./board.ts";
import type { Chance } from "./chance.ts";
import type { World } from "./character.ts";

/** Milliseconds between two things that one person does. */
const pause = { least: 200, most: 1_500 };
/** Milliseconds between two offers of a guest that has no answer. */
const offerAgainMs = 1_000;

let offers = 0;

/** Lives until it is over, as one client after another. */
export async function playGroovejet(world: World, chance: Chance): Promise<void> {
  let before: GroovejetPlayer | null = null;
  while (!world.isOver()) {
    const player: GroovejetPlayer | null = await arrive(world, before, chance).catch(() => null);
    before = null;
    await pass(chance.between(pause.least, pause.most));
    if (!player) continue;
    plays(world.board, player);
    for (let acts = chance.between(3, 20); acts > 0 && isIn(player) && !world.isOver(); acts--) {
      await pass(chance.between(pause.least, pause.most));
      if (chance.happens(0.1))
        player.client.say(chance.one(["null", "{", '{"type":"joinRoom"}', '{"type":"createRoom"}']));
      if (!isHost(player) && chance.happens(0.3)) offer(player);
    }
    // The end finds everybody where they are.
    if (world.isOver() && isIn(player)) return;
    const how = chance.weighted({ close: 3, cut: 3 });
    count(
      world.board,
      `groovejet: ${isIn(player) ? how : (player.client.types.findLast((type) => type !== "identity") ?? "is cut off")}`,
    );
    if (how === "cut") player.client.cut();
    else await player.client.leave();
    if (!player.client.types.includes("roomClosed") && chance.happens(0.5)) before = player;
  }
}

/** A client in a room, or null. `before`: who comes back. */
async function arrive(
  { url, board }: World,
  before: GroovejetPlayer | null,
  chance: Chance,
): Promise<GroovejetPlayer | null> {
  const known = before?.code ?? chance.one(board.groovejet.codes.slice(-6));
  const way = before ? "return" : chance.weighted({ create: 2, join: 6, lead: 1, old: 1, "old join": 2 });
  if (way === "create") {
    const client = await GroovejetClient.connect(url);
    return meet(board, client, await client.createRoom(), null, way);
  }
  if (way === "old") {
    const code = await drawRoom(url);
    return meet(board, await GroovejetClient.connect(url, `/?code=${code}&host`), code, null, way);
  }
  if (known === undefined) return null;
  if (way === "old join")
    return meet(board, await GroovejetClient.connect(url, `/?code=${known}`), known, null, way);
  const resumeKey = before?.client.heard.findLast(({ data }) => data?.resumeKey !== undefined)?.data
    ?.resumeKey;
  const client = await GroovejetClient.connect(url);
  const answer = await client.joinRoom(known, { resumeKey, canHost: way === "lead" || undefined });
  if (answer.type === "joinedRoom") return meet(board, client, known, before, way);
  count(board, `groovejet: ${answer.errorType}`);
  client.cut();
  return null;
}

function meet(
  board: Board,
  client: GroovejetClient,
  code: string,
  before: GroovejetPlayer | null,
  way: string,
): GroovejetPlayer {
  const player: GroovejetPlayer = { client, code, before, offers: [] };
  board.groovejet.players.push(player);
  if (!board.groovejet.codes.includes(code)) board.groovejet.codes.push(code);
  tellName(board, `groovejet:${code}`);
  count(board, `groovejet: ${way}`);
  return player;
}

/** Answers as a host, and offers as a guest until it is answered, for as long as it is there. */
function plays(board: Board, player: GroovejetPlayer): void {
  const { client } = player;
  let dealt = 0;
  client.socket.on("message", () => {
    for (; dealt < client.heard.length; dealt++) {
      const message = client.heard[dealt];
      const number = message ? numberIn(message, "offer") : null;
      if (!message || number === null) continue;
      count(board, "groovejet: answer");
      const type = message.type === "clientConnection" ? "hostSignal" : "hostAnswerSignal";
      client.say({ type, data: { answerSignal: answerTo(number), clientId: message.data?.clientId } });
    }
  });
  const again = setInterval(() => {
    const last = player.offers.at(-1);
    const isAnswered = client.heard.some((message) => numberIn(message, "answer") === last);
    if (isIn(player) && !isHost(player) && (last === undefined || !isAnswered)) offer(player);
  }, offerAgainMs);
  void client.closed.then(() => clearInterval(again));
}

function offer({ client, offers: own }: GroovejetPlayer): void {
  offers += 1;
  own.push(offers);
  const type = client.socket.url.includes("?") ? "clientSignal" : "guestOfferSignal";
  client.say({ type, data: { offerSignal: offerOf(offers) } });
}
