/** What a million sessions cost, by what it is paid for. */
import { billFor } from "../cost/prices.ts";
import type { Cost } from "../results.ts";
import type { Markup } from "./markup.ts";
import { dollars, rounded } from "./numbers.ts";
import { axisLook, colour, figureOf, legendHeight, namedRows } from "./picture.ts";

/** A stack of dollars for each kind of session, its target marked. Null if there is none. */
export function costChart(costs: readonly Cost[]): Markup | null {
  if (costs.length === 0) return null;
  const bills = costs.map(billFor);
  const parts = bills[0]?.map(({ title }) => title) ?? [];
  const target = "target: no more than this";
  return figureOf({
    id: "cost",
    title: "A million sessions on Cloudflare",
    about: "Dollars, by what they are paid for, at the prices of the paid plan and beyond what it includes.",
    height: legendHeight(parts.length + 1) + costs.length * 42 + 56,
    option: {
      ...namedRows(
        [...parts, target],
        costs.map(({ name }) => name),
        costs.map((cost) => dollars(cost.dollarsPerMillion)),
      ),
      xAxis: {
        ...axisLook,
        type: "value",
        max: ({ max }) => Math.max(max, ...costs.map((cost) => cost.target ?? 0)) * 1.02,
        axisLabel: {
          ...axisLook.axisLabel,
          hideOverlap: true,
          showMaxLabel: false,
          formatter: (value: number) => `$${rounded(value)}`,
        },
      },
      series: [
        ...parts.map((name, part) => ({
          type: "bar" as const,
          name,
          stack: "dollars",
          silent: true,
          barWidth: 20,
          itemStyle: {
            color: colour.series[part % colour.series.length] ?? colour.ink,
            borderColor: colour.paper,
            borderWidth: 1,
          },
          data: bills.map((bill) => bill[part]?.dollars ?? 0),
        })),
        {
          type: "scatter",
          name: target,
          silent: true,
          z: 4,
          symbol: "rect",
          symbolSize: [3, 32],
          itemStyle: { color: colour.ink, opacity: 1 },
          data: costs.flatMap((cost, index) => (cost.target === null ? [] : [[cost.target, index]])),
        },
      ],
    },
  });
}
