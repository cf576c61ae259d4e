/** What Cloudflare would ask for one session, found out by playing some and counting. */
import { fileURLToPath } from "node:url";
import { startServer } from "../../local/server.ts";
import type { Cost } from "../results.ts";
import { assumed } from "./assumed.ts";
import { dollarsPerMillion } from "./prices.ts";
import { Books, type Kind, playSession } from "./session.ts";
import { type Tally, usageOf } from "./tally.ts";

export { costText } from "./cost-text.ts";

const entry = fileURLToPath(new URL("./counting-worker.ts", import.meta.url));

export type Variant = Kind & { name: string; title: string; target: number };

/** Dollars for a million sessions of 4 players. */
const target = 25;

export const variants: readonly Variant[] = [
  {
    name: "direct",
    title: "4 players by the direct path, private lobby",
    direct: true,
    isPublic: false,
    apart: false,
    target,
  },
  {
    name: "plain, together",
    title: "4 players by the plain path who happen to share a home, private lobby",
    direct: false,
    isPublic: false,
    apart: false,
    target,
  },
  {
    name: "plain, apart",
    title: "4 players by the plain path, each at home in another object, private lobby",
    direct: false,
    isPublic: false,
    apart: true,
    target,
  },
  {
    name: "plain, apart, public",
    title: "4 players by the plain path, each at home in another object, public lobby",
    direct: false,
    isPublic: true,
    apart: true,
    target,
  },
];

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

/** What was counted while so many sessions were played, one after another, on a server of their own. */
export async function tallyOf(kind: Kind, sessions: number): Promise<Tally> {
  const server = await startServer({
    httpPort: 0,
    udpPort: 0,
    host: "127.0.0.1",
    entry,
    vars: { costCallMs: assumed.callMs, ...(kind.apart && { clientsPerLounge: 1 }) },
  });
  try {
    const books = new Books(server.url);
    await books.reset();
    for (let session = 0; session < sessions; session++) await playSession(server.url, books, kind);
    return await books.read();
  } finally {
    await server.stop();
  }
}
