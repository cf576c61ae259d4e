import { columns } from "../report/columns.ts";
import { dollars, readable, rounded } from "../report/numbers.ts";
import type { Cost, IdleCost } from "../results.ts";
import { type Verdict, verdictOnCost, verdictOnIdleCost } from "../verdict.ts";
import { assumed } from "./assumed.ts";
import { billFor, prices, pricesRead, type Usage } from "./prices.ts";

/** What a session uses, what a million of them cost, part by part, and how that is computed. Plain text. */
export function costText(costs: readonly Cost[]): string {
  return [
    "One session: 4 players, 10 minutes in the lobby, 30 lines of chat, a mediation that succeeds, 4 goodbyes.",
    columns([["uses", ...costs.map(({ name }) => name)], ...uses(costs)], 1),
    "A million sessions:",
    columns([["costs", ...costs.map(({ name }) => name)], ...bills(costs)], 1),
    costs.map(({ name, title }) => `${name}: ${title}.`).join("\n"),
    formula,
  ]
    .join("\n\n")
    .concat("\n");
}

/** What an idle lobby uses in an hour, and what a month of many costs. Plain text. */
export function idleCostText(costs: readonly IdleCost[]): string {
  const names = costs.map(({ name }) => name);
  const months = costs.map(({ dollarsPerMonth }) => dollars(dollarsPerMonth));
  const targets = costs.map((cost) => targetTold(verdictOnIdleCost(cost)));
  return [
    "One hour of a lobby of 4 that is open, and in which nobody does anything:",
    columns([["uses", ...names], ...uses(costs)], 1),
    `A month of ${readable(costs[0]?.lobbies)} such lobbies:`,
    columns(
      [
        ["costs", ...names],
        ["all", ...months],
        ["target", ...targets],
      ],
      1,
    ),
    costs.map(({ name, title }) => `${name}: ${title}.`).join("\n"),
  ]
    .join("\n\n")
    .concat("\n");
}

function uses(costs: readonly (Usage & { alarms: number })[]): string[][] {
  const alarms = costs.map((cost) => readable(cost.alarms));
  return [
    ...prices.map(({ used, uses }) => [used, ...costs.map((cost) => readable(cost[uses]))]),
    ["Alarms, among the object requests", ...alarms],
  ];
}

function bills(costs: readonly Cost[]): string[][] {
  const all = costs.map(billFor);
  const parts = prices.map(({ title }, part) => [
    title,
    ...all.map((bill) => dollars(bill[part]?.dollars ?? 0)),
  ]);
  const targets = costs.map((cost) => targetTold(verdictOnCost(cost)));
  return [
    ...parts,
    ["all", ...costs.map(({ dollarsPerMillion }) => dollars(dollarsPerMillion))],
    ["target", ...targets],
  ];
}

function targetTold(verdict: Verdict | null): string {
  return verdict ? `${dollars(verdict.most)} ${verdict.reached ? "reached" : "missed"}` : "";
}

const formula = `How a million sessions are computed:
${prices
  .map(({ used, units, unit, dollarsPerMillion, source }) => {
    const times = units === 1 ? "" : ` × ${units} GB`;
    return `  ${used}${times} × $${dollarsPerMillion} a million ${unit} (${source})`;
  })
  .join("\n")}
Prices of the Workers Paid plan beyond what it includes, read on ${pricesRead}. Left out: rows read ($0.001 a million), storage
(a lobby's is gone with it), Workers Logs (an event for each of these things, if they are on), and heartbeats of sidecars, which are no session's.

What counts:
  Worker requests: upgrades, HTTP requests, and posts of sidecars. The players' datagrams come apart, a post for each.
  Object requests: calls to objects, upgrades included; alarms; a twentieth of every WebSocket message that comes in.
  Rows written: entries put or deleted, rows of SQL, alarms set. deleteAll counts as a row for each entry and one for the alarm.
  Time awake: of each object, the time in which a handler runs or a call of its own to another object is under way,
    times that overlap once, and ${assumed.eventMs} ms for everything that happens to it. An object that is idle and may hibernate costs nothing.

What is assumed:
  A call from one object to another takes ${assumed.callMs} ms, as between data centres of one continent: it is delayed by that.
  A request takes ${rounded(assumed.workerCpuMs)} ms of the Worker's CPU.
  The players do everything so far apart that nothing is batched. The minutes between are not waited for: the clock
  is set forward, and the alarms that are due are rung. The mediation succeeds before its first reminder.`;
