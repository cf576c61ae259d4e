/** How the cost of an operation grows with what else the server holds. */
import { type CrowdKind, gather } from "./crowd.ts";
import { type Load, median, percentile } from "./load.ts";
import { type Bench, measure, open, ratioOf, type Sample, warmUp } from "./measure.ts";
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
  { empty, crowded }: { empty: Subject; crowded: Subject },
  { scale, rounds }: { scale: number; rounds: number },
  say: (progress: string) => void,
): Promise<Growth[]> {
  const crowd = gather(crowded, kind);
  const points = new Map<string, Growth["points"]>(loads.map(({ name }) => [name, []]));
  let there = 0;
  for (const full of counts.slice(1)) {
    const count = Math.max(there + 1, Math.round(full * scale));
    await crowd.grow(count - there);
    there = count;
    for (const load of loads) {
      say(`${load.name} beside ${count} ${of}`);
      const [first, beside] = await pair(load, { empty, crowded }, { scale, rounds });
      // The first point is the one that was measured with the last.
      points.get(load.name)?.splice(0, 1, pointOf(0, first));
      points.get(load.name)?.push(pointOf(count, beside));
    }
  }
  await crowd.leave();
  return loads.map(({ name, title }) => {
    const all = points.get(name) ?? [];
    return {
      name,
      title,
      of,
      points: all,
      ratio: ratioOf(all.at(-1)?.cpuUs ?? 0, all[0]?.cpuUs ?? 0),
      target,
    };
  });
}

async function pair(
  load: Load,
  { empty, crowded }: { empty: Subject; crowded: Subject },
  { scale, rounds }: { scale: number; rounds: number },
): Promise<[Sample[], Sample[]]> {
  const benches: [Bench, Bench] = [await open(load, empty, scale), await open(load, crowded, scale)];
  for (const bench of benches) await warmUp(bench, scale);
  for (let round = 0; round < rounds; round++) {
    for (const bench of benches) await measure(bench, scale);
  }
  for (const { session } of benches) await session.close();
  return [benches[0].samples, benches[1].samples];
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
