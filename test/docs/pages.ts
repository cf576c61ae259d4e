/** The pages that people read, as text. Results of measurements are not among them. */
import { readdirSync, readFileSync } from "node:fs";
import { root } from "../../measure/kit/program.ts";

const paths = [
  "README.md",
  "CONTRIBUTING.md",
  "CHANGELOG.md",
  "SECURITY.md",
  "client/README.md",
  ...pagesIn("docs"),
  ...pagesIn("examples"),
  ...pagesIn("conformance"),
  "packages/conformance/README.md",
  "packages/server/README.md",
  "packages/sidecar/README.md",
];

function pagesIn(folder: string): string[] {
  return readdirSync(`${root}${folder}`, { withFileTypes: true }).flatMap((entry) => {
    const path = `${folder}/${entry.name}`;
    if (entry.name === "node_modules") return [];
    if (entry.isDirectory()) return pagesIn(path);
    return path.endsWith(".md") ? [path] : [];
  });
}

export type Page = { path: string; text: string };

export const pages: Page[] = paths.map((path) => ({ path, text: readFileSync(`${root}${path}`, "utf8") }));

/** What a pattern's first group matches on any page, and on which: `docs/x.md: what`. */
export function found(pattern: RegExp): { page: Page; what: string }[] {
  return pages.flatMap((page) => [...page.text.matchAll(pattern)].map(([, what = ""]) => ({ page, what })));
}
