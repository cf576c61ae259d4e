/** The results as aligned text, for a terminal. */
import type { Figure, Growth, Results } from "./results.ts";
import { type Verdict, verdictOnGrowth, verdictsOnFigure } from "./verdict.ts";

/** The figures, and what grows, each with its targets and whether they are reached. */
export function resultsTable({ figures, growths }: Results): string {
  const rows = [
    ["", "operations/s", "p50 ms", "p99 ms", "CPU µs", "memory MiB", "ratio", "target"],
    ...figures.map(figureRow),
  ];
  const growing = growths.flatMap((growth) => [
    [
      `${growth.name}, by ${growth.of}`,
      ...growth.points.map(({ count }) => String(count)),
      "ratio",
      "target",
    ],
    ["  CPU µs", ...growth.points.map(({ cpuUs }) => short(cpuUs)), ratioTold(growth), growthTold(growth)],
  ]);
  const blocks = [
    ...(figures.length > 0 ? [rows] : []),
    ...Map.groupBy(growing, (row) => row.length).values(),
  ];
  return blocks.map(aligned).join("\n\n");
}

function figureRow(figure: Figure): string[] {
  const { name, operations, seconds, p50Ms, p99Ms, cpuUs, memoryMiB, floor } = figure;
  const targets = verdictsOnFigure(figure).map(told);
  const more = Object.entries(figure.more).map(([key, value]) => `${key} ${short(value)}`);
  return [
    name,
    seconds > 0 ? short(operations / seconds) : "",
    short(p50Ms),
    short(p99Ms),
    short(cpuUs),
    short(memoryMiB),
    floor ? `${ratioTold(floor)} × ${floor.times > 1 ? `${floor.times} ` : ""}${floor.name}` : "",
    [...targets, ...more].join(", "),
  ];
}

function growthTold(growth: Growth): string {
  const verdict = verdictOnGrowth(growth);
  return verdict ? told(verdict) : "";
}

/** With that of the best round and of the worst. */
function ratioTold({ ratio, spread }: { ratio: number; spread?: [number, number] | undefined }): string {
  return spread ? `${short(ratio)} (${spread.map(short).join("–")})` : short(ratio);
}

function told({ what, most, unit, reached }: Verdict): string {
  return `${what} ≤ ${most} ${unit} ${reached ? "reached" : "missed"}`;
}

/** Three digits that count. */
function short(value: number | null): string {
  if (value === null) return "";
  return Math.abs(value) >= 100 ? value.toFixed(0) : String(Number(value.toPrecision(3)));
}

/** Numbers to the right; the first column, and the last two, to the left. */
function aligned(rows: readonly string[][]): string {
  const columns = rows[0]?.length ?? 0;
  const widths = Array.from({ length: columns }, (_, i) =>
    Math.max(...rows.map((row) => row[i]?.length ?? 0)),
  );
  const pad = (text: string, i: number) =>
    i === 0 || i >= columns - 2 ? text.padEnd(widths[i] ?? 0) : text.padStart(widths[i] ?? 0);
  return rows.map((row) => row.map(pad).join("  ").trimEnd()).join("\n");
}
