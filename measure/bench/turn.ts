/** Scenarios that are compared with the same floor, measured with it in turns. */
import { stopAll } from "./launch.ts";
import type { Extent, Load } from "./load.ts";
import { type Bench, figureOf, measure, open, type Sample, warmUp } from "./measure.ts";
import type { Figure } from "./results.ts";
import { type Subject, type SubjectName, startSubject } from "./subject.ts";

/** What is open at the same time: the two paths of a scenario, or a scenario that has none; and their floor. */
export type Turn = { name: string; floor: Load | undefined; loads: Load[] };

export type Course = Extent & {
  httpPort: number | undefined;
  /** Does some work, and survives that it fails; all processes have been stopped then. */
  attempt(name: string, work: () => Promise<void>): Promise<void>;
};

export function turnsOf(loads: readonly Load[], floors: readonly Load[]): Turn[] {
  // One sidecar gets one kind of datagram at a time, so that its posts to the edge are known to come from that. Loads of noray have two floors.
  const groups = Map.groupBy(loads, ({ name, subject }) =>
    subject === "sidecar" || subject === "noray" ? name : name.replace(/\/.*/, ""),
  );
  return [...groups].map(([name, some]) => ({
    name,
    floor: floors.find((floor) => floor.name === some[0]?.floor?.name),
    loads: some,
  }));
}

/** The figures of all turns, the floors' first. Rejects, with a sentence, if the first server does not come up. */
export async function takeTurns(turns: readonly Turn[], extent: Course): Promise<Figure[]> {
  const { httpPort, attempt } = extent;
  const figures = new Map<string, Figure>();
  const floorSamples = new Map<string, Sample[]>();
  const running = new Map<SubjectName, Subject>();
  const subject = async (name: SubjectName) => {
    const started = running.get(name) ?? (await startSubject(name, name === "server" ? httpPort : undefined));
    running.set(name, started);
    return started;
  };
  if (turns.some(({ loads }) => loads.some((load) => load.subject === "server"))) await subject("server");
  for (const { name, floor, loads } of turns) {
    let complete = false;
    await attempt(name, async () => {
      const beneath = floor && (await open(floor, await subject(floor.subject), extent));
      const benches: Bench[] = [];
      for (const load of loads) benches.push(await open(load, await subject(load.subject), extent));
      await rotate(beneath ? [beneath, ...benches] : benches, extent);
      if (beneath) {
        const all = [...(floorSamples.get(beneath.load.name) ?? []), ...beneath.samples];
        floorSamples.set(beneath.load.name, all);
        figures.set(beneath.load.name, figureOf({ ...beneath, samples: all }, []));
      }
      for (const bench of benches) {
        const more = await bench.session.more?.();
        figures.set(bench.load.name, figureOf(bench, beneath?.samples ?? [], more));
      }
      for (const { session } of beneath ? [beneath, ...benches] : benches) await session.close();
      complete = true;
    });
    if (!complete) running.clear();
  }
  await stopAll();
  const isFloor = ({ name }: Figure) => name.startsWith("floor/");
  return [...figures.values()].toSorted((a, b) => Number(isFloor(b)) - Number(isFloor(a)));
}

async function rotate(benches: readonly Bench[], extent: Extent): Promise<void> {
  for (const bench of benches) await warmUp(bench, extent);
  for (let round = 0; round < extent.rounds; round++) {
    for (const bench of benches) await measure(bench, extent);
  }
}
