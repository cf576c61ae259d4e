import { expect, test } from "vitest";
import { accesses } from "../../measure/lab/access.ts";
import { matrixPicture } from "../../measure/lab/matrix-picture.ts";
import { matrixText, verdictText } from "../../measure/lab/matrix-text.ts";
import { pairOf, pairsOf } from "../../measure/lab/pair.ts";
import { results as schema } from "../../measure/lab/results.ts";
import { verdictsOn } from "../../measure/lab/verdict.ts";
import { aCell, goodResults } from "./a-cell.ts";

const missed = (cells: Parameters<typeof verdictsOn>[0]) =>
  verdictsOn(cells).flatMap(({ what, reached }) => (reached ? [] : [what]));

test("every pair of accesses is there once", () => {
  expect(pairsOf(accesses)).toHaveLength(36);
  expect(pairsOf(["none", "cgnat"])).toEqual([
    { a: "none", b: "none" },
    { a: "none", b: "cgnat" },
    { a: "cgnat", b: "cgnat" },
  ]);
  expect(pairOf("cgnat", "none")).toEqual(pairOf("none", "cgnat"));
});

test("all as it should be reaches every target", () => {
  const { cells } = goodResults();
  expect(verdictsOn(cells)).toHaveLength(6);
  expect(missed(cells)).toEqual([]);
  expect(verdictText(cells)).not.toContain("MISSED");
});

test("one run that goes wrong misses the target that it is about", () => {
  const { cells } = goodResults();
  const but = (a: string, b: string, about: Partial<(typeof cells)[number]>) =>
    missed(cells.map((cell) => (cell.a === a && cell.b === b ? { ...cell, ...about } : cell)));
  const oneRelay = { lan: 0, direct: 19, relay: 1, none: 0 };
  expect(but("symmetric", "cgnat", { connected: 19 })).toEqual(["connected"]);
  expect(but("none", "udp-dropped", { explained: 19 })).toEqual(["connected, or told that UDP is blocked"]);
  expect(but("same-lan", "lossy", { paths: oneRelay })).toEqual(["direct"]);
  expect(but("none", "symmetric", { paths: oneRelay })).toEqual([]);
  expect(but("cgnat", "cgnat", { usableMs: { p50: 100, p95: 500 } })).toEqual(["usable, p95"]);
  expect(but("none", "none", { directMs: { p50: 100, p95: 1_000 } })).toEqual(["direct, p95"]);
  expect(but("lossy", "lossy", { directMs: { p50: 100, p95: 2_000 } })).toEqual([]);
  expect(but("none", "none", { directMs: null })).toEqual(["direct, p95"]);
});

test("one in twenty may be late with a symmetric NAT on one side, and not two", () => {
  const cells = (directInTime: number) => [aCell({ b: "symmetric", directInTime })];
  expect(missed(cells(19))).toEqual([]);
  expect(missed(cells(18))).toEqual(["direct within 10 s"]);
});

test("targets of pairs that were not run are not told", () => {
  expect(verdictsOn([aCell({ a: "none", b: "udp-dropped", connected: 0, explained: 20 })])).toHaveLength(1);
  expect(verdictsOn([])).toEqual([]);
});

test("the text has a row for every access, and tells the share of every path", () => {
  const results = goodResults();
  const text = matrixText({
    ...results,
    cells: [
      ...results.cells.slice(1),
      aCell({ b: "none", paths: { lan: 0, direct: 19, relay: 1, none: 0 } }),
    ],
  });
  for (const access of accesses) expect(text).toMatch(new RegExp(`^${access} `, "m"));
  expect(text).toContain("direct 95 %");
  expect(text).toContain("relay 5 %");
  expect(text).toContain("120 / 150 ms");
  expect(text).not.toMatch(/NaN|undefined|Infinity|null/);
});

test("the picture has a coloured cell for every pair, says its times, and loads nothing", () => {
  const picture = matrixPicture(goodResults());
  expect(picture.match(/<g><rect class="(lan|direct|relay|told|none)"/g)).toHaveLength(36);
  expect(picture.match(/>120 \/ 150</g)).toHaveLength(25);
  expect(picture.match(/>120 \/ –</g)).toHaveLength(3);
  expect(picture).toContain("prefers-color-scheme: dark");
  expect(picture).not.toMatch(/NaN|undefined|Infinity|null/);
  expect(picture.replace(/ xmlns="[^"]*"/, "")).not.toMatch(/https?:|href|url\(|@import|<script/);
});

test("a pair whose runs differ has a stripe of each colour, as wide as its share", () => {
  const cell = aCell({ runs: 10, connected: 9, paths: { lan: 0, direct: 8, relay: 1, none: 1 } });
  const picture = matrixPicture({ ...goodResults(), cells: [cell] });
  const widths = [...picture.matchAll(/<rect class="(\w+)"[^>]* width="([\d.]+)" height="55"/g)].map(
    ([, kind, width]) => [kind, Number(width)],
  );
  const [[, direct] = []] = widths;
  expect(widths.map(([kind]) => kind)).toEqual(["direct", "relay", "none"]);
  expect(widths[1]?.[1]).toBeCloseTo(Number(direct) / 8, 0);
  expect(picture).toContain("80 % direct");
});

test("results are what their schema says", () => {
  expect(schema.parse(goodResults())).toEqual(goodResults());
});
