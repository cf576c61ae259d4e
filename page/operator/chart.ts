/** Charts as SVG, made here: lines, and bars on each other. Each has its numbers as a table, too. */
import { make } from "../site/element.ts";
import { table } from "./table.ts";

export type Series = { name: string; values: readonly number[] };
export type Chart = {
  title: string;
  kind: "lines" | "bars";
  series: readonly Series[];
  /** The times of the values, for people. */
  times: readonly string[];
};

const width = 640;
const height = 200;
const margin = { left: 60, right: 8, top: 14, bottom: 28 };
const inner = { width: width - margin.left - margin.right, height: height - margin.top - margin.bottom };

/** The figure, with a legend and the numbers. `isOpen`: whether the numbers are shown. */
export function figure(chart: Chart, isOpen: boolean): HTMLElement {
  const { title, series, times } = chart;
  const details = make("details", { open: isOpen, "data-chart": title });
  details.append(
    make("summary", {}, "Numbers"),
    table(
      title,
      ["Time", ...series.map(({ name }) => name)],
      times.map((time, i) => [time, ...series.map(({ values }) => numberText(values[i] ?? 0))]).reverse(),
      { hasHiddenCaption: true },
    ),
  );
  return make(
    "figure",
    { class: "panel" },
    make("figcaption", {}, make("h2", {}, title)),
    picture(chart),
    legend(chart),
    details,
  );
}

function picture(chart: Chart): SVGElement {
  const { title, kind, series, times } = chart;
  const count = times.length;
  const sums = times.map((_, i) => series.reduce((sum, { values }) => sum + (values[i] ?? 0), 0));
  const highest = kind === "bars" ? Math.max(...sums) : Math.max(...series.flatMap(({ values }) => values));
  const top = niceTop(highest);
  const x = (i: number) => margin.left + (inner.width * i) / Math.max(1, count - (kind === "bars" ? 0 : 1));
  const y = (value: number) => margin.top + inner.height * (1 - value / top);
  const picture = svg("svg", {
    viewBox: `0 0 ${width} ${height}`,
    role: "img",
    "aria-label": `${title}: ${series.map(summary).join("; ")}`,
  });
  for (const value of [0, top / 2, top]) {
    picture.append(
      svg("line", { class: "axis", x1: margin.left, x2: width - margin.right, y1: y(value), y2: y(value) }),
      text(margin.left - 6, y(value) + 4, numberText(value), "end"),
    );
  }
  picture.append(
    text(margin.left, height - 6, times[0] ?? "", "start"),
    text(width - margin.right, height - 6, "now", "end"),
  );
  if (kind === "lines") {
    for (const [at, { values }] of series.entries()) {
      const points = values.map((value, i) => `${round(x(i))},${round(y(value))}`).join(" ");
      picture.append(svg("polyline", { class: `line-of series-${at}`, points }));
    }
    return picture;
  }
  const barWidth = (inner.width / Math.max(1, count)) * 0.8;
  for (let i = 0; i < count; i++) {
    let below = 0;
    for (const [at, { values }] of series.entries()) {
      const value = values[i] ?? 0;
      if (value === 0) continue;
      const [from, to] = [y(below), y(below + value)];
      picture.append(
        svg("rect", {
          class: `bar-of series-${at}`,
          x: round(x(i)),
          y: round(to),
          width: round(barWidth),
          height: round(Math.max(1, from - to)),
        }),
      );
      below += value;
    }
  }
  return picture;
}

function summary({ name, values }: Series): string {
  return `${name} ${numberText(values.at(-1) ?? 0)} now, ${numberText(Math.max(0, ...values))} at most`;
}

function legend({ kind, series }: Chart): HTMLElement {
  return make(
    "ul",
    { class: "legend" },
    ...series.map(({ name }, at) => {
      const key = svg("svg", { viewBox: "0 0 10 10", "aria-hidden": "true" });
      key.append(
        kind === "bars"
          ? svg("rect", { class: `bar-of series-${at}`, width: 10, height: 10 })
          : svg("line", { class: `line-of series-${at}`, x1: 0, x2: 10, y1: 5, y2: 5 }),
      );
      return make("li", {}, key, name);
    }),
  );
}

/** A round number that is not below. Its half is whole: nobody counts half a lobby. */
export function niceTop(highest: number): number {
  if (highest <= 2) return 2;
  const power = 10 ** Math.floor(Math.log10(highest));
  return power * ([1, 2, 4, 6, 8, 10].find((step) => step * power >= highest) ?? 10);
}

/** Short: 1.2 k for 1234. */
export function numberText(value: number): string {
  const units = [
    [1e6, " M"],
    [1e3, " k"],
  ] as const;
  for (const [size, unit] of units)
    if (value >= 10 * size || (value >= size && size > 1e3))
      return `${Number((value / size).toPrecision(3))}${unit}`;
  return String(Number(value.toPrecision(4)));
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

function text(x: number, y: number, words: string, anchor: "start" | "end"): SVGElement {
  const element = svg("text", { class: "tick", x, y, "text-anchor": anchor, "aria-hidden": "true" });
  element.textContent = words;
  return element;
}

function svg(tag: string, attributes: Readonly<Record<string, string | number>>): SVGElement {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
  return element;
}
