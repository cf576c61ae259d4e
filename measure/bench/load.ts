/** What drives a process, and how its operations are timed. */
import type { Figure } from "./results.ts";
import type { Subject, SubjectName } from "./subject.ts";

/** One scenario, or one floor. */
export type Load = {
  /** As in the results: `life-2/direct`. */
  name: string;
  title: string;
  /** The process that is driven, and whose CPU counts. */
  subject: SubjectName;
  /** Things to do in one round at full scale: enough for about a second of the process's CPU. */
  round: number;
  /** Clients that take part at the same time. */
  clients: number;
  /** Clients that only have to be there, at full scale. */
  held: number;
  /** What one operation is compared with. */
  floor: { name: string; times: number } | null;
  target: Figure["target"];
  /** Gets everything ready. */
  open(subject: Subject, extent: Extent): Promise<Session>;
};

/** How large a run is. */
export type Extent = {
  /** A factor of what is done, and of the clients that are held. */
  scale: number;
  /** How often everything is measured. */
  rounds: number;
  /** Clients to hold at most, whatever the scale. */
  mostHeld: number;
};

/** Clients to hold in a run, of those at full scale. */
export function heldIn({ scale, mostHeld }: Pick<Extent, "scale" | "mostHeld">, full: number): number {
  return Math.min(mostHeld, Math.ceil(full * scale));
}

/** A load that is ready to be driven, again and again. */
export type Session = {
  /** What has to be there before the next `drive`, and is not to be measured. */
  prepare?(things: number): Promise<void>;
  /** Does so many things. Returns how many operations that were, and the milliseconds that clients waited. */
  drive(things: number): Promise<Driven>;
  /** Further numbers of the figure. */
  more?(): Promise<Record<string, number>>;
  close(): Promise<void>;
};

export type Driven = { operations: number; waits: number[] };

/** A session that holds nothing open. */
export function sessionOf(drive: Session["drive"]): Session {
  return { drive, close: async () => {} };
}

/**
 * Does something `count` times, `atOnce` at a time; resolves to the milliseconds each took. Rejects with the first
 * failure, and begins nothing more then.
 */
export async function atATime(
  atOnce: number,
  count: number,
  operate: (index: number) => Promise<unknown>,
): Promise<number[]> {
  const waits: number[] = [];
  let next = 0;
  const worker = async () => {
    while (next < count) {
      const index = next++;
      const began = performance.now();
      try {
        await operate(index);
      } catch (error) {
        next = count;
        throw error;
      }
      waits.push(performance.now() - began);
    }
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, count) }, worker));
  return waits;
}

/** The value that `share` (0 to 1) of them do not exceed; null of none. */
export function percentile(values: readonly number[], share: number): number | null {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? null;
}

/** The middle one, or the mean of the two in the middle; 0 of none. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const half = sorted.length >> 1;
  const upper = sorted[half] ?? 0;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[half - 1] ?? upper)) / 2;
}
