/** Everything a run measured, in tables. */
import { billFor, prices } from "../cost/prices.ts";
import type { Cost, Figure, Growth, IdleCost } from "../results.ts";
import {
  type Verdict,
  verdictOnCost,
  verdictOnGrowth,
  verdictOnIdleCost,
  verdictsOnFigure,
} from "../verdict.ts";
import { html, type Markup } from "./markup.ts";
import { amount, dollars, readable, rounded } from "./numbers.ts";

export function figureTable(figures: readonly Figure[]): Markup {
  return scrolling(
    "Figures",
    html`<thead><tr>
<th scope="col">Figure</th><th scope="col">Operations/s</th><th scope="col">CPU, µs</th>
<th scope="col">p50, ms</th><th scope="col">p99, ms</th><th scope="col">Memory, MiB</th>
<th scope="col">Ratio to the floor</th><th scope="col" class="text">Targets</th>
</tr></thead>
<tbody>${figures.map(figureRow)}</tbody>`,
  );
}

function figureRow(figure: Figure): Markup {
  const { name, title, operations, seconds, floor } = figure;
  const more = Object.entries(figure.more).map(([what, value]) => `${what} ${rounded(value)}`);
  return html`<tr>
<th scope="row">${name}<small>${title}</small>${more.length > 0 ? html`<small>${more.join(" · ")}</small>` : null}</th>
${cells(seconds > 0 ? operations / seconds : null, figure.cpuUs, figure.p50Ms, figure.p99Ms, figure.memoryMiB)}
<td>${floor ? html`${readable(floor.ratio)} ×<small>${floor.spread ? `${floor.spread.map(readable).join(" – ")} · ` : ""}${floor.times === 1 ? "" : `${rounded(floor.times)} × `}${floor.name}</small>` : "–"}</td>
<td class="text">${verdictsOnFigure(figure).map(verdictText)}</td>
</tr>
`;
}

/** One table for each growth: its points are its rows. */
export function growthTables(growths: readonly Growth[]): Markup[] {
  return growths.map((growth) => {
    const verdict = verdictOnGrowth(growth);
    const rows = growth.points.map(
      ({ count, cpuUs, p50Ms, p99Ms }) =>
        html`<tr><th scope="row">${readable(count)}</th>${cells(cpuUs, p50Ms, p99Ms)}</tr>
`,
    );
    return html`<section class="growth">
<h3>${growth.name}</h3>
<p>${growth.title}. From the first to the last, the CPU grows by ${readable(growth.ratio)} ×. ${verdict ? verdictText(verdict) : null}</p>
${scrolling(
  `Growth of ${growth.name}`,
  html`<thead><tr><th scope="col">${growth.of}</th><th scope="col">CPU, µs</th><th scope="col">p50, ms</th><th scope="col">p99, ms</th></tr></thead>
<tbody>${rows}</tbody>`,
)}
</section>
`;
  });
}

export function costTable(costs: readonly Cost[]): Markup {
  return scrolling(
    "Costs",
    html`<thead><tr>
<th scope="col">One session</th>${prices.map(({ used }) => html`<th scope="col">${used}</th>`)}<th scope="col">Alarms</th>
<th scope="col">A million sessions</th><th scope="col" class="text">Target</th>
</tr></thead>
<tbody>${costs.map(costRow)}</tbody>`,
  );
}

function costRow(cost: Cost): Markup {
  const verdict = verdictOnCost(cost);
  const parts = billFor(cost).map((part) => dollars(part.dollars));
  return html`<tr>
<th scope="row">${cost.name}<small>${cost.title}</small></th>
${cells(...prices.map(({ uses }) => cost[uses]), cost.alarms)}
<td class="sum"><strong>${dollars(cost.dollarsPerMillion)}</strong><small>${parts.join(" + ")}</small></td>
<td class="text">${verdict ? verdictText(verdict) : "–"}</td>
</tr>
`;
}

export function idleCostTable(costs: readonly IdleCost[]): Markup {
  return scrolling(
    "Costs of idle lobbies",
    html`<thead><tr>
<th scope="col">One idle hour</th>${prices.map(({ used }) => html`<th scope="col">${used}</th>`)}<th scope="col">Alarms</th>
<th scope="col">A month of ${readable(costs[0]?.lobbies)}</th><th scope="col" class="text">Target</th>
</tr></thead>
<tbody>${costs.map(idleCostRow)}</tbody>`,
  );
}

function idleCostRow(cost: IdleCost): Markup {
  const verdict = verdictOnIdleCost(cost);
  return html`<tr>
<th scope="row">${cost.name}<small>${cost.title}</small></th>
${cells(...prices.map(({ uses }) => cost[uses]), cost.alarms)}
<td class="sum"><strong>${dollars(cost.dollarsPerMonth)}</strong></td>
<td class="text">${verdict ? verdictText(verdict) : "–"}</td>
</tr>
`;
}

/** A word says whether the target is reached; the colour only says it again. */
export function verdictText({ what, value, most, unit, reached }: Verdict): Markup {
  const word = value === null ? "not measured" : reached ? "reached" : "missed";
  return html`<span class="verdict ${reached ? "good" : "bad"}"><b>${reached ? "✓" : "✗"} ${word}</b> ${what} ≤ ${amount(most, unit, rounded)}</span>`;
}

function cells(...values: (number | null)[]): Markup[] {
  return values.map((value) => html`<td>${readable(value)}</td>`);
}

/** A table wider than a phone is scrolled by itself, also with the keyboard. */
function scrolling(name: string, table: Markup): Markup {
  return html`<div class="scroll" role="region" aria-label="${name}" tabindex="0"><table>${table}</table></div>`;
}
