/** Figures on the pages that a reference run has measured are those of that run. The tables of costs have a test of their own (costs.test.ts). */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { results } from "../../measure/bench/results.ts";
import { root } from "../../measure/kit/program.ts";
import type { Cell, Results } from "../../measure/lab/results.ts";

const read = (path: string) => readFileSync(`${root}${path}`, "utf8");
const lab = (clients: string): Results => JSON.parse(read(`measure/lab/results/reference-${clients}.json`));
const { costs } = results.parse(JSON.parse(read("measure/bench/results/reference.json")));
const dollars = costs.map(({ dollarsPerMillion }) => dollarsPerMillion);
const sum = (numbers: readonly number[]) => numbers.reduce((a, b) => a + b, 0);
const seconds = (ms: number, digits: number) => (ms / 1000).toFixed(digits);
const median = (numbers: number[]) =>
  numbers.sort((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? Number.NaN;
const medians = (cells: readonly Cell[]) => cells.map(({ usableMs }) => usableMs?.p50 ?? Number.NaN);

/** The sentences that a page does not have. */
function missing(path: string, sentences: readonly string[]): string[] {
  const text = read(path).replaceAll(/\s+/g, " ");
  return sentences.filter((sentence) => !text.includes(sentence));
}

test("the first page says what a million sessions cost, from the cheapest way to the dearest", () => {
  const [least, most] = [Math.min(...dollars), Math.max(...dollars)];
  const cost = `a million sessions of four players cost ${least.toFixed(0)} to ${most.toFixed(0)} dollars`;
  expect(missing("README.md", [cost])).toEqual([]);
});

test("the sessions that a plan includes, and the bill of a million players, follow from the reference run", () => {
  const [direct] = costs;
  const apart = costs.find(({ name }) => name === "plain, apart");
  if (!direct || !apart) throw new Error("The reference run has not both paths.");
  const included = 1_000_000 / direct.objectRequests;
  const free = 100_000 / direct.objectRequests;
  const hour = (cost: number) => ((cost * 1_500_000) / 1_000_000).toFixed(0);
  expect(
    missing("docs/costs.md", [
      `which is ${Math.round(included / 1000)} 000 sessions`,
      `for some ${Math.floor(free / 1000)} 000 such sessions a day`,
    ]),
  ).toEqual([]);
  expect(
    missing("docs/scaling.md", [
      `$${hour(direct.dollarsPerMillion)} an hour by the direct path, $${hour(apart.dollarsPerMillion)} with everybody apart`,
    ]),
  ).toEqual([]);
});

test("the page on clients of other servers has what the lab measured of noray's, and of Rabid's", () => {
  const [noray, rabid] = [lab("noray"), lab("rabid")];
  const withUdp = noray.cells.filter(({ a, b }) => a !== "udp-dropped" && b !== "udp-dropped");
  const punched = noray.cells.filter(({ paths, runs }) => paths.direct === runs);
  const relayed = noray.cells.filter(({ paths, runs }) => paths.relay === runs);
  const changing = relayed.filter(({ a, b }) =>
    [a, b].every((one) => one === "symmetric" || one === "cgnat"),
  );
  const runsOf = (cells: readonly Cell[]) => sum(cells.map(({ runs }) => runs));
  const connected = (cells: readonly Cell[]) => sum(cells.map((cell) => cell.connected));
  const met = rabid.cells.filter((cell) => cell.connected > 0);
  expect([connected(withUdp), connected(met)]).toEqual([runsOf(withUdp), runsOf(met)]);
  const slowest = Math.max(...punched.map(({ usableMs }) => usableMs?.p95 ?? Number.NaN));
  expect(
    missing("docs/dialects.md", [
      `of ${noray.cells.length} pairs of networks, with ${noray.runs} runs of each for noray and ${rabid.runs} for Rabid`,
      `${noray.delayMs} ms for a round trip to the server`,
      `All ${runsOf(withUdp)} runs in which both players have UDP connected`,
      `punched, in ${seconds(Math.min(...medians(punched)), 2)} to ${seconds(Math.max(...medians(punched)), 2)} s in the median`,
      `by relay, ${connected(changing)} of ${runsOf(changing)} runs`,
      `A relay is usable after ${seconds(median(medians(relayed)), 1)} s`,
      `All ${runsOf(met)} runs over NATs that keep the port connected`,
      `It takes ${seconds(median(medians(met)), 0)} s from the start to the game`,
    ]),
  ).toEqual([]);
  // The page rounds it up to a twentieth of a second.
  expect(Number(seconds(Math.ceil(slowest / 50) * 50, 2))).toBe(
    Number(/at most (0\.\d+) s for 95 of 100/.exec(read("docs/dialects.md"))?.[1]),
  );
});
