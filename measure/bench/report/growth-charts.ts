/** How the CPU of an operation grows with what else the server holds. */
import type { Growth } from "../results.ts";
import type { Markup } from "./markup.ts";
import { readable, rounded } from "./numbers.ts";
import { axisLook, colour, figureOf, legendHeight, legendOf, shapes, spansDecades } from "./picture.ts";

/** One chart for everything there can be more and more of, with a line for each growth. */
export function growthCharts(growths: readonly Growth[]): Markup[] {
  const byKind = Map.groupBy(growths, ({ of }) => of);
  return Array.from(byKind, ([of, some], index) => growthChart(of, some, `growth-${index + 1}`));
}

function growthChart(of: string, growths: readonly Growth[], id: string): Markup {
  const counts = [...new Set(growths.flatMap(({ points }) => points.map(({ count }) => count)))].sort(
    (a, b) => a - b,
  );
  const places = placesOf(counts);
  const names = growths.map(({ name }) => name);
  const cpu = growths.flatMap(({ points }) => points.map(({ cpuUs }) => cpuUs));
  const top = legendHeight(names.length);
  return figureOf({
    id,
    title: `CPU of one operation against ${of}`,
    about: `A level line is what is wanted. Microseconds of the server's CPU; ${of} from ${readable(counts[0])} to ${readable(counts.at(-1))}${places.toScale ? "" : ", by decades"}.`,
    height: top + 290,
    option: {
      grid: { left: 64, right: 28, top: top + 30, bottom: 52 },
      legend: legendOf(names, 26),
      xAxis: {
        ...axisLook,
        type: "value",
        min: Math.min(...counts.map(places.at)),
        max: Math.max(...counts.map(places.at)) || 1,
        name: of,
        nameLocation: "middle",
        nameGap: 30,
        axisLabel: {
          ...axisLook.axisLabel,
          customValues: counts.map(places.at),
          hideOverlap: true,
          formatter: (at: number) => readable(counts.find((count) => Math.abs(places.at(count) - at) < 1e-6)),
        },
        splitLine: { show: false },
      },
      yAxis: {
        ...axisLook,
        type: spansDecades(cpu) ? "log" : "value",
        name: "µs",
        nameTextStyle: { ...axisLook.nameTextStyle, align: "right" },
        axisLabel: { ...axisLook.axisLabel, formatter: rounded },
      },
      series: growths.map(({ name, points }, index) => ({
        type: "line" as const,
        name,
        silent: true,
        symbol: shapes[index % shapes.length] ?? "circle",
        symbolSize: 9,
        color: colour.series[index % colour.series.length] ?? colour.ink,
        lineStyle: { width: 2.5 },
        data: points.map(({ count, cpuUs }) => [places.at(count), cpuUs]),
      })),
    },
  });
}

/** Where a count stands on the axis: by its decade if they span some, and 0 one step before the first. */
function placesOf(counts: readonly number[]): { toScale: boolean; at(count: number): number } {
  if (!spansDecades(counts)) return { toScale: true, at: (count) => count };
  const least = Math.log10(Math.min(...counts.filter((count) => count > 0)));
  return { toScale: false, at: (count) => (count > 0 ? Math.log10(count) : least - 1) };
}
