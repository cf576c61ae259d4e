/** A run's results as one page: tables, and charts that are finished pictures. */
import { objectGigabytes, prices, pricesRead } from "./cost/prices.ts";
import { costChart } from "./report/cost-chart.ts";
import { latencyChart, ratioChart } from "./report/figure-charts.ts";
import { growthCharts } from "./report/growth-charts.ts";
import { html, type Markup } from "./report/markup.ts";
import { amount, readable, rounded } from "./report/numbers.ts";
import { style } from "./report/style.ts";
import { costTable, figureTable, growthTables, idleCostTable } from "./report/tables.ts";
import type { Results } from "./results.ts";
import { verdictsOn } from "./verdict.ts";

/**
 * The page, whole: it needs no network and no script, follows the reader's choice of light or dark, and fits a
 * phone. Texts of the results are escaped.
 */
export function reportHtml(results: Results): string {
  const { figures, growths, costs, idleCosts } = results;
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>Orion Edge bench, ${dayOf(results.at)}</title>
<style>${style}</style>
</head>
<body>
<main>
<h1>Orion Edge: what the bench measured</h1>
${about(results)}
${summary(results)}
${section("Figures", figures.length > 0 && figureTable(figures), [latencyChart(figures), ratioChart(figures)])}
${section("Growth", growths.length > 0 && html`<div class="growths">${growthTables(growths)}</div>`, growthCharts(growths))}
${section("Cost on Cloudflare", costs.length > 0 && html`${costTable(costs)}${priceNote}`, [costChart(costs)])}
${
  idleCosts.length > 0
    ? html`<section>
<h2>Open lobbies in which nobody does anything</h2>
${idleCostTable(idleCosts)}
</section>`
    : null
}
</main>
</body>
</html>
`;
  return page.markup;
}

function about({ machine, at, commit, scale }: Results): Markup {
  const facts: [string, string][] = [
    ["Run", at.replace("T", " ").replace(/(\.\d+)?Z$/, " UTC")],
    ["Commit", commit],
    ["Scale", readable(scale)],
    ["Processor", `${machine.cpu}, ${machine.cores} ${machine.cores === 1 ? "core" : "cores"}`],
    ["Memory", `${readable(machine.memoryGiB)} GiB`],
    ["System", machine.system],
    ["Node.js", machine.node],
    ["workerd", machine.workerd],
  ];
  return html`<dl class="card">${facts.map(
    ([what, value]) => html`<div><dt>${what}</dt><dd>${value}</dd></div>
`,
  )}</dl>`;
}

/** How many targets are reached, and which are not. */
function summary(results: Results): Markup | null {
  const verdicts = verdictsOn(results);
  if (verdicts.length === 0) return null;
  const missed = verdicts.filter(({ verdict }) => !verdict.reached);
  const list = missed.map(
    ({ name, verdict: { what, value, most, unit } }) =>
      html`<li><b>${name}</b>: ${what} ${amount(value, unit)}, to be at most ${amount(most, unit, rounded)}</li>
`,
  );
  return html`<div class="card"><strong>${verdicts.length - missed.length} of ${verdicts.length} targets reached.</strong>
${missed.length > 0 ? html`Missed:<ul>${list}</ul>` : null}</div>`;
}

function section(title: string, table: Markup | false, charts: (Markup | null)[]): Markup | null {
  if (!table) return null;
  return html`<section>
<h2>${title}</h2>
<div class="charts">${charts}</div>
<h2>${title}, in numbers</h2>
${table}
</section>
`;
}

const priceNote = html`<p><small>The sums are, in this order: ${prices
  .map(({ title, dollarsPerMillion, unit }) => `${title} at $${dollarsPerMillion} a million ${unit}`)
  .join(
    "; ",
  )}. An object that is awake takes ${objectGigabytes} GB. Alarms are among the object requests. Prices of the paid plan, beyond what it includes, read on ${pricesRead}.</small></p>`;

function dayOf(at: string): string {
  return at.slice(0, 10);
}
