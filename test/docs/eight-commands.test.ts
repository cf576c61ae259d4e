import { expect, test } from "vitest";
import { pages } from "./pages.ts";

for (const path of ["docs/deploying.md", "docs/vps.md"]) {
  test(`${path} leads from nothing to a deployment that the check approves, in at most 8 commands`, () => {
    const text = pages.find((page) => page.path === path)?.text ?? "";
    const [, block = ""] = /```sh\n([\s\S]*?)```/.exec(text) ?? [];
    const lines = block.trim().split("\n");
    expect(lines.length).toBeLessThanOrEqual(8);
    expect(lines.at(-1)).toMatch(/^npm run check:deployed -- https:/);
  });
}

test("the repository's address on the pages and in deploy/ is the one in the SDK's package", async () => {
  const { repository } = (await import("../../client/package.json", { with: { type: "json" } })).default;
  const address = repository.url.replace(/^git\+/, "");
  const cloned = pages.flatMap(({ path, text }) =>
    [...text.matchAll(/git clone (?:--\S+ \d+ )?(\S+)/g)].map(([, url]) => ({ path, url })),
  );
  expect(cloned.length).toBeGreaterThan(1);
  expect(cloned.filter(({ url }) => url !== address)).toEqual([]);
});
