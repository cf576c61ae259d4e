import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { results } from "../../bench/results.ts";

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), "utf8");

test("the costs on the operator's page are those of the reference run", () => {
  const { costs } = results.parse(JSON.parse(read("bench/results/reference.json")));
  const digits = (value: number) => String(Number(value.toPrecision(3)));
  const rows = [
    ["Worker requests", ...costs.map((cost) => digits(cost.workerRequests))],
    ["object requests", ...costs.map((cost) => digits(cost.objectRequests))],
    ["rows written", ...costs.map((cost) => digits(cost.rowsWritten))],
    ["seconds awake", ...costs.map((cost) => cost.secondsAwake.toFixed(1))],
    ["**dollars a million**", ...costs.map((cost) => `**${cost.dollarsPerMillion.toFixed(2)}**`)],
  ];
  const [, , , ...told] =
    /<!-- costs -->([\s\S]*)<!-- \/costs -->/.exec(read("docs/costs.md"))?.[1]?.split("\n") ?? [];
  expect(told.filter((line) => line !== "")).toEqual(rows.map((row) => `| ${row.join(" | ")} |`));
});
