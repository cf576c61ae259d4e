/** Measures loads against their floor, in turns. */
import { memoryMiB, watchCpu } from "./accounting.ts";
import { type Extent, type Load, median, percentile, type Session } from "./load.ts";
import { within } from "./patience.ts";
import type { Figure } from "./results.ts";
import { type Subject, whileAlive } from "./subject.ts";

/** What one round showed. `cpuUs` is per operation. */
export type Sample = { operations: number; seconds: number; cpuUs: number; waits: number[] };

/** A load that is ready to be measured, and what its rounds have shown so far. */
export type Bench = { load: Load; subject: Subject; session: Session; samples: Sample[] };

/** Milliseconds that a round may take at most: a driver that waits for nothing but itself is never as slow. */
const roundMs = 240_000;

/** Gets a load ready. A process that ends, here and in `measure`, is a sentence that rejects. */
export async function open(load: Load, subject: Subject, extent: Extent): Promise<Bench> {
  const session = await whileAlive(subject, load.open(subject, extent));
  return { load, subject, session, samples: [] };
}

/** Drives a load for a while without measuring: code is compiled, connections are opened. */
export async function warmUp({ load, subject, session }: Bench, { scale }: Extent): Promise<void> {
  const things = thingsOf(load, scale / 3);
  if (session.prepare) await whileAlive(subject, session.prepare(things));
  await whileAlive(subject, session.drive(things));
}

/** Measures one round, and adds it to the samples. */
export async function measure(bench: Bench, { scale }: Extent): Promise<Sample> {
  const { load, subject, session, samples } = bench;
  const things = thingsOf(load, scale);
  if (session.prepare) await whileAlive(subject, session.prepare(things));
  const [began, cpu] = [performance.now(), watchCpu(subject.pid)];
  const driving = whileAlive(subject, session.drive(things));
  const { operations, waits } = await within(driving, "a round did not end.", roundMs);
  const sample = {
    operations,
    seconds: (performance.now() - began) / 1000,
    cpuUs: (cpu() * 1e6) / operations,
    waits,
  };
  samples.push(sample);
  return sample;
}

/**
 * What all rounds of a load come to: the median of its CPU, and of its ratio to the floor's round beside it, because
 * the machine's speed changes by tens of percents within minutes.
 */
export function figureOf(
  { load, subject, samples }: Pick<Bench, "load" | "subject" | "samples">,
  floors: readonly Sample[],
  more: Record<string, number> = {},
): Figure {
  const { name, title, floor, target } = load;
  const waits = samples.flatMap((sample) => sample.waits);
  const ratios = samples.map(({ cpuUs }, round) =>
    ratioOf(cpuUs, (floors[round]?.cpuUs ?? 0) * (floor?.times ?? 1)),
  );
  return {
    name,
    title,
    operations: samples.reduce((sum, { operations }) => sum + operations, 0),
    seconds: samples.reduce((sum, { seconds }) => sum + seconds, 0),
    cpuUs: median(samples.map(({ cpuUs }) => cpuUs)),
    p50Ms: percentile(waits, 0.5),
    p99Ms: percentile(waits, 0.99),
    memoryMiB: memoryMiB(subject.pid),
    floor: floor && { ...floor, ratio: median(ratios), spread: spreadOf(ratios) },
    target,
    more,
  };
}

/** 0 if there is nothing to compare with: in a run of a few operations the system may have counted no CPU at all. */
export function ratioOf(value: number, floor: number): number {
  return floor > 0 ? value / floor : 0;
}

/** The least and the most of some; 0 of none. */
export function spreadOf(values: readonly number[]): [number, number] {
  return values.length === 0 ? [0, 0] : [Math.min(...values), Math.max(...values)];
}

function thingsOf({ round }: Load, scale: number): number {
  return Math.max(1, Math.round(round * scale));
}
