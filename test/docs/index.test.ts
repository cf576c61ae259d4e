/** The index of the pages: each page is one answer, and is listed under the question. */
import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { root } from "../../measure/kit/program.ts";

const index = readFileSync(`${root}docs/README.md`, "utf8");

test("every page is listed under a question", () => {
  const pages = readdirSync(`${root}docs`).filter((name) => name.endsWith(".md") && name !== "README.md");
  expect(pages.length).toBeGreaterThan(20);
  expect(pages.filter((name) => !index.includes(`](${name})`))).toEqual([]);
});

test("every row asks a question of its own, and no two rows ask the same", () => {
  const rows = [...index.matchAll(/^\| (.+?) \| (.+?) \|$/gm)].map(([, question = ""]) => question);
  const questions = rows.filter((text) => text !== "question" && !/^-+$/.test(text));
  expect(questions.length).toBeGreaterThan(20);
  expect(questions.filter((text) => !text.endsWith("?"))).toEqual([]);
  expect(new Set(questions).size).toBe(questions.length);
});
