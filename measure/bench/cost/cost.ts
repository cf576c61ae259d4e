/** What Cloudflare would ask for one session, and for lobbies that only stay open, found out by counting. */
import { fileURLToPath } from "node:url";
import { loungeShape } from "../../../core/lounges.ts";
import { startServer } from "../../../local/server.ts";
import { bundleOnce } from "../../kit/bundle-once.ts";
import { secret } from "../../kit/secret.ts";
import type { Cost, IdleCost } from "../results.ts";
import { assumed } from "./assumed.ts";
import { Books } from "./books.ts";
import { dollarsPerMillion } from "./prices.ts";
import { type Holders, type IdleKind, idleAway, idlePeriodHours, type Kind, playSession } from "./session.ts";
import { sumOf, type Tally, usageOf } from "./tally.ts";

export { costText, idleCostText } from "./cost-text.ts";

const entry = fileURLToPath(new URL("./counting-worker.ts", import.meta.url));

type Named<K> = K & { name: string; title: string; target: number };

/** Dollars for a million sessions of 4 players, by each path. */
const targets = { direct: 12, plain: 50 };

export const variants: readonly Named<Kind>[] = [
  {
    name: "direct",
    title: "4 players by the direct path, all held by the object of their private lobby",
    direct: true,
    isPublic: false,
    apart: false,
    target: targets.direct,
  },
  {
    name: "plain, together",
    title: "4 players by the plain path who share a lounge, private lobby",
    direct: false,
    isPublic: false,
    apart: false,
    target: targets.plain,
  },
  {
    name: "plain, apart",
    title: "4 players by the plain path, each in another lounge, private lobby",
    direct: false,
    isPublic: false,
    apart: true,
    target: targets.plain,
  },
  {
    name: "plain, apart, public",
    title: "4 players by the plain path, each in another lounge, public lobby",
    direct: false,
    isPublic: true,
    apart: true,
    target: targets.plain,
  },
];

/** Lobbies that are open and idle, for which a month is told. */
const idleLobbies = 10_000;
const monthHours = 730;
/** Dollars for those, a month. */
const idleTarget = 10;

/** Direct players ping, as the SDK's do. Plain ones are Orion's, which do not. */
export const idleVariants: readonly Named<IdleKind>[] = [
  { name: "direct", title: "by the direct path, private", direct: true, isPublic: false, pings: false },
  { name: "direct, public", title: "by the direct path, public", direct: true, isPublic: true, pings: false },
  {
    name: "direct, pinging",
    title: "by the direct path, private, of players who ping",
    direct: true,
    isPublic: false,
    pings: true,
  },
  {
    name: "direct, public, pinging",
    title: "by the direct path, public, of players who ping",
    direct: true,
    isPublic: true,
    pings: true,
  },
  {
    name: "plain, apart",
    title: "by the plain path, each in another lounge, private",
    direct: false,
    isPublic: false,
    pings: false,
  },
  {
    name: "plain, apart, public",
    title: "by the plain path, each in another lounge, public",
    direct: false,
    isPublic: true,
    pings: false,
  },
].map((kind) => ({ ...kind, apart: !kind.direct, target: idleTarget }));

/** The average session of each variant: 3 are played at scale 1, one at least. */
export async function measureCosts(scale: number): Promise<Cost[]> {
  const sessions = Math.max(1, Math.round(3 * scale));
  const costs: Cost[] = [];
  for (const variant of variants) {
    const { name, title, target } = variant;
    const usage = usageOf(await tallyOf(variant, sessions), sessions);
    costs.push({ name, title, ...usage, dollarsPerMillion: dollarsPerMillion(usage), target });
  }
  return costs;
}

/** The average hour of each idle variant: those of a day at scale 1, of one period at least. */
export async function measureIdleCosts(scale: number): Promise<IdleCost[]> {
  const hours = idlePeriodHours * Math.max(1, Math.round(6 * scale));
  const costs: IdleCost[] = [];
  for (const variant of idleVariants) {
    const { name, title, target } = variant;
    const usage = usageOf(await idleTallyOf(variant, hours), hours);
    const dollarsPerMonth = (dollarsPerMillion(usage) * idleLobbies * monthHours) / 1e6;
    costs.push({ name, title, ...usage, lobbies: idleLobbies, dollarsPerMonth, target });
  }
  return costs;
}

/**
 * What was counted while so many sessions were played, one after another. Each has a server of its own: a sidecar's clock goes
 * on as always, and the Worker takes no posts from one whose clock is far behind.
 */
export async function tallyOf(kind: Kind, sessions: number): Promise<Tally> {
  const tallies: Tally[] = [];
  for (let session = 0; session < sessions; session++) {
    const tally = await withBooks(kind, async (server, books, holders) => {
      await books.reset();
      await playSession(server, books, kind, holders);
      return await books.read();
    });
    tallies.push(tally);
  }
  return sumOf(tallies);
}

/** What was counted in so many hours of one idle lobby. */
export async function idleTallyOf(kind: IdleKind, hours: number): Promise<Tally> {
  return await withBooks(kind, (server, books, holders) => idleAway(server, books, kind, holders, hours));
}

/** Counts what happens on a server of its own. `vars`: settings of its Worker. `inject`: modules that run before its code. */
export async function withBooks<T>(
  { apart }: Pick<Kind, "apart">,
  count: (server: URL, books: Books, holders: Holders) => Promise<T>,
  { vars = {}, inject = [] }: { vars?: Record<string, string | number>; inject?: string[] } = {},
): Promise<T> {
  const server = await startServer({
    httpPort: 0,
    udpPort: 0,
    host: "127.0.0.1",
    entry,
    secret,
    vars: { costCallMs: assumed.callMs, ...(apart && { clientsPerLounge: 1 }), ...vars },
    inject,
    bundle: bundleOnce,
  });
  const holders: Holders = new Set();
  const putToSleep = async (name: string) => {
    const className = loungeShape.test(name) ? "Lounge" : "Lobby";
    try {
      await server.evict({ className, name }, "hibernate");
    } catch (error) {
      // One that sleeps already cannot be put to sleep.
      if (!String(error).includes("not currently running")) throw error;
    }
  };
  const sleep = async () => {
    await Promise.all(Array.from(holders, putToSleep));
  };
  try {
    return await count(server.url, new Books(server.url, sleep), holders);
  } finally {
    await server.stop();
  }
}
