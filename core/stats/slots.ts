/** What is counted in a minute, or in an hour. */
import type { OutcomeKind } from "../lobby/outcome.ts";
import { statsLimits } from "./limits.ts";

export type Counts = Readonly<Record<string, number>>;
/** How much there is of something at a time. */
export type Level = { lobbies: number; players: number };

export type Slot = {
  /** Which minute, or hour, since 1970. */
  at: number;
  opened: number;
  closed: number;
  /** Mediations by how they ended. */
  outcomes: { [Kind in OutcomeKind]?: number };
  /** Members that mediations went on without. */
  leftOut: number;
  /** Mediations by why they failed, and by why they need a relay: one may have several causes. */
  failed: Record<string, number>;
  relayed: Record<string, number>;
  refused: Record<string, number>;
  /** The level before the first news of it, the highest, and the last. */
  start: Level;
  peak: Level;
  end: Level;
  /** Of the fleet, the last that was heard; undefined if nothing was. */
  fleet?: { sidecars: number; load: number } | undefined;
};

export function newSlot(at: number, level: Level): Slot {
  return {
    at,
    opened: 0,
    closed: 0,
    outcomes: {},
    leftOut: 0,
    failed: {},
    relayed: {},
    refused: {},
    start: level,
    peak: level,
    end: level,
  };
}

/** The slot of this minute or hour, which is added if it is not there. Those that are too old, or of the future, go: the clock was set back. */
export function slotAt(slots: Slot[], at: number, kept: number, level: Level): Slot {
  const rest = slots.filter((slot) => slot.at > at - kept && slot.at <= at);
  const last = rest.at(-1);
  const slot = last?.at === at ? last : newSlot(at, level);
  if (slot !== last) rest.push(slot);
  slots.splice(0, slots.length, ...rest);
  return slot;
}

/** Counts so many more under this name. Beyond so many names, what is new is counted as `other`. */
export function count(counts: Record<string, number>, name: string, more = 1): void {
  const isKnown = Object.hasOwn(counts, name);
  const key = isKnown || Object.keys(counts).length < statsLimits.codesCounted ? name : "other";
  counts[key] = (Object.hasOwn(counts, key) ? (counts[key] ?? 0) : 0) + more;
}

/** Notes how much there is now. */
export function setLevel(slot: Slot, level: Level): void {
  slot.end = level;
  slot.peak = {
    lobbies: Math.max(slot.peak.lobbies, level.lobbies),
    players: Math.max(slot.peak.players, level.players),
  };
}

/**
 * The last `kept` slots up to now, the oldest first, none left out. Where nothing was heard, the level is as it was before. `level`: what it
 * is now.
 */
export function chartOf(slots: readonly Slot[], now: number, kept: number, level: Level): Slot[] {
  const from = now - kept + 1;
  const known = new Map(slots.map((slot) => [slot.at, slot]));
  let before = slots.find(({ at }) => at >= from && at <= now)?.start ?? level;
  return Array.from({ length: kept }, (_, i) => {
    const slot = known.get(from + i) ?? newSlot(from + i, before);
    before = slot.end;
    return slot;
  });
}

/** What several objects have counted in the same slots. Of the fleet one of them has heard. */
export function sumOfCharts(charts: readonly (readonly Slot[])[]): Slot[] {
  const byTime = Map.groupBy(charts.flat(), ({ at }) => at);
  return [...byTime].toSorted(([one], [other]) => one - other).map(([at, same]) => sumOf(at, same));
}

/** One slot of all of these. */
export function sumOf(at: number, slots: readonly Slot[]): Slot {
  const sum = newSlot(at, { lobbies: 0, players: 0 });
  for (const slot of slots) {
    sum.opened += slot.opened;
    sum.closed += slot.closed;
    sum.leftOut += slot.leftOut;
    for (const what of ["outcomes", "failed", "relayed", "refused"] as const)
      for (const [name, times] of Object.entries(slot[what])) count(sum[what], name, times);
    sum.start = added(sum.start, slot.start);
    sum.peak = added(sum.peak, slot.peak);
    sum.end = added(sum.end, slot.end);
    sum.fleet = slot.fleet ?? sum.fleet;
  }
  return sum;
}

export function added(one: Level, other: Level): Level {
  return { lobbies: one.lobbies + other.lobbies, players: one.players + other.players };
}
