/** The figures side by side: how long clients wait, and how far from the floor each is. */
import type { CustomSeriesOption, ScatterSeriesOption } from "echarts/charts";
import type { Figure } from "../results.ts";
import type { Markup } from "./markup.ts";
import { readable, rounded } from "./numbers.ts";
import { axisLook, colour, figureOf, legendHeight, namedRows, type Option, spansDecades } from "./picture.ts";

/** Pixels of one figure's row: two lines of its name. */
const row = 34;

/** For each figure that clients wait for, the way from p50 to p99. Null if there is none. */
export function latencyChart(figures: readonly Figure[]): Markup | null {
  const rows = figures.flatMap(({ name, p50Ms, p99Ms }) =>
    p50Ms === null || p99Ms === null ? [] : [{ name, p50: aboveZero(p50Ms), p99: aboveZero(p99Ms) }],
  );
  if (rows.length === 0) return null;
  const legend = ["p50", "p99"];
  const log = spansDecades(rows.flatMap(({ p50, p99 }) => [p50, p99]));
  return figureOf({
    id: "latency",
    title: "How long clients wait",
    about: `Half of them no longer than p50, one in a hundred longer than p99. Milliseconds${log ? "; every line of the grid is ten times the one before" : ""}.`,
    height: legendHeight(legend.length) + rows.length * row + 60,
    option: {
      ...namedRows(
        legend,
        rows.map(({ name }) => name),
        rows.map(({ p50, p99 }) => `${readable(p50)} – ${readable(p99)}`),
      ),
      xAxis: measuredAlong("milliseconds", log),
      series: [
        spans(rows.map(({ p50, p99 }, index) => ({ index, from: p50, to: p99 }))),
        dots(
          { name: "p50", shape: "circle", colour: colour.series[0], size: 11 },
          rows.map(({ p50 }) => p50),
        ),
        dots(
          { name: "p99", shape: "diamond", colour: colour.series[1], size: 14 },
          rows.map(({ p99 }) => p99),
        ),
      ],
    },
  });
}

/** For each figure that has a floor, the ratio to it, and the ratio to be reached. Null if there is none. */
export function ratioChart(figures: readonly Figure[]): Markup | null {
  const rows = figures.flatMap(({ name, floor, target }) =>
    floor === null
      ? []
      : [{ name, ratio: aboveZero(floor.ratio), most: target.find(({ of }) => of === "ratio")?.most }],
  );
  if (rows.length === 0) return null;
  const ratios = rows.flatMap(({ ratio, most = ratio }) => [ratio, most]);
  const missed = ({ ratio, most = Number.POSITIVE_INFINITY }: (typeof rows)[number]) => ratio > most;
  const legend = ["within its target, or without one", "misses its target", "target: no more than this"];
  const [within = "", beyond = "", target = ""] = legend;
  return figureOf({
    id: "ratio",
    title: "Ratio to the floor",
    about:
      "CPU of an operation over that of the least the platform can do for it, in the same run: 1 is the floor itself. What machines can be compared by.",
    height: legendHeight(legend.length) + rows.length * row + 60,
    option: {
      ...namedRows(
        legend,
        rows.map(({ name }) => name),
        rows.map(({ ratio }) => readable(ratio)),
      ),
      xAxis: measuredAlong("times the floor", spansDecades(ratios)),
      series: [
        spans(rows.map(({ ratio }, index) => ({ index, from: 1, to: ratio }))),
        dots(
          { name: within, shape: "circle", colour: colour.good, size: 12 },
          rows.map((row) => (missed(row) ? null : row.ratio)),
        ),
        dots(
          { name: beyond, shape: "triangle", colour: colour.bad, size: 13 },
          rows.map((row) => (missed(row) ? row.ratio : null)),
        ),
        {
          ...dots(
            { name: target, shape: "rect", colour: colour.ink, size: 22 },
            rows.map(({ most }) => most ?? null),
          ),
          symbolSize: [3, 22],
        },
      ],
    },
  });
}

function measuredAlong(unit: string, log: boolean): NonNullable<Option["xAxis"]> {
  return {
    ...axisLook,
    type: log ? "log" : "value",
    name: unit,
    nameLocation: "middle",
    nameGap: 30,
    axisLabel: { ...axisLook.axisLabel, hideOverlap: true, formatter: rounded },
  };
}

function dots(
  look: { name: string; shape: string; colour: string; size: number },
  values: readonly (number | null)[],
): ScatterSeriesOption {
  const data = values.flatMap((value, index) => (value === null ? [] : [[value, index]]));
  return {
    type: "scatter",
    name: look.name,
    silent: true,
    z: 3,
    symbol: look.shape,
    symbolSize: look.size,
    itemStyle: { color: look.colour, opacity: 1 },
    data,
  };
}

/** A bar from one value to another in each row: unlike a bar chart's, it needs no zero, which a logarithmic axis has not. */
function spans(rows: readonly { index: number; from: number; to: number }[]): CustomSeriesOption {
  return {
    type: "custom",
    silent: true,
    z: 2,
    data: rows.map(({ index, from, to }) => [from, index, to]),
    renderItem: (_, api) => {
      const [x1 = 0, y = 0] = api.coord([api.value(0), api.value(1)]);
      const [x2 = 0] = api.coord([api.value(2), api.value(1)]);
      return {
        type: "line",
        shape: { x1, y1: y, x2, y2: y },
        style: { stroke: colour.grid, lineWidth: 5, lineCap: "round" },
      };
    },
  };
}

/** A logarithmic axis has no zero: what is too short to be measured is a hundredth. */
function aboveZero(value: number): number {
  return Math.max(value, 0.01);
}
