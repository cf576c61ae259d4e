import { expect, test } from "vitest";
import { prices } from "../../core/bill.ts";
import { measureLinkHour, perSecond } from "../../measure/bench/cost/relay-link.ts";

/** How long they play. Each second costs the same. */
const seconds = 10;

test("an hour of a link over the WebSocket relay, 20 packets a second each way, costs less than a cent, and no more than is charged", async () => {
  const { dollars, passed, ...usage } = await measureLinkHour(seconds);
  const frames = 2 * perSecond * 3_600;
  const charged = (frames * prices.relayFrame) / 1e6;
  console.log(`billed $${dollars.toFixed(5)} an hour, charged $${charged.toFixed(5)}:`, usage);
  expect(passed).toBe(2 * seconds * perSecond);
  // Each packet is a frame that comes in, a twentieth of a request. No calls, no rows, no alarms, but for claims.
  expect(usage.objectRequests / (frames / 20)).toBeCloseTo(1, 1);
  expect(usage.alarms).toBe(0);
  expect(dollars).toBeLessThan(0.01);
  expect(charged).toBeGreaterThan(dollars);
  expect(charged).toBeLessThan(2 * dollars);
});
