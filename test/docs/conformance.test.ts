/** What the conformance kit says of the pages is so, and the page for authors of clients says what the kit has. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { scripts } from "../../conformance/conformance.ts";
import { levels, rules } from "../../conformance/rules.ts";
import { root } from "../../measure/kit/program.ts";

const source = (path: string) => readFileSync(`${root}${path}`, "utf8");
const anchorOf = (heading: string) =>
  heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, "")
    .replaceAll(" ", "-");

test("every rule names a section that is there", () => {
  const missing = Object.entries(rules).filter(([, { section }]) => {
    const [path = "", anchor] = section.split("#");
    const headings = [...source(path).matchAll(/^#+ (.+)$/gm)].map(([, heading = ""]) => anchorOf(heading));
    return anchor === undefined || !headings.includes(anchor);
  });
  expect(missing).toEqual([]);
});

test("every rule is a plain sentence, and every run says what it is about", () => {
  const texts = [
    ...Object.values(rules).map(({ says }) => says),
    ...Object.values(scripts).map(({ about }) => about),
  ];
  for (const text of texts) expect(text).toMatch(/^[A-Z].*\.$/);
});

test("the page for authors of clients has every level, and every order", () => {
  const page = source("docs/writing-a-client.md");
  for (const level of levels) expect(page).toContain(`| \`${level}\` |`);
  const orders = new Set(
    [...source("conformance/runs/steps.ts").matchAll(/orders\([`"](\w+)/g)].map(([, order = ""]) => order),
  );
  expect(orders).toEqual(new Set(["say", "start"]));
  for (const order of [...orders, "leave"]) expect(page).toContain(`\`kit: ${order}`);
});

test("each file of vectors is on their page", () => {
  const page = source("conformance/vectors/README.md");
  const files = ["messages", "signed-datagrams", "probes", "tickets", "peer-packets", "sealed", "reliable"];
  for (const file of files) expect(page).toContain(`[${file}.json](${file}.json)`);
});
