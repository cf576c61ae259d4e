/** Which targets a run of the lab reaches. */
import type { Access } from "./access.ts";
import { directInTimeMs } from "./figures.ts";
import type { Cell } from "./results.ts";

export type Verdict = {
  what: string;
  /** The pairs it is about, in words. */
  of: string;
  /** A share from 0 to 1, or milliseconds; null where nothing was measured, which is not reached. */
  value: number | null;
  target: { least: number; unit: "share" } | { most: number; unit: "ms" };
  /** The pair that is farthest from the target. */
  worst: Cell;
  reached: boolean;
};

const cones: readonly Access[] = ["none", "full-cone", "port-restricted", "same-lan"];
/** Each destination gets a port of its own: a peer has to guess it. */
const perDestination: readonly Access[] = ["symmetric", "cgnat"];

const both = ({ a, b }: Cell, among: readonly Access[]) => among.includes(a) && among.includes(b);
const either = ({ a, b }: Cell, among: readonly Access[]) => among.includes(a) || among.includes(b);
const hasUdp = (cell: Cell) => !either(cell, ["udp-dropped"]);

/** The verdict on every target of which at least one pair was run. */
export function verdictsOn(cells: readonly Cell[]): Verdict[] {
  const reached = cells.filter(hasUdp);
  const easy = reached.filter((cell) => !either(cell, perDestination));
  const oneGuess = reached.filter((cell) => either(cell, perDestination) && !both(cell, perDestination));
  const fast = cells.filter((cell) => both(cell, cones));
  const inTime = `direct within ${directInTimeMs / 1000} s`;
  return [
    share("connected", "pairs whose datagrams reach the server", reached, 1, ({ connected }) => connected),
    share(
      "connected, or told that UDP is blocked",
      "pairs with udp-dropped",
      cells.filter((cell) => !hasUdp(cell)),
      1,
      ({ connected, explained }) => connected + explained,
    ),
    share("direct", "pairs without symmetric, cgnat, udp-dropped", easy, 1, directOf),
    share(
      inTime,
      "pairs with symmetric or cgnat on one side",
      oneGuess,
      0.95,
      ({ directInTime }) => directInTime,
    ),
    slowest(
      "usable, p95",
      "pairs whose datagrams reach the server",
      reached,
      500,
      ({ usableMs }) => usableMs,
    ),
    slowest("direct, p95", "pairs of none, cones and same-lan", fast, 1_000, ({ directMs }) => directMs),
  ].filter((verdict) => verdict !== null);
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
  return { what, of, value, target: { least, unit: "share" }, worst, reached: value >= least };
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
  return { what, of, value, target: { most, unit: "ms" }, worst, reached: value !== null && value < most };
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
