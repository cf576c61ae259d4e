/** Two runs side by side, as text. */
import { columns } from "./report/columns.ts";
import { dollars, readable } from "./report/numbers.ts";
import type { Cost, Figure, Growth, IdleCost, Results } from "./results.ts";

/**
 * What the runs have in common: CPU and ratio to the floor of each figure, growth, and cost, each before, after, and the
 * change in percent. What only one of them has is named. Plain text in columns, with a line break at the end.
 */
export function compareText(before: Results, after: Results): string {
  return `${[
    heading(before, after),
    table(["figure", ...threeOf("CPU µs"), ...threeOf("ratio")], figureRows(before.figures, after.figures)),
    table(["growth", ...threeOf("ratio")], growthRows(before.growths, after.growths)),
    table(["cost", ...threeOf("$ per million")], costRows(before.costs, after.costs)),
    table(["idle lobbies", ...threeOf("$ a month")], idleCostRows(before.idleCosts, after.idleCosts)),
    onlyIn("before", namesOf(before), namesOf(after)),
    onlyIn("after", namesOf(after), namesOf(before)),
  ]
    .filter((part) => part !== "")
    .join("\n\n")}\n`;
}

function heading(before: Results, after: Results): string {
  const runs = [["before", before] as const, ["after", after] as const].map(
    ([when, { at, commit, scale, machine }]) => [
      when,
      at,
      `commit ${commit}`,
      `scale ${scale}`,
      `${machine.cpu}, ${machine.cores} cores`,
      `node ${machine.node}, workerd ${machine.workerd}`,
    ],
  );
  const lines = [columns(runs)];
  if (machineOf(before) !== machineOf(after)) {
    lines.push("The machines differ: compare the ratios to the floor, not the CPU.");
  }
  if (before.scale !== after.scale) {
    lines.push("The scales differ: the shorter run is the less exact one, and growth is over other counts.");
  }
  return lines.join("\n");
}

/** What a measurement depends on besides the code. */
function machineOf({ machine }: Results): string {
  return JSON.stringify([machine.cpu, machine.cores, machine.system, machine.node, machine.workerd]);
}

function figureRows(before: readonly Figure[], after: readonly Figure[]): string[][] {
  return inBoth(before, after).map(([was, is]) => {
    // Ratios to different floors have nothing to say to each other.
    const same = was.floor?.name === is.floor?.name && was.floor?.times === is.floor?.times;
    const ratios = same ? change(was.floor?.ratio, is.floor?.ratio) : ["", "", "other floor"];
    return [is.name, ...change(was.cpuUs, is.cpuUs), ...ratios];
  });
}

function growthRows(before: readonly Growth[], after: readonly Growth[]): string[][] {
  return inBoth(before, after).map(([was, is]) => [is.name, ...change(was.ratio, is.ratio)]);
}

function costRows(before: readonly Cost[], after: readonly Cost[]): string[][] {
  return inBoth(before, after).map(([was, is]) => [
    is.name,
    ...change(was.dollarsPerMillion, is.dollarsPerMillion, dollars),
  ]);
}

function idleCostRows(before: readonly IdleCost[], after: readonly IdleCost[]): string[][] {
  return inBoth(before, after).map(([was, is]) => [
    is.name,
    ...change(was.dollarsPerMonth, is.dollarsPerMonth, dollars),
  ]);
}

function inBoth<T extends { name: string }>(before: readonly T[], after: readonly T[]): [was: T, is: T][] {
  const known = new Map(before.map((one) => [one.name, one]));
  return after.flatMap((is): [T, T][] => {
    const was = known.get(is.name);
    return was ? [[was, is]] : [];
  });
}

function namesOf({ figures, growths, costs, idleCosts }: Results): string[] {
  return [
    ...figures.map(({ name }) => name),
    ...growths.map(({ name }) => `growth of ${name}`),
    ...costs.map(({ name }) => `cost of ${name}`),
    ...idleCosts.map(({ name }) => `idle cost of ${name}`),
  ];
}

function onlyIn(when: string, names: readonly string[], others: readonly string[]): string {
  const only = names.filter((name) => !others.includes(name));
  return only.length === 0 ? "" : [`Only ${when}:`, ...only.map((name) => `  ${name}`)].join("\n");
}

function threeOf(what: string): string[] {
  return [`${what} before`, "after", "change"];
}

/** Before, after, and the change in percent. */
function change(
  was: number | undefined,
  is: number | undefined,
  say: (value: number) => string = readable,
): string[] {
  if (was === undefined || is === undefined) return ["", "", ""];
  const percent = was === 0 ? Number.NaN : (is / was - 1) * 100;
  return [
    say(was),
    say(is),
    Number.isNaN(percent) ? "" : `${percent >= 0 ? "+" : ""}${percent.toFixed(1)} %`,
  ];
}

/** Nothing without rows. */
function table(head: string[], rows: string[][]): string {
  return rows.length === 0 ? "" : columns([head, ...rows], 1);
}
