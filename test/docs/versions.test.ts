/** One version, which package.json has. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { root } from "../../measure/kit/program.ts";
import { copies, versionsIn } from "../../packages/set-version.ts";

const read = (path: string) => readFileSync(join(root, path), "utf8");
const { version } = JSON.parse(read("package.json"));

test("every copy of the version is that of package.json", () => {
  const lock = JSON.parse(read("package-lock.json"));
  expect([lock.version, lock.packages[""].version]).toEqual([version, version]);
  for (const copy of copies) {
    const found = versionsIn(copy);
    expect({ file: copy.file, found: new Set(found) }).toEqual({
      file: copy.file,
      found: new Set([version]),
    });
  }
});

test("the changelog begins with this version, and the page says which one it is", () => {
  const [, newest] = /^## (\d+\.\d+\.\d+)/m.exec(read("CHANGELOG.md")) ?? [];
  expect(newest).toBe(version);
  const [minor = ""] = /^\d+\.\d+/.exec(version) ?? [];
  expect(read("README.md")).toContain(`version ${minor},`);
  expect(read("SECURITY.md")).toContain(`| ${minor} |`);
});
