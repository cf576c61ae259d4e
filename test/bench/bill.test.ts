/** What one address can cost: whatever it does, it is charged more than Cloudflare bills for it. And a crowd behind one is not refused. */
import { expect, test } from "vitest";
import { budgetRate } from "../../core/bill.ts";
import { sharedLimits } from "../../core/limits.ts";
import { settings } from "../../core/settings.ts";
import {
  callsOfSpreadLobby,
  costOfAllAtOnce,
  costWhenAllIsSpent,
  countMeans,
  honestSession,
  means,
} from "../../measure/bench/cost/attackers.ts";
import { edgeLimits } from "../../worker/edge/limits.ts";
import { platformLimits } from "../../worker/platform/limits.ts";
import { holderLimits } from "../../worker/sessions/limits.ts";
import { testCharges } from "./a-bill.ts";

const { burst, perSecond } = budgetRate(settings.networkCentsPerDay.default);

testCharges(means);

test.concurrent("a hundred players behind one address play all evening, and spend three quarters of what their network may", async () => {
  const { billed, charged } = await countMeans(honestSession, { purses: true });
  console.log(`${honestSession.name}: billed ${billed.toFixed(3)}, charged ${charged.toFixed(3)}`);
  const hours = 8;
  // 25 lobbies of four, each for ten minutes, then the next. One of the four may need a second purse, and need it for little.
  const sessions = 25 * 6 * hours;
  expect(sessions * charged).toBeLessThan((3 / 4) * (burst + hours * 3_600 * perSecond));
}, 60_000);

test.concurrent("an address that does all it can is billed no more than its network may cost", async () => {
  const cents = 2;
  const { billed, sessions, seconds } = await costOfAllAtOnce(cents, 200);
  const rate = budgetRate(cents);
  const most =
    rate.burst + seconds * rate.perSecond + edgeLimits.toldMicros + sessions * holderLimits.memberOverdraft;
  console.log(
    `all at once: billed ${billed.toFixed(0)} of ${most.toFixed(0)} in ${seconds.toFixed(0)} s, ${sessions} sessions`,
  );
  expect(billed).toBeGreaterThan(rate.burst / 10);
  expect(billed).toBeLessThanOrEqual(most);
}, 180_000);

test.concurrent("sessions whose network has spent all cost no more than they were given, whatever happens to them by itself", async () => {
  const [cents, sessions, looks] = [1, 20, 60];
  const billed = await costWhenAllIsSpent(cents, { sessions, looks });
  const { purseMicros, memberOverdraft } = holderLimits;
  const comesBack = budgetRate(cents).perSecond * looks * 120;
  const most = sessions * (purseMicros + memberOverdraft) + comesBack;
  console.log(`after all is spent: billed ${billed.toFixed(0)} of ${most.toFixed(0)}`);
  expect(billed).toBeGreaterThan(most / 10);
  expect(billed).toBeLessThanOrEqual(most);
}, 180_000);

test.concurrent("a lobby with members in many other people's objects calls them so often a second in all, and all hear the same", async () => {
  const [objects, seconds] = [20, 20];
  const began = performance.now();
  const { calls, heard, same } = await callsOfSpreadLobby(objects, seconds);
  // A machine that is busy takes longer to say them all.
  const tookS = Math.max(1.5 * seconds, (performance.now() - began) / 1000);
  console.log(`${heard} lines heard in ${objects} objects: ${calls} calls`);
  const { allCallBurst, allCallsPerSecond } = platformLimits;
  expect(calls).toBeLessThanOrEqual(allCallBurst + tookS * allCallsPerSecond);
  expect(heard).toBeGreaterThan(sharedLimits.chatBurst);
  expect(same).toBe(true);
}, 120_000);
