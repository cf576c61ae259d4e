import { expect, test } from "vitest";
import { compareText } from "../../measure/bench/compare.ts";
import { aCost, aFigure, aGrowth, anIdleCost, aRun } from "./a-run.ts";

const lineOf = (text: string, name: string) =>
  text
    .split("\n")
    .find((line) => line.startsWith(name))
    ?.split(/ {2,}/);

test("a figure is told by its CPU and its ratio to the floor, before, after, and the change in percent", () => {
  const before = aRun({ figures: [aFigure({ cpuUs: 2_000, floor: { name: "floor", times: 1, ratio: 2 } })] });
  const after = aRun({
    figures: [aFigure({ cpuUs: 1_500, floor: { name: "floor", times: 1, ratio: 2.2 } })],
  });
  expect(lineOf(compareText(before, after), "life-2/direct")).toEqual([
    "life-2/direct",
    "2 000",
    "1 500",
    "-25.0 %",
    "2",
    "2.20",
    "+10.0 %",
  ]);
});

test("growth and cost are told likewise", () => {
  const before = aRun({
    growths: [aGrowth({ ratio: 1.2 })],
    costs: [aCost({ dollarsPerMillion: 40 })],
    idleCosts: [anIdleCost({ dollarsPerMonth: 20 })],
  });
  const after = aRun({
    growths: [aGrowth({ ratio: 1.08 })],
    costs: [aCost({ dollarsPerMillion: 20 })],
    idleCosts: [anIdleCost({ dollarsPerMonth: 5 })],
  });
  const text = compareText(before, after);
  expect(lineOf(text, "life-2/plain")).toEqual(["life-2/plain", "1.20", "1.08", "-10.0 %"]);
  expect(lineOf(text, "plain, private")).toEqual(["plain, private", "$40.00", "$20.00", "-50.0 %"]);
  expect(lineOf(text, "idle, private")).toEqual(["idle, private", "$20.00", "$5.00", "-75.0 %"]);
});

test("numbers stand below each other, whatever the length of names", () => {
  const figures = [
    aFigure({ name: "a" }),
    aFigure({ name: "a name much longer than others", cpuUs: 123_456 }),
  ];
  const lines = compareText(aRun({ figures }), aRun({ figures })).split("\n");
  const [short, long] = figures.map(({ name }) => lines.find((line) => line.startsWith(`${name} `)));
  expect(short?.length).toBe(long?.length);
  expect(short?.indexOf("+0.0 %")).toBe(long?.indexOf("+0.0 %"));
});

test("what only one run has is named, and not compared", () => {
  const before = aRun({ figures: [aFigure({ name: "old" })], growths: [], costs: [], idleCosts: [] });
  const after = aRun({ figures: [aFigure({ name: "new" })] });
  const text = compareText(before, after);
  expect(text).toContain("Only before:\n  old\n");
  expect(text).toContain(
    "Only after:\n  new\n  growth of life-2/plain\n  cost of plain, private\n  idle cost of idle, private\n",
  );
  expect(text).not.toContain("change");
});

test("ratios to another floor are not compared", () => {
  const before = aRun({ figures: [aFigure({ floor: { name: "floor/connect", times: 2, ratio: 2 } })] });
  const after = aRun({ figures: [aFigure({ floor: { name: "floor/connect", times: 3, ratio: 2 } })] });
  expect(lineOf(compareText(before, after), "life-2/direct")?.at(-1)).toBe("other floor");
});

test("runs of other machines or scales are said to be", () => {
  const run = aRun();
  const other = aRun({ scale: 0.1, machine: { ...run.machine, cpu: "Another processor" } });
  expect(compareText(run, run)).not.toContain("differ");
  expect(compareText(run, other)).toContain("The machines differ");
  expect(compareText(run, other)).toContain("The scales differ");
});
