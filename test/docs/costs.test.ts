import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { results } from "../../measure/bench/results.ts";

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), "utf8");
const digits = (value: number) => String(Number(value.toPrecision(3)));
const bold = (dollars: number) => `**${dollars.toFixed(2)}**`;

const { costs, idleCosts } = results.parse(JSON.parse(read("measure/bench/results/reference.json")));

/** The rows of a table on the operator's page, below its head. */
function told(name: string): string[] {
  const page = read("docs/costs.md");
  const [, , , ...rows] =
    new RegExp(`<!-- ${name} -->([\\s\\S]*)<!-- /${name} -->`).exec(page)?.[1]?.split("\n") ?? [];
  return rows.filter((line) => line !== "");
}

const lines = (rows: string[][]) => rows.map((row) => `| ${row.join(" | ")} |`);

test("the costs on the operator's page are those of the reference run", () => {
  const rows = [
    ["Worker requests", ...costs.map((cost) => digits(cost.workerRequests))],
    ["object requests", ...costs.map((cost) => digits(cost.objectRequests))],
    ["rows written", ...costs.map((cost) => digits(cost.rowsWritten))],
    ["seconds awake", ...costs.map((cost) => cost.secondsAwake.toFixed(1))],
    ["**dollars a million**", ...costs.map((cost) => bold(cost.dollarsPerMillion))],
  ];
  expect(told("costs")).toEqual(lines(rows));
});

test("so are those of lobbies in which nobody does anything", () => {
  expect(idleCosts.length).toBeGreaterThan(0);
  const rows = [
    ["object requests an hour", ...idleCosts.map((cost) => digits(cost.objectRequests))],
    ["rows written an hour", ...idleCosts.map((cost) => digits(cost.rowsWritten))],
    ["**dollars a month**", ...idleCosts.map((cost) => bold(cost.dollarsPerMonth))],
  ];
  expect(told("idle costs")).toEqual(lines(rows));
});
