/** The matrix and the verdicts as aligned text, for a terminal. */
import { columns } from "../bench/report/columns.ts";
import { accesses } from "./access.ts";
import { clients } from "./clients.ts";
import type { Cell, Results } from "./results.ts";
import { type Verdict, verdictsOn } from "./verdict.ts";

/** A row and a column for every access that has cells; what each cell has is said above it. Empty if there are none. */
export function matrixText({ cells, runs, delayMs, clients: kind }: Results): string {
  if (cells.length === 0) return "";
  const used = (of: (cell: Cell) => string) =>
    accesses.filter((access) => cells.some((cell) => of(cell) === access));
  const firsts = used(({ a }) => a);
  const rows = used(({ b }) => b).flatMap((b, index) => {
    const told = firsts.map((a) => cellLines(cells.find((cell) => cell.a === a && cell.b === b)));
    const height = Math.max(...told.map(({ length }) => length));
    const lines = Array.from({ length: height }, (_, line) => [
      line === 0 ? b : "",
      ...told.map((cell) => cell[line] ?? ""),
    ]);
    return index === 0 ? lines : [["", ...firsts.map(() => "")], ...lines];
  });
  const about = `Players with ${clients[kind].title}.
${runs} ${runs === 1 ? "run" : "runs"} of each pair, ${delayMs} ms longer round trips. In a cell: the path, how many were connected,
and milliseconds after the introduction, p95: until usable / until direct.`;
  return `${about}\n\n${columns([["", ...firsts], ...rows])}`;
}

/** A line for every target, with the pair that is farthest from it. */
export function verdictText(results: Results): string {
  const rows = verdictsOn(results).map((verdict) => {
    const { what, measured, target, of, worst } = verdictWords(verdict);
    return [verdict.reached ? "reached" : "MISSED", what, measured, target, of, worst];
  });
  return columns([["", "what", "measured", "target", "of", "worst"], ...rows]);
}

/** A verdict in words, each for a column of its own. */
export function verdictWords({ what, of, value, target, worst }: Verdict) {
  return {
    what,
    of,
    measured: value === null ? "never" : target.unit === "ms" ? `${value.toFixed(0)} ms` : percent(value),
    target:
      target.unit === "ms"
        ? `< ${target.most} ms`
        : target.least === 1
          ? "100 %"
          : `≥ ${percent(target.least)}`,
    worst,
  };
}

/** What a cell says, one line each. */
export function cellLines(cell: Cell | undefined): string[] {
  if (!cell) return [];
  const { runs, connected, explained } = cell;
  if (connected === 0) return ["no path", explained > 0 ? `told ${explained}/${runs}` : `0/${runs}`];
  return [...pathsOf(cell), `${connected}/${runs}`, `${timesOf(cell)} ms`];
}

/** Milliseconds, p95: until a path was usable, and until one was direct. */
export function timesOf({ usableMs, directMs }: Cell): string {
  const times = [usableMs, directMs].map((spread) => (spread ? spread.p95.toFixed(0) : "–"));
  return times.join(" / ");
}

/** The path, or each with its share if there were several. */
export function pathsOf({ paths, runs }: Cell): string[] {
  const some = Object.entries(paths).filter(([, count]) => count > 0);
  return some.map(([path, count]) => (some.length > 1 ? `${path} ${percent(count / runs)}` : path));
}

/** Rounded down: what is not all is not 100 %. */
function percent(share: number): string {
  return `${Math.floor(share * 1000 + 1e-9) / 10} %`;
}
