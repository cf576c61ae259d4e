import { expect, test } from "vitest";
import { limitFiles, limitsPage, tables } from "./limits.ts";

test("every limit is on the page of limits, with its value and its reason", async () => {
  expect(limitsPage()).not.toMatch(/\| +\|$|^ In /m);
  await expect(limitsPage()).toMatchFileSnapshot("../../docs/limits.md");
});

test("every file of limits is on the page", () => {
  expect(tables.map(({ path }) => path).sort()).toEqual(limitFiles().sort());
});

test("no two limits have the same name", () => {
  const names = tables.flatMap(({ limits }) => Object.keys(limits));
  expect(names.filter((name, at) => names.indexOf(name) !== at)).toEqual([]);
});
