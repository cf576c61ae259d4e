import { expect, test } from "vitest";
import { accesses } from "../../measure/lab/access.ts";
import { type ClientKind, clientKinds, hasLinks } from "../../measure/lab/clients.ts";
import { rungs } from "../../measure/lab/ladder.ts";
import { ladderText, rungVerdict } from "../../measure/lab/ladder-text.ts";
import { matrixPicture, titles } from "../../measure/lab/matrix-picture.ts";
import { matrixText, verdictText } from "../../measure/lab/matrix-text.ts";
import { pairOf, pairsOf } from "../../measure/lab/pair.ts";
import { type Cell, results as schema } from "../../measure/lab/results.ts";
import { uplinkChanges } from "../../measure/lab/uplinks.ts";
import { uplinksText } from "../../measure/lab/uplinks-text.ts";
import { verdictsOn } from "../../measure/lab/verdict.ts";
import { aCell, anUplinkCell, aRungCell, goodResults, goodResultsOf, noPaths } from "./a-cell.ts";

const missed = (cells: readonly Cell[], clients: ClientKind = "orion") =>
  verdictsOn({ cells: [...cells], uplinks: [], clients }).flatMap(({ what, reached }) =>
    reached ? [] : [what],
  );

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
  for (const [clients, targets] of [
    ["orion", 7],
    ["browsers", 5],
    ["mixed", 5],
    ["godot", 6],
    ["godot-mixed", 6],
    ["noray", 5],
    ["rabid", 2],
  ] as const) {
    const results = goodResultsOf(clients);
    expect(verdictsOn(results)).toHaveLength(targets);
    expect(missed(results.cells, clients)).toEqual([]);
    expect(verdictText(results)).not.toContain("MISSED");
  }
});

test("one run that goes wrong misses the target that it is about", () => {
  const { cells } = goodResults();
  const but = (a: string, b: string, about: Partial<(typeof cells)[number]>) =>
    missed(cells.map((cell) => (cell.a === a && cell.b === b ? { ...cell, ...about } : cell)));
  const oneRelay = { ...noPaths, direct: 19, relay: 1 };
  expect(but("symmetric", "cgnat", { connected: 19 })).toEqual(["connected"]);
  expect(but("none", "udp-dropped", { connected: 19, explained: 1 })).toEqual(["connected"]);
  expect(but("same-lan", "lossy", { paths: oneRelay })).toEqual(["direct"]);
  expect(but("none", "symmetric", { paths: oneRelay })).toEqual([]);
  expect(but("cgnat", "cgnat", { usableMs: { p50: 100, p95: 300 } })).toEqual([
    "usable, p95 of the slowest pair",
  ]);
  expect(but("none", "none", { directMs: { p50: 100, p95: 1_000 } })).toEqual(["direct, p95"]);
  expect(but("lossy", "lossy", { directMs: { p50: 100, p95: 2_000 } })).toEqual([]);
  expect(but("none", "none", { directMs: null })).toEqual(["direct, p95"]);
});

test("one run of noray's clients that goes wrong misses the target that it is about", () => {
  const { cells } = goodResultsOf("noray");
  const but = (a: string, b: string, about: Partial<Cell>) =>
    missed(
      cells.map((cell) => (cell.a === a && cell.b === b ? { ...cell, ...about } : cell)),
      "noray",
    );
  const noPath = { connected: 19, paths: { ...noPaths, relay: 19, none: 1 } };
  expect(but("symmetric", "symmetric", noPath)).toEqual(["connected", "connected by relay"]);
  expect(but("none", "symmetric", noPath)).toEqual(["connected"]);
  expect(but("none", "lossy", { paths: { ...noPaths, direct: 19, relay: 1 } })).toEqual(["punched"]);
  expect(but("same-lan", "udp-dropped", { explained: 19 })).toEqual(["told that the registrar is silent"]);
  expect(but("none", "none", { directMs: { p50: 100, p95: 1_000 } })).toEqual(["punched, p95"]);
  expect(but("none", "lossy", { directMs: { p50: 100, p95: 1_000 } })).toEqual([]);
});

test("Rabid's clients are to be connected over NATs that keep ports, and told why elsewhere", () => {
  const { cells } = goodResultsOf("rabid");
  const but = (a: string, b: string, about: Partial<Cell>) =>
    missed(
      cells.map((cell) => (cell.a === a && cell.b === b ? { ...cell, ...about } : cell)),
      "rabid",
    );
  expect(but("none", "lossy", { connected: 19 })).toEqual(["connected"]);
  expect(but("same-lan", "same-lan", { explained: 19 })).toEqual(["not connected, and told why"]);
  expect(but("full-cone", "cgnat", { explained: 19 })).toEqual(["not connected, and told why"]);
  expect(but("full-cone", "cgnat", { connected: 1, explained: 19 })).toEqual([]);
});

test("one game that does not go on after its uplink has changed misses its target, and so does a slow change", () => {
  const of = (about: object) =>
    verdictsOn({ cells: [], uplinks: [anUplinkCell("to-wifi", "cgnat", about)], clients: "orion" });
  expect(of({}).every(({ reached }) => reached)).toBe(true);
  expect(of({ flowed: 39 }).map(({ reached }) => reached)).toEqual([false, true]);
  expect(of({ flowMs: { p50: 100, p95: 3_000 } }).map(({ reached }) => reached)).toEqual([true, false]);
  expect(of({ flowed: 0, flowMs: null }).map(({ reached }) => reached)).toEqual([false, false]);
  expect(of({})[0]?.worst).toBe("to-wifi, peer cgnat");
});

test("a rung breaks where a game does not come about, does not last, or loses reliable messages", () => {
  expect(rungVerdict(aRungCell())).toBe("plays");
  for (const short of ["connected", "kept", "reliable"])
    expect(rungVerdict(aRungCell({ [short]: 19 }))).toBe("breaks");
  expect(rungVerdict(aRungCell({ silenceMs: { p50: 100, p95: 1_000 } }))).toBe("stalls");
});

test("texts and the picture tell of every change and of every rung, if there were any", () => {
  const results = goodResults();
  for (const { title } of [...uplinkChanges, ...rungs]) {
    expect(uplinksText(results) + ladderText(results)).toContain(title);
    expect(matrixPicture(results)).toContain(title);
  }
  const without = { ...results, uplinks: [], ladder: [] };
  expect(uplinksText(without) + ladderText(without)).toBe("");
  expect(matrixPicture(without)).not.toMatch(/uplink/);
});

test("one in twenty may be late with a symmetric NAT on one side, and not two", () => {
  const cells = (directInTime: number) => [aCell({ b: "symmetric", directInTime })];
  expect(missed(cells(19))).toEqual([]);
  expect(missed(cells(18))).toEqual(["direct within 10 s"]);
});

test("targets of pairs that were not run are not told", () => {
  const blocked = aCell({ a: "none", b: "udp-dropped", connected: 0, explained: 20 });
  for (const clients of clientKinds) {
    expect(verdictsOn({ cells: [blocked], uplinks: [], clients })).toHaveLength(hasLinks(clients) ? 2 : 1);
    expect(verdictsOn({ cells: [], uplinks: [], clients })).toEqual([]);
  }
});

test("the text has a row for every access, and tells the share of every path", () => {
  const results = goodResults();
  const text = matrixText({
    ...results,
    cells: [...results.cells.slice(1), aCell({ b: "none", paths: { ...noPaths, direct: 19, relay: 1 } })],
  });
  for (const access of accesses) expect(text).toMatch(new RegExp(`^${access} `, "m"));
  expect(text).toContain("direct 95 %");
  expect(text).toContain("relay 5 %");
  expect(text).toContain("120 / 150 ms");
  expect(text).not.toMatch(/NaN|undefined|Infinity|null/);
});

test("the picture has a coloured cell for every pair, says its times, and loads nothing", () => {
  const picture = matrixPicture(goodResults());
  expect(picture.match(/<g><rect class="(lan|direct|relay|websocket|none)"/g)).toHaveLength(36);
  expect(picture.match(/>120 \/ 150</g)).toHaveLength(25);
  expect(picture.match(/>120 \/ –</g)).toHaveLength(11);
  expect(picture).toContain("prefers-color-scheme: dark");
  expect(picture).not.toMatch(/NaN|undefined|Infinity|null/);
  expect(picture.replace(/ xmlns="[^"]*"/, "")).not.toMatch(/https?:|href|url\(|@import|<script/);
});

test("the picture of other clients has their title and no path that they have not", () => {
  for (const clients of ["noray", "rabid"] as const) {
    const picture = matrixPicture(goodResultsOf(clients));
    expect(picture).toContain(`>${titles[clients]}<`);
    expect(picture).not.toContain('<rect class="lan"');
    expect(picture.match(/<g><rect class="(direct|relay|told)"/g)).toHaveLength(36);
    expect(picture).not.toMatch(/NaN|undefined|Infinity|null/);
  }
});

test("a pair whose runs differ has a stripe of each colour, as wide as its share", () => {
  const cell = aCell({ runs: 10, connected: 9, paths: { ...noPaths, direct: 8, relay: 1, none: 1 } });
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
  for (const clients of clientKinds) {
    const results = goodResultsOf(clients);
    expect(schema.parse(results)).toEqual(results);
  }
});

test("results without a word on clients are of Orion's", () => {
  const { clients, ...older } = goodResults();
  expect(schema.parse(older).clients).toBe(clients);
});
