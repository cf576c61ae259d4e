/**
 * A simulated person who plays with the SDK, in a page or in Node: opens lobbies, joins, starts, and talks over links. Each reliable
 * message has to come once, whole and in order, and each packet once at most.
 */
import { setTimeout as pass } from "node:timers/promises";
import { connect as connectPage } from "../../client/browser.ts";
import { connect, type Link, OrionError } from "../../client/index.ts";
import { newEnd, takePacket, takeReliable, wordOf } from "../kit/link-promises.ts";
import { type Board, count, type PlayedEnd } from "./board.ts";
import type { Chance } from "./chance.ts";
import type { World } from "./character.ts";

/** Milliseconds between two things that one person does. */
const pause = { least: 100, most: 1_500 };
/** Milliseconds that a call of the SDK may take before the person gives it up. */
const patienceMs = 10_000;
/** Codes of the SDK's lobbies that friends know. */
const codesKept = 8;

type LinkedLobby = Awaited<ReturnType<Awaited<ReturnType<typeof connectPage>>["host"]>>;

let streams = 0;

/** Lives until it is over, in one lobby after another. The end finds everybody where they are. */
export async function playLinked(world: World, name: string, chance: Chance): Promise<void> {
  const { board, url } = world;
  const orion = await (chance.happens(0.6) ? connectPage(url) : connect(url));
  for (let life = 1; !world.isOver(); life++) {
    await pass(chance.between(pause.least, pause.most));
    const lobby = await enter(
      orion as Awaited<ReturnType<typeof connectPage>>,
      board,
      `${name} ${life}`,
      chance,
    );
    if (!lobby) continue;
    board.linked.lobbies.add(lobby);
    let isThere = true;
    lobby.on("closed", () => {
      isThere = false;
    });
    const ends: PlayedEnd[] = [];
    lobby.on("link", (link) => ends.push(watchLink(board, link, lobby.self)));
    for (let acts = chance.between(5, 40); acts > 0 && isThere && !world.isOver(); acts--) {
      await act(board, lobby, ends, chance);
      await pass(chance.between(pause.least, pause.most));
    }
    if (world.isOver()) return;
    count(board, isThere ? "linked: leave" : "linked: lobby closed");
    // Some play on without their lobby.
    if (chance.happens(0.3)) talk(board, ends, chance);
    await Promise.race([lobby.leave(), pass(patienceMs)]);
    board.linked.lobbies.delete(lobby);
    await Promise.all(ends.map(({ link }) => link.close()));
  }
}

/** To be called when no fault is on any more. What was sent by links that are still open and has not come; null if there is none. */
export async function settlesLinked({ linked }: Board, withinMs: number): Promise<string | null> {
  const late = AbortSignal.timeout(withinMs);
  const over = new Promise<"late">((resolve) => late.addEventListener("abort", () => resolve("late")));
  const told = [...linked.ends].map(async ({ link, owner }) => {
    const how = await Promise.race([link.delivered().catch(() => "closed" as const), over]);
    return how === "late" ? `What ${owner} has sent to ${link.peer.name} has not come: ${link.path}.` : [];
  });
  const sentences = (await Promise.all(told)).flat();
  return sentences.length === 0 ? null : sentences.join("\n");
}

/** All leave. */
export async function leaveLinked({ linked }: Board): Promise<void> {
  const left = [...linked.lobbies].map((lobby) => Promise.race([lobby.leave(), pass(patienceMs)]));
  linked.lobbies.clear();
  await Promise.all([...left, ...[...linked.ends].map(({ link }) => link.close())]);
}

async function enter(
  orion: Awaited<ReturnType<typeof connectPage>>,
  board: Board,
  name: string,
  chance: Chance,
): Promise<LinkedLobby | null> {
  const signal = AbortSignal.timeout(patienceMs);
  const known = chance.one(board.linked.codes.slice(-3));
  const opening = {
    lifetime: chance.happens(0.8) ? "session" : "mediation",
    topology: chance.happens(0.4) ? "mesh" : "star",
    onLoss: "continue",
    maxMembers: 5,
    graceMs: chance.one([0, 2_000, 5_000]) ?? 0,
  } as const;
  const isNew = known === undefined || chance.happens(0.3);
  const lobby = await tried(board, isNew ? "host" : "join", () =>
    isNew ? orion.host({ name, ...opening, signal }) : orion.join(known, { name, signal }),
  );
  if (isNew && lobby) {
    board.linked.codes = [...board.linked.codes.slice(1 - codesKept), lobby.code];
    board.everyCode.add(lobby.code);
  }
  return lobby ?? null;
}

async function act(board: Board, lobby: LinkedLobby, ends: PlayedEnd[], chance: Chance): Promise<void> {
  const open = ends.filter(({ isClosed }) => !isClosed).length;
  const isAlone = open < lobby.members.length - 1;
  const start = lobby.isHost && lobby.members.length > 1 ? (isAlone ? 6 : 0.5) : 0;
  const what = chance.weighted({ talk: 8, wait: 2, start, close: 0.2 });
  count(board, `linked: ${what}`);
  if (what === "talk") talk(board, ends, chance);
  if (what === "start") {
    const signal = AbortSignal.timeout(patienceMs);
    await tried(board, "start", () => lobby.start({ patienceMs: 3_000, signal }));
  }
  if (what === "close") await chance.one(ends)?.link.close();
}

function talk(board: Board, ends: readonly PlayedEnd[], chance: Chance): void {
  for (const end of ends.filter(({ isClosed }) => !isClosed)) {
    for (let left = chance.between(0, 5); left > 0; left--) sendPacket(end, chance.between(0, 900));
    const sizes = Array.from({ length: chance.between(0, 6) }, () =>
      chance.happens(0.05) ? chance.between(10_000, 60_000) : chance.between(0, 2_000),
    );
    if (!end.isSending) void sendReliably(board, end, sizes);
  }
}

function sendPacket(end: PlayedEnd, size: number): void {
  end.sent.packet += 1;
  try {
    end.link.send(
      wordOf({ stream: end.stream, number: end.sent.packet, safetyCode: end.link.safetyCode, size }),
    );
  } catch {
    // It has closed.
  }
}

async function sendReliably(board: Board, end: PlayedEnd, sizes: readonly number[]): Promise<void> {
  end.isSending = true;
  try {
    for (const size of sizes) {
      end.sent.reliable += 1;
      const { stream, link, sent } = end;
      await link.sendReliable(wordOf({ stream, number: sent.reliable, safetyCode: link.safetyCode, size }));
      count(board, "linked: reliable message");
    }
  } catch (error) {
    if (!(error instanceof OrionError && error.code === "link_closed"))
      complain(board, `${end.owner} could not send to ${end.link.peer.name}: ${error}.`);
  }
  end.isSending = false;
}

function watchLink(board: Board, link: Link, owner: string): PlayedEnd {
  streams += 1;
  const end: PlayedEnd = { ...newEnd(link, owner, `s${streams}`), isSending: false, isClosed: false };
  board.linked.ends.add(end);
  count(board, `linked: link by ${link.path}`);
  if (!link.encrypted) complain(board, `The link of ${owner} to ${link.peer.name} is not encrypted.`);
  link.on("reliable", (bytes) => complain(board, takeReliable(end, bytes)));
  link.on("message", (bytes) => complain(board, takePacket(end, bytes)));
  link.on("closed", ({ cause }) => {
    end.isClosed = true;
    board.linked.ends.delete(end);
    count(board, `linked: closed (${cause})`);
  });
  return end;
}

/** What it comes to; undefined if it was refused, in the SDK's words. Nothing else may be thrown. */
async function tried<Done>(board: Board, what: string, call: () => Promise<Done>): Promise<Done | undefined> {
  try {
    const done = await call();
    count(board, `linked: ${what}`);
    return done;
  } catch (error) {
    if (!(error instanceof OrionError)) complain(board, `The SDK has thrown at ${what}: ${error}.`);
    else count(board, `linked: ${what} refused (${error.code})`);
    return undefined;
  }
}

function complain(board: Board, sentence: string | null): void {
  if (sentence !== null) board.complaints.push({ sentence, players: [] });
}
