import { existsSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";

const root = new URL("../../", import.meta.url);
const page = readFileSync(new URL("docs/promises.md", root), "utf8");
const promises = page.slice(page.indexOf("## Promises"), page.indexOf("## Not promised"));

test("every promise names the test that holds it, and there is such a test", () => {
  const numbered = promises.split(/^(?=\d+\. )/m).slice(1);
  expect(numbered.map((text) => Number.parseInt(text, 10))).toEqual(numbered.map((_, i) => i + 1));
  const missing = numbered.filter((text) => {
    const [, path = "", name = ""] = /`(test\/[\w./-]+\.test\.ts)`: "(.+)"$/m.exec(text) ?? [];
    const file = new URL(path, root);
    return path === "" || !existsSync(file) || !readFileSync(file, "utf8").includes(name);
  });
  expect(missing).toEqual([]);
});
