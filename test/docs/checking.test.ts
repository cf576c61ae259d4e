import { expect, test } from "vitest";
import { remedies } from "../../deploy/check/remedies.ts";
import { pages } from "./pages.ts";

test("the page on checking lists every finding, with what to do", () => {
  const page = pages.find(({ path }) => path === "docs/checking.md")?.text ?? "";
  const told = [...page.matchAll(/^\| `(\w+)` \| (.+) \|$/gm)].map(([, code, remedy]) => [code, remedy]);
  expect(told).toEqual(Object.entries(remedies));
});
