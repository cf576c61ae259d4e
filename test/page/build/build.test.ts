/** The page as it is built: every file that it names is there, and nothing tells where it was built. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { root } from "../../../measure/kit/program.ts";
import { buildPage, mayBuildHere, pageFolder } from "../../../page/build.ts";

const temporary = mkdtempSync(join(tmpdir(), "orion-edge-test-"));
const elsewhere = join(temporary, "page");
afterAll(() => rmSync(temporary, { recursive: true, force: true }));
beforeAll(() => Promise.all([buildPage(), buildPage(elsewhere)]));

function filesIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length))
    .sort();
}

test("a server that may not write where it is installed builds the same page elsewhere", () => {
  expect(filesIn(elsewhere)).toEqual(filesIn(pageFolder));
  for (const file of filesIn(elsewhere)) {
    expect(readFileSync(join(elsewhere, file))).toEqual(readFileSync(join(pageFolder, file)));
  }
  expect(filesIn(temporary).every((file) => file.startsWith("/page/"))).toBe(true);
});

test.each(["index.html", "operator.html", "error.html"])("every file that %s names is there", (document) => {
  const text = readFileSync(join(pageFolder, document), "utf8");
  const named = [...text.matchAll(/\b(?:src|href)="(\/[^"]*)"/g)].map(([, path = ""]) => path);
  expect(named.length).toBeGreaterThan(1);
  for (const path of named) {
    expect({ path, exists: path === "/" || existsSync(join(pageFolder, path)) }).toEqual({
      path,
      exists: true,
    });
  }
  expect(text).not.toContain("undefined");
});

test("the page preloads all that its script imports, so nothing is found out late", () => {
  const text = readFileSync(join(pageFolder, "index.html"), "utf8");
  const paths = (pattern: RegExp) => [...text.matchAll(pattern)].map(([, path = ""]) => path);
  const preloaded = paths(/<link rel="modulepreload" href="([^"]*)"/g);
  const scripts = paths(/<script type="module" src="([^"]*)"/g);
  expect(preloaded[0]).toBe("/sdk.js");
  for (const path of [...scripts, ...preloaded.slice(1)]) {
    const code = readFileSync(join(pageFolder, path), "utf8");
    const imported = [...code.matchAll(/\b(?:from|import)\s*"([^"]+)"/g)].map(
      ([, name = ""]) => new URL(name, `http://page${path}`).pathname,
    );
    expect({ path, late: imported.filter((one) => !preloaded.includes(one)) }).toEqual({ path, late: [] });
  }
});

test("no document has a script or a style in itself: its policy forbids both", () => {
  for (const document of ["index.html", "operator.html", "error.html"]) {
    const text = readFileSync(join(pageFolder, document), "utf8");
    expect(text).not.toMatch(/<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)|javascript:|https?:/i);
  }
});

test("no file tells where it was built", () => {
  for (const file of filesIn(pageFolder)) {
    const text = readFileSync(join(pageFolder, file), "latin1");
    expect({ file, tells: text.includes(root) || text.includes(`${tmpdir()}/`) }).toEqual({
      file,
      tells: false,
    });
  }
});

test("nothing is written again when nothing has changed", async () => {
  const times = () => filesIn(pageFolder).map((file) => statSync(join(pageFolder, file)).mtimeMs);
  const before = times();
  await buildPage();
  expect(times()).toEqual(before);
  expect(mayBuildHere()).toBe(true);
});
