import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { expect, onTestFinished, test } from "vitest";
import { reportHtml } from "../../measure/bench/report.ts";
import { aCost, aFigure, aGrowth, aRun } from "./a-run.ts";

const many = aRun({
  figures: [
    aFigure(),
    aFigure({
      name: "idle-10000",
      p50Ms: null,
      p99Ms: null,
      floor: null,
      target: [],
      more: { memoryKiB: 7 },
    }),
    aFigure({ name: "chat-64/a-name-that-is-much-too-long-for-any-chart", p50Ms: 0, p99Ms: 900 }),
  ],
  growths: [aGrowth(), aGrowth({ name: "list", of: "other lobbies", ratio: 3, target: 1.5 })],
  costs: [aCost(), aCost({ name: "plain, public", target: null })],
});
const countOf = (text: string, what: RegExp) => text.match(what)?.length ?? 0;

test("there is a picture for latency, for the ratios, for the costs, and for everything there was more and more of", () => {
  const page = reportHtml(many);
  expect(countOf(page, /<svg /g)).toBe(5);
  expect(countOf(page, /<svg role="img" aria-label="[^"]{20,}"/g)).toBe(5);
  expect(page).not.toMatch(/NaN|undefined|Infinity|\[object/);
});

test("every figure, growth and cost is named", () => {
  const page = reportHtml(many);
  for (const { name, title } of [...many.figures, ...many.growths, ...many.costs, ...many.idleCosts]) {
    expect(page).toContain(`>${name}<`);
    expect(page).toContain(title);
  }
});

test("a word says of each target whether it is reached", () => {
  const target = [{ of: "ratio" as const, most: 2 }];
  const floor = { name: "floor", times: 1, ratio: 2 };
  const figures = [
    aFigure({ name: "one", target, floor }),
    aFigure({ name: "two", target, floor: { ...floor, ratio: 2.1 } }),
    aFigure({ name: "three", target: [{ of: "memoryKiB", most: 8 }] }),
  ];
  const page = reportHtml(aRun({ figures, growths: [], costs: [], idleCosts: [] }));
  expect(page).toContain("1 of 3 targets reached.");
  expect(page).toContain("<li><b>two</b>: ratio to the floor 2.10 ×, to be at most 2 ×</li>");
  expect(page).toContain("✓ reached</b> ratio to the floor ≤ 2 ×");
  expect(page).toContain("✗ missed</b> ratio to the floor ≤ 2 ×");
  expect(page).toContain("✗ not measured</b> memory ≤ 8 KiB");
});

test("a run that measured nothing makes a page without pictures", () => {
  const page = reportHtml(aRun({ figures: [], growths: [], costs: [], idleCosts: [] }));
  expect(page).toContain("A processor, 2 cores");
  expect(page).not.toContain("<svg");
});

test("nothing is loaded from anywhere", () => {
  const page = reportHtml(many).replaceAll(/ xmlns(:xlink)?="http:\/\/www\.w3\.org\/[^"]*"/g, "");
  expect(page).not.toMatch(/https?:|\bsrc=|\bhref=|url\((?!#)|@import|<script/);
});

test("texts of the results are escaped wherever they stand", () => {
  const text = `<script>alert("x")</script>&'$&`;
  const machine = { cpu: text, cores: 1, memoryGiB: 1, system: text, node: text, workerd: text };
  const page = reportHtml(
    aRun({
      at: text,
      commit: text,
      machine,
      figures: [
        aFigure({ name: text, title: text, floor: { name: text, times: 2, ratio: 3 }, more: { [text]: 1 } }),
      ],
      growths: [aGrowth({ name: text, title: text, of: text })],
      costs: [aCost({ name: text, title: text })],
    }),
  );
  expect(page).not.toContain("<script");
  expect(page).not.toContain('alert("');
  expect(countOf(page, /<svg /g)).toBe(4);
});

test("a browser shows the page with all its pictures", ({ skip }) => {
  const [command = ""] = ["chromium", "chromium-browser", "google-chrome"].filter(
    (name) => spawnSync(name, ["--version"]).status === 0,
  );
  if (command === "") skip("no Chromium is installed");
  const folder = mkdtempSync(join(tmpdir(), "orion-edge-report-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true, maxRetries: 3 }));
  const file = join(folder, "report.html");
  writeFileSync(file, reportHtml(many));
  const options = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    `--user-data-dir=${join(folder, "profile")}`,
  ];
  const shown = spawnSync(command, [...options, "--dump-dom", pathToFileURL(file).href], {
    encoding: "utf8",
    timeout: 25_000,
  });
  expect(shown.status).toBe(0);
  expect(shown.stdout).toContain("</main>");
  expect(countOf(shown.stdout, /<svg /g)).toBe(5);
  expect(countOf(shown.stdout, /<\/svg>/g)).toBe(5);
});
