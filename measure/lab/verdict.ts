/** Which targets a run of the lab reaches. */
import type { Access } from "./access.ts";
import { type ClientKind, isBlocked, isPunchable } from "./clients.ts";
import { directInTimeMs } from "./figures.ts";
import type { Cell, Results, UplinkCell } from "./results.ts";

export type Verdict = {
  what: string;
  /** The pairs it is about, in words. */
  of: string;
  /** A share from 0 to 1, or milliseconds; null where nothing was measured, which is not reached. */
  value: number | null;
  target: { least: number; unit: "share" } | { most: number; unit: "ms" };
  /** The pair, or the change of an uplink, that is farthest from the target, in words. */
  worst: string;
  reached: boolean;
};

const cones: readonly Access[] = ["none", "full-cone", "port-restricted", "same-lan"];
/** Each destination gets a port of its own: a peer has to guess it. */
const perDestination: readonly Access[] = ["symmetric", "cgnat"];

const both = ({ a, b }: Cell, among: readonly Access[]) => among.includes(a) && among.includes(b);
const either = ({ a, b }: Cell, among: readonly Access[]) => among.includes(a) || among.includes(b);
const hasUdp = (cell: Cell) => !isBlocked(cell);
/** Neither network changes its port with the destination. */
const isEasy = (cell: Cell) => hasUdp(cell) && !either(cell, perDestination);

/** The verdict on every target of these clients of which at least one pair was run. */
export function verdictsOn({
  cells,
  uplinks,
  clients,
}: Pick<Results, "cells" | "uplinks" | "clients">): Verdict[] {
  const all = [...targets[clients](cells), flowing(uplinks), flowTime(uplinks)];
  return all.filter((verdict) => verdict !== null);
}

const inTime = `direct within ${directInTimeMs / 1000} s`;
const oneGuess = "pairs with symmetric or cgnat on one side";
const guessed = (cells: readonly Cell[]) =>
  cells.filter((cell) => hasUdp(cell) && either(cell, perDestination) && !both(cell, perDestination));

/** Of the addon's players, alone or with the SDK's in Node: a frame of the engine's passes before it reads anything, so it is not timed as closely. */
const inGodot = (cells: readonly Cell[]) => [
  share("connected", everyPair, cells, 1, ({ connected }) => connected),
  share("direct", easyPairs, cells.filter(isEasy), 1, directOf),
  share(inTime, oneGuess, guessed(cells), 0.95, ({ directInTime }) => directInTime),
  usable(cells),
];

const targets: Record<ClientKind, (cells: readonly Cell[]) => (Verdict | null)[]> = {
  orion: (cells) => {
    const fast = cells.filter((cell) => both(cell, cones));
    return [
      share("connected", everyPair, cells, 1, ({ connected }) => connected),
      share("direct", easyPairs, cells.filter(isEasy), 1, directOf),
      share(inTime, oneGuess, guessed(cells), 0.95, ({ directInTime }) => directInTime),
      usable(cells),
      slowest("direct, p95", "pairs of none, cones and same-lan", fast, 1_000, ({ directMs }) => directMs),
    ];
  },
  browsers: (cells) => [
    share("connected", everyPair, cells, 1, ({ connected }) => connected),
    share("direct", easyPairs, cells.filter(isEasy), 1, directOf),
    usable(cells),
  ],
  mixed: (cells) => [
    share("connected", everyPair, cells, 1, ({ connected }) => connected),
    share("direct", easyPairs, cells.filter(isEasy), 0.95, directOf),
    usable(cells),
  ],
  godot: inGodot,
  "godot-mixed": inGodot,
  noray: (cells) => {
    const punchable = cells.filter(isPunchable);
    const hard = cells.filter((cell) => both(cell, perDestination));
    const fast = punchable.filter((cell) => both(cell, cones));
    return [
      share("connected", withUdp, cells.filter(hasUdp), 1, ({ connected }) => connected),
      share("connected by relay", "symmetric or cgnat on both sides", hard, 1, ({ paths }) => paths.relay),
      share("told that the registrar is silent", withoutUdp, cells.filter(isBlocked), 1, toldOf),
      share("punched", keepingPorts, punchable, 1, directOf),
      slowest("punched, p95", "the same, without lossy", fast, 1_000, ({ directMs }) => directMs),
    ];
  },
  rabid: (cells) => [
    share("connected", keepingPorts, cells.filter(isPunchable), 1, ({ connected }) => connected),
    share(
      "not connected, and told why",
      "all others",
      cells.filter((cell) => !isPunchable(cell)),
      1,
      toldOf,
    ),
  ],
};

const everyPair = "every pair";
const easyPairs = "pairs without symmetric, cgnat, udp-dropped";
const withUdp = "pairs whose datagrams reach the server";
const withoutUdp = "pairs with udp-dropped";
const keepingPorts = "NATs that keep ports, not one LAN";

/** Of the first path, over both players of every run. */
function usable(cells: readonly Cell[]): Verdict | null {
  return slowest("usable, p95 of the slowest pair", everyPair, cells, 300, ({ usableMs }) => usableMs);
}

function toldOf({ connected, explained }: Cell): number {
  return connected + explained;
}

/** Runs at whose end there was a path without relay. */
function directOf({ paths }: Cell): number {
  return paths.lan + paths.direct;
}

/** The share of all runs of these pairs; the worst is the pair with the least of its own. */
function share(
  what: string,
  of: string,
  cells: readonly Cell[],
  least: number,
  count: (cell: Cell) => number,
): Verdict | null {
  const worst = cells.toSorted((x, y) => count(x) / x.runs - count(y) / y.runs)[0];
  if (!worst) return null;
  const value = sum(cells.map(count)) / sum(cells.map(({ runs }) => runs));
  return {
    what,
    of,
    value,
    target: { least, unit: "share" },
    worst: pairWords(worst),
    reached: value >= least,
  };
}

/** The p95 of the slowest pair; of a pair that never got there, none. */
function slowest(
  what: string,
  of: string,
  cells: readonly Cell[],
  most: number,
  time: (cell: Cell) => Cell["usableMs"],
): Verdict | null {
  const p95 = (cell: Cell) => time(cell)?.p95 ?? Number.POSITIVE_INFINITY;
  const worst = cells.toSorted((x, y) => p95(y) - p95(x))[0];
  if (!worst) return null;
  const value = time(worst)?.p95 ?? null;
  const reached = value !== null && value < most;
  return { what, of, value, target: { most, unit: "ms" }, worst: pairWords(worst), reached };
}

/** The share of games that went on after the uplink of one had changed, seen by both players. */
function flowing(uplinks: readonly UplinkCell[]): Verdict | null {
  const [worst] = uplinks.toSorted((x, y) => x.flowed / x.flows - y.flowed / y.flows);
  if (!worst) return null;
  const value = sum(uplinks.map(({ flowed }) => flowed)) / sum(uplinks.map(({ flows }) => flows));
  const of = "every change of an uplink";
  return {
    what: "packets flow again",
    of,
    value,
    target: { least: 1, unit: "share" },
    worst: changeWords(worst),
    reached: value >= 1,
  };
}

/** The p95 of the slowest of them. */
function flowTime(uplinks: readonly UplinkCell[]): Verdict | null {
  const p95 = ({ flowMs }: UplinkCell) => flowMs?.p95 ?? Number.POSITIVE_INFINITY;
  const [worst] = uplinks.toSorted((x, y) => p95(y) - p95(x));
  if (!worst) return null;
  const [value, most] = [worst.flowMs?.p95 ?? null, 3_000];
  return {
    what: "after how long, p95 of the slowest",
    of: "every change of an uplink",
    value,
    target: { most, unit: "ms" },
    worst: changeWords(worst),
    reached: value !== null && value < most,
  };
}

function pairWords({ a, b }: Cell): string {
  return `${a} × ${b}`;
}

function changeWords({ change, peer }: UplinkCell): string {
  return `${change}, peer ${peer}`;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
