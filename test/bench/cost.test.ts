import { expect, test } from "vitest";
import { assumed } from "../../measure/bench/cost/assumed.ts";
import { costText, idleCostText, idleTallyOf, idleVariants, tallyOf } from "../../measure/bench/cost/cost.ts";
import { billFor, dollarsPerMillion } from "../../measure/bench/cost/prices.ts";
import { type Tally, usageOf } from "../../measure/bench/cost/tally.ts";
import { aCost, anIdleCost } from "./a-run.ts";

const sumOf = (counts: number[]) => counts.reduce((sum, count) => sum + count, 0);
const total = ({ objects }: Tally, of: "messages" | "closes" | "rowsWritten" | "awakeMs") =>
  sumOf(Object.values(objects).map((object) => object[of]));
const callsOf = ({ calls }: Tally, method: string) =>
  sumOf(Object.entries(calls).map(([name, count]) => (name.endsWith(`.${method}`) ? count : 0)));

test.for([
  { name: "direct path", direct: true, apart: false },
  { name: "plain path", direct: false, apart: false },
  { name: "plain path, each in another lounge", direct: false, apart: true },
])("what players do is counted, no more and no less: $name", async ({ direct, apart }) => {
  const tally = await tallyOf({ direct, apart, isPublic: true }, 1);
  // 4 connections, a lobby created, 3 joins and a start; the sidecar may gather the datagrams of several players.
  const posts = tally.workerRequests - (4 + 1 + 3 + 1);
  expect(posts).toBeGreaterThanOrEqual(1);
  expect(posts).toBeLessThanOrEqual(4);
  // Who has a lounge of their own was sent to one that was full before.
  expect(callsOf(tally, "fetch")).toBeGreaterThanOrEqual(4);
  expect(callsOf(tally, "fetch")).toBeLessThanOrEqual(apart ? 12 : 4);
  // 30 lines of chat and 4 reports of success.
  expect(total(tally, "messages")).toBe(30 + 4);
  expect(total(tally, "closes")).toBe(4);
  if (apart) expect(total(tally, "awakeMs")).toBeGreaterThan(30 * assumed.callMs);
  const { objectRequests, rowsWritten, secondsAwake, alarms } = usageOf(tally, 1);
  expect(objectRequests).toBeCloseTo(sumOf(Object.values(tally.calls)) + alarms + 34 / 20);
  expect(rowsWritten).toBeGreaterThan(0);
  expect(secondsAwake).toBeLessThan(20);
});

test.for([
  { name: "direct", perDay: { alarms: 0, rows: 0 } },
  // A look for those who stopped pinging every hour, and the alarm for the next.
  { name: "direct, pinging", perDay: { alarms: 24, rows: 24 } },
])("an idle lobby's alarms ring when they are due: $name", async ({ name, perDay }) => {
  const kind = idleVariants.find((variant) => variant.name === name);
  if (!kind) throw new Error("no such variant");
  const { alarms, rowsWritten, workerRequests } = usageOf(await idleTallyOf(kind, 24), 1);
  expect(workerRequests).toBe(0);
  expect(alarms).toBe(perDay.alarms);
  expect(rowsWritten).toBe(perDay.rows);
});

test("a tally of several sessions becomes what one uses", () => {
  const page = { messages: 0, framesAtOnce: 0, closes: 0, alarms: 0, rowsWritten: 0, awakeMs: 0 };
  const tally: Tally = {
    workerRequests: 20,
    calls: { "LOBBY.fetch": 8, "LOUNGE.receive": 12 },
    objects: {
      Lobby: { messages: 40, framesAtOnce: 0, closes: 8, alarms: 4, rowsWritten: 10, awakeMs: 1_000 },
      Directory: { ...page, rowsWritten: 4, awakeMs: 280 },
    },
  };
  const events = 8 + 12 + 40 + 8 + 4;
  expect(usageOf(tally, 2)).toEqual({
    workerRequests: 10,
    workerCpuMs: 10 * assumed.workerCpuMs,
    objectRequests: (8 + 12 + 4 + 40 / 20) / 2,
    rowsWritten: 7,
    secondsAwake: expect.closeTo((1.28 + (events * assumed.eventMs) / 1_000) / 2),
    alarms: 2,
  });
});

test("dollars follow from what is used", () => {
  const usage = { workerRequests: 10, workerCpuMs: 10, objectRequests: 20, rowsWritten: 8, secondsAwake: 2 };
  expect(billFor(usage).map(({ title, dollars }) => [title, Number(dollars.toFixed(6))])).toEqual([
    ["Worker requests", 3],
    ["Worker CPU", 0.2],
    ["Object requests", 3],
    ["Rows written", 8],
    ["Time awake", 3.2],
  ]);
  expect(dollarsPerMillion(usage)).toBeCloseTo(17.4);
});

test("the text has every part, the sum, the target and the prices", () => {
  const text = costText([aCost(), aCost({ name: "dear", dollarsPerMillion: 30 })]);
  expect(text).toMatch(/^Rows written +8 +8$/m);
  expect(text).toMatch(/^Rows written +\$8\.00 +\$8\.00$/m);
  expect(text).toMatch(/^all +\$17\.40 +\$30\.00$/m);
  expect(text).toMatch(/^target +\$25\.00 reached +\$25\.00 missed$/m);
  expect(text).toContain("Time awake, s × 0.128 GB × $12.5 a million GB-s");
  expect(text).toContain("Workers Paid plan");
});

test("the text of idle lobbies has what an hour uses, the month, and the target", () => {
  const text = idleCostText([anIdleCost(), anIdleCost({ name: "dear", dollarsPerMonth: 30 })]);
  expect(text).toMatch(/^Rows written +8 +8$/m);
  expect(text).toMatch(/^all +\$8\.00 +\$30\.00$/m);
  expect(text).toMatch(/^target +\$10\.00 reached +\$10\.00 missed$/m);
});
