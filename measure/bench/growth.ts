/** How the cost of an operation grows with what else the server holds. */
import { type CrowdKind, gather } from "./crowd.ts";
import { type Extent, heldIn, type Load, median, percentile } from "./load.ts";
import { type Bench, measure, open, ratioOf, type Sample, spreadOf, warmUp } from "./measure.ts";
import type { Growth } from "./results.ts";
import { chats } from "./scenarios/chat.ts";
import { lives } from "./scenarios/life.ts";
import type { Subject } from "./subject.ts";

export type GrowthScenario = {
  name: string;
  title: string;
  of: string;
  counts: readonly number[];
  crowd: CrowdKind;
  loads: Load[];
};

const named = (loads: Load[], start: string) => loads.filter(({ name }) => name.startsWith(start));

/** The most that any of them may grow. */
const target = 1.1;

export const growthScenarios: GrowthScenario[] = [
  {
    name: "growth-idle",
    title: "2-member life and 32 × 8 chat, while more and more clients are idle",
    of: "idle clients",
    counts: [0, 2_000, 8_000, 15_000],
    crowd: { path: "/", hosts: null },
    loads: [...named(lives, "life-2/"), ...named(chats, "chat-32x8/")],
  },
  {
    name: "growth-lobbies",
    title: "2-member life, while more and more other lobbies are open",
    of: "other lobbies",
    counts: [0, 1_000, 10_000],
    crowd: { path: "/lobbies", hosts: "private" },
    loads: named(lives, "life-2/"),
  },
];

/**
 * Measures every load beside each count. A second server, which holds nothing else, is measured in turns with the one that
 * does: so the first point and the last are of the same minute. `say` hears how far it is.
 */
export async function measureGrowth(
  { of, counts, crowd: kind, loads }: GrowthScenario,
  servers: { empty: Subject; crowded: Subject },
  extent: Extent,
  say: (progress: string) => void,
): Promise<Growth[]> {
  const growing: Growing[] = [];
  for (const load of loads) growing.push(await openBoth(load, servers, extent));
  const crowd = gather(servers.crowded, kind);
  let there = 0;
  for (const full of counts.slice(1)) {
    const count = heldIn(extent, full);
    // As many as there may be are there already.
    if (count <= there) continue;
    await crowd.grow(count - there);
    there = count;
    for (const one of growing) {
      say(`${one.load.name} beside ${count} ${of}`);
      await crowd.whileThere(addPoint(one, count, extent));
    }
  }
  await crowd.leave();
  return growing.map(({ load: { name, title }, points, ratios }) => {
    const ratio = ratioOf(points.at(-1)?.cpuUs ?? 0, points[0]?.cpuUs ?? 0);
    return { name, title, of, points, ratio, spread: spreadOf(ratios), target };
  });
}

/** A load on both servers, and what has been measured of it. `ratios`: of each round beside the last count. */
type Growing = { load: Load; empty: Bench; crowded: Bench; points: Growth["points"]; ratios: number[] };

async function openBoth(
  load: Load,
  servers: { empty: Subject; crowded: Subject },
  extent: Extent,
): Promise<Growing> {
  const empty = await open(load, servers.empty, extent);
  const crowded = await open(load, servers.crowded, extent);
  for (const bench of [empty, crowded]) await warmUp(bench, extent);
  return { load, empty, crowded, points: [], ratios: [] };
}

async function addPoint(growing: Growing, count: number, extent: Extent): Promise<void> {
  const { empty, crowded, points } = growing;
  const [alone, beside]: [Sample[], Sample[]] = [[], []];
  for (let round = 0; round < extent.rounds; round++) {
    alone.push(await measure(empty, extent));
    beside.push(await measure(crowded, extent));
  }
  // The first point is the one that was measured with the last.
  points.splice(0, 1, pointOf(0, alone));
  points.push(pointOf(count, beside));
  growing.ratios = beside.map(({ cpuUs }, round) => ratioOf(cpuUs, alone[round]?.cpuUs ?? 0));
}

function pointOf(count: number, samples: readonly Sample[]): Growth["points"][number] {
  const waits = samples.flatMap((sample) => sample.waits);
  return {
    count,
    cpuUs: median(samples.map(({ cpuUs }) => cpuUs)),
    p50Ms: percentile(waits, 0.5),
    p99Ms: percentile(waits, 0.99),
  };
}
