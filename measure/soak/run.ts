/** One soak: a server, its players, its faults, and what is found out about them. */
import { setTimeout as pass } from "node:timers/promises";
import { dialectOf } from "../../core/dialects/names.ts";
import { reportOf, type Violation, watch } from "../kit/promises.ts";
import { secret } from "../kit/secret.ts";
import { classOf, failedCalls, leftOf, setLimits, startFaultyServer, storedOf } from "../kit/server.ts";
import { type Board, newBoard } from "./board.ts";
import { chanceOf } from "./chance.ts";
import { live } from "./character.ts";
import { departures } from "./departures.ts";
import {
  brokenElsewhere,
  forgetElsewhere,
  leaveElsewhere,
  playElsewhere,
  settlesElsewhere,
} from "./elsewhere.ts";
import { leaveLinked, playLinked, settlesLinked } from "./linked-player.ts";
import { type Mischief, makeMischief } from "./mischief.ts";
import type { SoakOptions } from "./options.ts";
import { noteRelays } from "./relays.ts";
import { stay } from "./stayer.ts";

export type Found = {
  /** Null when all promises were kept. */
  violation: string | null;
  /** Lines for people. */
  figures: string[];
};

/** Short, so that every deadline passes many times in a soak. */
const timing = {
  ptpmConnectRequestIntervalMs: 500,
  ptpmServerConnectTimeoutMs: 4_000,
  ptpmConnectTimeoutMs: 4_000,
};
/** Likewise: how long a member must have been there to be away, newcomers' mediations, and how often members elsewhere are asked for. */
const staying = {
  presentMs: 300,
  newcomerGatheringMs: 3_000,
  newcomerConnectingMs: 4_000,
  auditIntervalMs: 5_000,
  auditMostMs: 10_000,
};
const pinging = { pingMs: 1_000, pinglessMs: 4_000, pingCheckMs: 2_000, pingCheckMostMs: 10_000 };
/** Milliseconds between two looks at whether something is broken. */
const lookEveryMs = 5_000;
/** Milliseconds that what is owed has to come when all faults are over: more than all tries of a call take. */
const settleMs = 60_000;

export async function soak(
  { seconds, players, seed }: SoakOptions,
  say: (line: string) => void,
): Promise<Found> {
  // From each in a lounge of its own to all in one: the more there are, the more a lounge that ends takes along.
  const clientsPerLounge = chanceOf(seed, "server").one([1, 4, 12, 12, 64]) ?? 12;
  const server = await startFaultyServer({ secret, udpPort: null, timing, vars: { clientsPerLounge } });
  const { url } = server;
  // The directory asks lobbies that were silent for a while: here, for a second.
  await setLimits(url, { ...pinging, ...staying, listingBelievedMs: 1_000, roomGraceMs: 8_000 });
  const mediationMs = timing.ptpmServerConnectTimeoutMs + timing.ptpmConnectTimeoutMs;
  const watcher = watch(url, { mediationMs, mayLose: true });
  const board = newBoard();
  let isOver = false;
  const world = { url, board, pingMs: pinging.pingMs, isOver: () => isOver };
  const mischief = makeMischief({ url, evict: server.evict, board }, chanceOf(seed, "mischief"));
  const forgetRelays = noteRelays(board);
  // Of ten, three know the additions to Orion, one plays with the SDK, and three speak other protocols.
  const lives = Array.from({ length: players }, (_, i) => {
    const chance = chanceOf(seed, `person ${i}`);
    if (i % 10 < 3) return stay(world, `S${i}`, chance);
    if (i % 10 === 3) return playLinked(world, `L${i}`, chance);
    if (i % 10 < 7) return live(world, `P${i}`, chance);
    return playElsewhere(world, i, chance);
  });
  const noticed = departures();
  const began = Date.now();
  let violation: string | null = null;
  try {
    while (violation === null && Date.now() < began + seconds * 1_000) {
      await pass(Math.min(lookEveryMs, began + seconds * 1_000 - Date.now()));
      const list = await watcher.list().catch(() => []);
      for (const { id } of list.filter(({ id }) => dialectOf(id) !== null))
        board.complaints.push({ sentence: `The list has ${id}.`, players: [] });
      violation = reportIf([...watcher.broken(), ...board.complaints, ...brokenElsewhere(board)]);
      noticed.take(watcher.players, board.partings);
      watcher.forgetTheGone();
      forgetElsewhere(board);
      say(`${Math.round((Date.now() - began) / 1_000)} s: ${told(board, mischief.injected)}`);
    }
    isOver = true;
    await mischief.stop();
    await Promise.all(lives);
    // A failed mail may have been a chat message, and two in a row are one lost (docs/promises.md).
    if (violation === null) await watcher.settles({ withinMs: settleMs, mayLoseChat: true });
    noticed.take(watcher.players, board.partings);
    violation ??= await settlesElsewhere(board, settleMs);
    violation ??= await settlesLinked(board, settleMs);
    violation ??= reportIf([...board.complaints, ...brokenElsewhere(board)]);
    for (const player of watcher.players) player.vanish();
    leaveElsewhere(board);
    await leaveLinked(board);
    // Gateways leave all their lobbies.
    await mischief.end();
    violation ??= await leftovers(url, board);
  } catch (error) {
    violation = error instanceof Error ? error.message : String(error);
  }
  isOver = true;
  await mischief.stop();
  await Promise.all(lives);
  if (violation !== null) violation = await withCauses(violation, url, mischief);
  const failed = await failedCalls(url);
  watcher.stop();
  for (const player of board.present) player.vanish();
  leaveElsewhere(board);
  await leaveLinked(board);
  forgetRelays();
  await mischief.end();
  await server.stop();
  const figures = [
    told(board, mischief.injected),
    `faults: ${entries(mischief.injected)}; ${failed} calls failed or lost their answers`,
    `operations: ${entries(board.operations)}`,
    ...noticed.lines(),
    `violations: ${violation === null ? 0 : "see below"}`,
  ];
  return { violation, figures };
}

/** The same, with what became of the objects that it names, and what those of lobbies have now that hold players. */
async function withCauses(violation: string, url: URL, { endings }: Mischief): Promise<string> {
  const named = endings.filter(({ name }) => violation.includes(name));
  const ends = named.map(({ at, kind, name }) => `${at} ${kind}: ${name}`);
  const holders = new Set(Array.from(violation.matchAll(/ held by (\S+):/g), ([, name = ""]) => name));
  const lobbies = [...holders].filter((name) => classOf(name) === "Lobby");
  const now = await Promise.all(lobbies.map(async (name) => `${name}: ${await leftOf(url, name)}`));
  return [violation, ...ends, ...now].join("\n");
}

/** Lobbies of which something is still stored, when everybody is gone and all grace is over. */
async function leftovers(url: URL, { everyCode }: Board): Promise<string | null> {
  const deadline = Date.now() + settleMs;
  let codes = [...everyCode];
  for (;;) {
    const left: string[] = [];
    for (const code of codes) {
      const { rows, alarm } = await storedOf(url, code);
      if (rows > 0 || alarm) left.push(code);
    }
    if (left.length === 0) return null;
    if (Date.now() > deadline) {
      const why = await Promise.all(
        left.slice(0, 5).map(async (code) => `${code}: ${await leftOf(url, code)}`),
      );
      return [`The storage of these lobbies is not empty: ${left}.`, ...why].join("\n");
    }
    codes = left;
    await pass(1_000);
  }
}

function reportIf(violations: readonly Violation[]): string | null {
  return violations.length === 0 ? null : reportOf(violations);
}

function told({ players, operations }: Board, injected: ReadonlyMap<string, number>): string {
  const sum = (counts: ReadonlyMap<string, number>) => [...counts.values()].reduce((all, n) => all + n, 0);
  return `${players} clients, ${sum(operations)} operations, ${sum(injected)} faults`;
}

function entries(counts: ReadonlyMap<string, number>): string {
  return [...counts]
    .sort(([, a], [, b]) => b - a)
    .map(([what, n]) => `${what} ${n}`)
    .join(", ");
}
