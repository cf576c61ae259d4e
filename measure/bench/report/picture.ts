/** A chart as a finished picture: SVG whose colours are the page's, so that it is right in light and in dark. */

import type {
  BarSeriesOption,
  CustomSeriesOption,
  LineSeriesOption,
  ScatterSeriesOption,
} from "echarts/charts";
import { BarChart, CustomChart, LineChart, ScatterChart } from "echarts/charts";
import type { GridComponentOption, LegendComponentOption } from "echarts/components";
import { GridComponent, LegendComponent, MarkLineComponent } from "echarts/components";
import { type ComposeOption, init, use } from "echarts/core";
import { SVGRenderer } from "echarts/renderers";
import { html, type Markup, trusted } from "./markup.ts";

use([
  BarChart,
  CustomChart,
  GridComponent,
  LegendComponent,
  LineChart,
  MarkLineComponent,
  ScatterChart,
  SVGRenderer,
]);

export type Option = ComposeOption<
  | BarSeriesOption
  | CustomSeriesOption
  | GridComponentOption
  | LegendComponentOption
  | LineSeriesOption
  | ScatterSeriesOption
>;

/** The page's colours (`style.ts`). Series have shapes of their own too: colour alone tells nobody anything. */
export const colour = {
  ink: "var(--ink)",
  muted: "var(--muted)",
  grid: "var(--grid)",
  paper: "var(--card)",
  good: "var(--good)",
  bad: "var(--bad)",
  series: ["var(--c1)", "var(--c2)", "var(--c3)", "var(--c4)", "var(--c5)", "var(--c6)"],
} as const;

export const shapes = ["circle", "diamond", "rect", "triangle", "roundRect", "pin"] as const;

/** Pixels. Narrow, so that a phone shows it whole and still readable. */
export const width = 420;

const font = { fontFamily: "system-ui, sans-serif", fontSize: 13 };

/** The chart, under a heading, with what is to be said about it. `about` must say what the picture shows. */
export function figureOf(chart: {
  id: string;
  title: string;
  about: string;
  height: number;
  option: Option;
}): Markup {
  const { id, title, about } = chart;
  const label = html`<svg role="img" aria-label="${`${title}. ${about}`}" `.markup;
  const svg = draw(chart.option, chart.height).replace(/^<svg /, () => label);
  return html`<figure id="${id}">
<figcaption><h3>${title}</h3><p>${about}</p></figcaption>
${trusted(svg)}
</figure>
`;
}

function draw(option: Option, height: number): string {
  const chart = init(null, null, { renderer: "svg", ssr: true, width, height });
  try {
    chart.setOption({ animation: false, textStyle: { ...font, color: colour.ink }, ...option });
    // Its rules are about a pointer above the chart, which is nothing here.
    return chart.renderToSVGString().replace(/<style[\s\S]*?<\/style>/g, "");
  } finally {
    chart.dispose();
  }
}

/** An axis's labels and lines, in the page's colours. */
export const axisLook = {
  axisLabel: { color: colour.muted, fontSize: 12 },
  axisLine: { lineStyle: { color: colour.grid } },
  axisTick: { show: false },
  splitLine: { lineStyle: { color: colour.grid } },
  nameTextStyle: { color: colour.muted, fontSize: 12 },
};

/** Under a legend, a row for each name, the first on top, with its values in words at the end. */
export function namedRows(
  legend: readonly string[],
  names: readonly string[],
  values: readonly string[],
): Pick<Option, "grid" | "legend" | "yAxis"> {
  return {
    legend: legendOf(legend),
    grid: {
      top: legendHeight(legend.length),
      left: nameWidth,
      right: 14 + 7 * Math.max(...values.map(({ length }) => length)),
      bottom: 52,
    },
    yAxis: [
      { ...column(names.map(twoLines)), position: "left" },
      { ...column(values), position: "right", axisLine: { show: false } },
    ],
  };
}

/** Characters of one line of a name, and pixels they take. */
const nameLine = 18;
const nameWidth = 136;

function column(data: readonly string[]) {
  return {
    ...axisLook,
    type: "category" as const,
    inverse: true,
    data: [...data],
    splitLine: { show: false },
    axisLabel: { color: colour.ink, fontSize: 12, lineHeight: 14, interval: 0 },
  };
}

/** A name in two lines at most, without its middle if it is too long for that. */
function twoLines(name: string): string {
  if (name.length <= nameLine) return name;
  const room = 2 * nameLine - 3;
  const short = name.length <= room ? name : `${name.slice(0, nameLine)}…${name.slice(nameLine - room)}`;
  const end = Math.max(...["/", " ", "-", ",", "…"].map((mark) => short.lastIndexOf(mark, nameLine - 1)));
  const cut = short.length - end - 1 <= nameLine && end > 0 ? end + 1 : nameLine;
  return `${short.slice(0, cut).trimEnd()}\n${short.slice(cut).trimStart()}`;
}

/** A legend of one line for each series, from the top. */
export function legendOf(names: readonly string[], symbolWidth = 11): LegendComponentOption {
  return {
    data: [...names],
    orient: "vertical",
    left: 4,
    top: 0,
    itemGap: legendLine - 14,
    itemHeight: 11,
    itemWidth: symbolWidth,
    selectedMode: false,
    textStyle: { color: colour.ink, fontSize: 12, width: width - 50, overflow: "truncate" },
  };
}
const legendLine = 21;

/** Pixels that `legendOf` takes. */
export function legendHeight(count: number): number {
  return count * legendLine + 10;
}

/** Whether these span decades, so that only a logarithmic axis shows all of them. */
export function spansDecades(values: readonly number[]): boolean {
  const positive = values.filter((value) => value > 0);
  return positive.length > 0 && Math.max(...positive) > 20 * Math.min(...positive);
}
