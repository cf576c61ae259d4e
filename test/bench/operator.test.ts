/** What the operator's view costs: the page on costs has these figures. */
import { expect, test } from "vitest";
import { statsLimits } from "../../core/stats/limits.ts";
import { idleVariants, variants } from "../../measure/bench/cost/cost.ts";
import { measureIdle, measurePage, measureSession } from "../../measure/bench/cost/operator-view.ts";
import { platformLimits } from "../../worker/platform/limits.ts";

const kindOf = (name: string) => variants.find((kind) => kind.name === name) ?? variants[0];
const told = (what: string, cost: object) => console.log(what, JSON.stringify(cost));

test("a session of four players tells the view at most five things", async () => {
  const kind = kindOf("direct");
  if (!kind) throw new Error("no such variant");
  const cost = await measureSession(kind);
  told("session", cost);
  // Opened, three who join, and how it ended; those who join together share a call. Each has its row only where there are few.
  expect(cost.objectRequests).toBeGreaterThan(2);
  expect(cost.objectRequests).toBeLessThan(5.01);
  expect(cost.rowsWritten).toBeLessThanOrEqual(5);
  expect(cost.dollars - cost.rowsWritten).toBeLessThan(1.2);
}, 120_000);

test("10 000 idle lobbies, rows and an open page cost less than $5 a month", async () => {
  const kind = idleVariants.find(({ name }) => name === "direct, public");
  if (!kind) throw new Error("no such variant");
  const idle = await measureIdle(kind, 10_000, 24);
  told("idle", idle);
  const page = await measurePage();
  told("page", page);
  // Each audit tells once. If the objects sleep between, as they do when little happens, it is worth a row twice a day.
  expect(idle.objectRequests).toBeLessThanOrEqual(0.26);
  expect(idle.rowsWritten).toBeLessThanOrEqual(2.1 / 24);
  expect(page.rowsWritten).toBe(0);
  const fleet = (30.4 * 86_400 * 1000 * (0.15 + 1)) / platformLimits.fleetToldMs / 1e6;
  const rows = (10_000 * 30.4 * 86_400_000) / statsLimits.statsAliveRowMs / 1e6;
  expect(idle.dollars + rows + page.dollars + fleet).toBeLessThan(5);
}, 240_000);

test("whatever happens, the rows of a month are bounded", () => {
  const perSecond = platformLimits.statsObjects * statsLimits.statsRowsPerSecond;
  // $1 a million.
  expect(30.4 * 86_400 * perSecond).toBeLessThan(2.2e6);
});
