/** How statistics are kept: one row. Lobbies are one text in it, because there may be tens of thousands. */
import { statsLimits } from "./limits.ts";
import type { Slot } from "./slots.ts";
import { newStats, type OpenLobby, type Stats } from "./stats.ts";

export type KeptStats = { v: 1; minutes: Slot[]; hours: Slot[]; total: Slot; open: string };

/** Times are kept in whole seconds. */
const second = 1000;
const digits = 36;

export function keptStats({ minutes, hours, total, open }: Stats): KeptStats {
  const lines: string[] = [];
  let length = 0;
  // Where there are too many, those heard of last are kept.
  for (const [lobbyId, lobby] of [...open].reverse()) {
    const line = lineOf(lobbyId, lobby);
    length += line.length + 1;
    if (length > statsLimits.lobbiesLength) break;
    lines.push(line);
  }
  return { v: 1, minutes, hours, total, open: lines.reverse().join("\n") };
}

/** The statistics again; empty ones if nothing, or something else, was kept. `isLost`: the lobbies have ended with the process that kept them. Never throws. */
export function readKeptStats(kept: unknown, isLost = false): Stats {
  const stats = newStats();
  if (!isKept(kept)) return stats;
  stats.minutes = kept.minutes;
  stats.hours = kept.hours;
  stats.total = kept.total;
  for (const line of isLost ? [] : kept.open.split("\n")) {
    const [lobbyId = "", isPublic, members, openedAt, heardAt] = line.split("\t");
    const numbers = [members, openedAt, heardAt].map((text) => Number.parseInt(text ?? "", digits));
    const [count = Number.NaN, opened = 0, heard = 0] = numbers;
    if (numbers.some(Number.isNaN)) continue;
    const lobby: OpenLobby = {
      isPublic: isPublic === "p",
      members: count,
      openedAt: opened * second,
      heardAt: heard * second,
    };
    stats.open.set(lobbyId, lobby);
    for (const level of lobby.isPublic ? [stats.level] : [stats.level, stats.unlisted]) {
      level.lobbies += 1;
      level.players += lobby.members;
    }
  }
  return stats;
}

function lineOf(lobbyId: string, { isPublic, members, openedAt, heardAt }: OpenLobby): string {
  const numbers = [members, Math.floor(openedAt / second), Math.floor(heardAt / second)];
  return [lobbyId, isPublic ? "p" : "", ...numbers.map((number) => number.toString(digits))].join("\t");
}

function isKept(kept: unknown): kept is KeptStats {
  return typeof kept === "object" && kept !== null && "v" in kept && kept.v === 1;
}
