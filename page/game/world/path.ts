/**
 * Where a comet has been: a point each `pathGap` units of its way. The point with the number n lies n gaps after the start, so everybody
 * who has the points draws the same tail, whenever they came.
 */
import { mostPoints, pathGap } from "./rules.ts";

export type Path = {
  /** The number of the first point that is kept. */
  first: number;
  xs: number[];
  ys: number[];
  /** When each point was laid: the host tells a guest what it has not been told. */
  ticks: number[];
};

export function newPath(x: number, y: number, tick: number, first = 1): Path {
  return { first, xs: [x], ys: [y], ticks: [tick] };
}

/** The number of the last point. */
export function lastOf(path: Path): number {
  return path.first + path.xs.length - 1;
}

/** Adds the next point, and forgets what no tail reaches. */
export function layPoint(path: Path, x: number, y: number, tick: number): void {
  path.xs.push(x);
  path.ys.push(y);
  path.ticks.push(tick);
  if (path.xs.length <= mostPoints) return;
  path.xs.shift();
  path.ys.shift();
  path.ticks.shift();
  path.first += 1;
}

/** The head went from `from` to `to`, and has `travel` behind it: lays the points on that way. */
export function layWay(
  path: Path,
  from: { x: number; y: number },
  to: { x: number; y: number; travel: number },
  tick: number,
): void {
  const way = Math.hypot(to.x - from.x, to.y - from.y);
  for (let at = (lastOf(path) + 1) * pathGap; at <= to.travel; at += pathGap) {
    const share = way === 0 ? 1 : Math.max(0, 1 - (to.travel - at) / way);
    layPoint(path, onGrid(from.x + (to.x - from.x) * share), onGrid(from.y + (to.y - from.y) * share), tick);
  }
}

/** Points are kept as they are sent, so that all tails are the same to the last unit. */
export function onGrid(value: number): number {
  return Math.round(value * 32) / 32;
}
