/**
 * The operator's statistics, as one of their objects keeps them: which lobbies are open, and what has happened in the last hour and the last day.
 *
 * What lobbies say is absolute ("I am open, with 4 members"), and a lobby always says it to the same object. So a piece of news that is lost, or
 * comes twice, does no lasting harm: the next one of that lobby puts it right. A lobby whose end was lost is forgotten after a day.
 */
import { statsLimits } from "./limits.ts";
import type { StatsNews } from "./news.ts";
import { chartOf, count, type Level, newSlot, type Slot, setLevel, slotAt } from "./slots.ts";

/** Times are in milliseconds since 1970. `isPublic`: listed in the directory. */
export type OpenLobby = { isPublic: boolean; members: number; openedAt: number; heardAt: number };

/** Changed in place: it may have tens of thousands of lobbies. */
export type Stats = {
  /** By their codes. The one heard of last is the last. */
  open: Map<string, OpenLobby>;
  /** Of all of them, and of those that are not listed. */
  level: Level;
  unlisted: Level;
  minutes: Slot[];
  hours: Slot[];
  /** All that was ever counted. */
  total: Slot;
};

export const minuteMs = 60_000;
export const hourMs = 60 * minuteMs;

export function newStats(): Stats {
  return {
    open: new Map(),
    level: { lobbies: 0, players: 0 },
    unlisted: { lobbies: 0, players: 0 },
    minutes: [],
    hours: [],
    total: newSlot(0, { lobbies: 0, players: 0 }),
  };
}

/** Takes what is told. Whether it is worth a row: that a lobby is still as it was is not, for half a day. */
export function hear(stats: Stats, news: readonly StatsNews[], now: number): boolean {
  forgetOld(stats, now);
  let isWorthARow = false;
  for (const one of news) isWorthARow = hearOne(stats, one, now) || isWorthARow;
  for (const slot of presentSlots(stats, now)) setLevel(slot, { ...stats.level });
  return isWorthARow;
}

function hearOne(stats: Stats, news: StatsNews, now: number): boolean {
  const slots = presentSlots(stats, now);
  switch (news.kind) {
    case "open": {
      const { lobbyId, isPublic, members, isNew } = news;
      const known = isNew ? undefined : stats.open.get(lobbyId);
      remove(stats, lobbyId);
      add(stats, lobbyId, { isPublic, members, openedAt: known?.openedAt ?? now, heardAt: now });
      if (isNew) for (const slot of slots) slot.opened += 1;
      if (stats.open.size > statsLimits.lobbiesKnown) forgetFirst(stats);
      const isSame = known?.isPublic === isPublic && known.members === members;
      return !isSame || now - known.heardAt >= statsLimits.statsAliveRowMs;
    }
    case "over":
      remove(stats, news.lobbyId);
      for (const slot of slots) slot.closed += 1;
      return true;
    case "outcome": {
      const { kind, why, leftOut } = news.outcome;
      for (const slot of slots) {
        slot.outcomes[kind] = (slot.outcomes[kind] ?? 0) + 1;
        slot.leftOut += leftOut;
        if (kind === "failed" || kind === "relayed") for (const cause of why) count(slot[kind], cause);
      }
      return true;
    }
    case "refused":
      for (const slot of slots)
        for (const [code, times] of Object.entries(news.counts)) count(slot.refused, code, times);
      return true;
    case "fleet":
      for (const slot of slots) slot.fleet = { sidecars: news.sidecars, load: news.load };
      return true;
  }
}

/** How it stands, and what has happened: the minutes of the last hour, and if they are wanted the hours of the last day. */
export type Reading = {
  level: Level;
  unlisted: Level;
  minutes: Slot[];
  hours: Slot[];
  total: Slot;
};

export function read(stats: Stats, now: number, { withHours = false } = {}): Reading {
  forgetOld(stats, now);
  const { level, unlisted } = stats;
  const chart = (slots: readonly Slot[], ms: number, kept: number) =>
    chartOf(slots, Math.floor(now / ms), kept, { ...level });
  return {
    level: { ...level },
    unlisted: { ...unlisted },
    minutes: chart(stats.minutes, minuteMs, statsLimits.minutesKept),
    hours: withHours ? chart(stats.hours, hourMs, statsLimits.hoursKept) : [],
    total: stats.total,
  };
}

/** The lobbies heard of last, the latest first. */
export function latest(stats: Stats, most: number): [lobbyId: string, lobby: OpenLobby][] {
  return [...stats.open].slice(-most).reverse();
}

/** What is counted in now. */
function presentSlots(stats: Stats, now: number): Slot[] {
  const slot = (slots: Slot[], ms: number, kept: number) =>
    slotAt(slots, Math.floor(now / ms), kept, { ...stats.level });
  return [
    slot(stats.minutes, minuteMs, statsLimits.minutesKept),
    slot(stats.hours, hourMs, statsLimits.hoursKept),
    stats.total,
  ];
}

/** Those heard of longest ago come first, so the first that is not too old ends the search. A time in the future was before the clock was set back. */
function forgetOld(stats: Stats, now: number): void {
  for (const [lobbyId, { heardAt }] of stats.open) {
    if (now - heardAt < statsLimits.lobbyKnownMs) return;
    remove(stats, lobbyId);
  }
}

function forgetFirst(stats: Stats): void {
  const [first] = stats.open.keys();
  if (first !== undefined) remove(stats, first);
}

function add(stats: Stats, lobbyId: string, lobby: OpenLobby): void {
  stats.open.set(lobbyId, lobby);
  shift(stats, lobby, 1);
}

function remove(stats: Stats, lobbyId: string): void {
  const lobby = stats.open.get(lobbyId);
  if (!lobby) return;
  stats.open.delete(lobbyId);
  shift(stats, lobby, -1);
}

function shift(stats: Stats, { isPublic, members }: OpenLobby, sign: 1 | -1): void {
  for (const level of isPublic ? [stats.level] : [stats.level, stats.unlisted]) {
    level.lobbies += sign;
    level.players += sign * members;
  }
}
