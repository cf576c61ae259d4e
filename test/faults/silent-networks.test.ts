/** A network that falls silent in the middle: nobody is told, and both ends find out. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { connect } from "../../client/index.ts";
import { sharedLimits } from "../../core/limits.ts";
import type { Server } from "../../local/server.ts";
import { setLimits, startFaultyServer } from "../../measure/kit/server.ts";
import { type Cable, layCable } from "../client/cable.ts";
import { names, next, record } from "../client/heard.ts";

const { pongMs } = sharedLimits;
let server: Server;
let cable: Cable;
beforeAll(async () => {
  server = await startFaultyServer({ udpPort: null });
  // The shortest that the SDK takes; and long enough that a busy machine does not pass for a silent network.
  await setLimits(server.url, { pingMs: 1_000, pinglessMs: 6_000, pingCheckMs: 1_000 });
  Object.assign(sharedLimits, { pongMs: 3_000 });
  cable = await layCable(server.url);
});
afterAll(async () => {
  Object.assign(sharedLimits, { pongMs });
  await cable.close();
  await server.stop();
});

test("a player whose network falls silent is told so, the rest are told that it left, and they stay", async () => {
  await using ada = await (await connect(server.url)).host({ name: "Ada", graceMs: 0 });
  await using bo = await (await connect(server.url)).join(ada.code, { name: "Bo" });
  const cy = await (await connect(cable.url)).join(ada.code, { name: "Cy" });
  const events = record(ada, "left", "closed");
  const told = [next(ada, "left"), next(bo, "left"), next(cy, "closed")];
  cable.silence();
  expect(await Promise.all(told)).toMatchObject([{ name: "Cy" }, { name: "Cy" }, { reason: "disconnected" }]);
  // The others have said no word either, and pinged.
  await bo.chat("Where is Cy?");
  expect(events).toMatchObject([["left", { name: "Cy" }]]);
  expect(names(ada)).toEqual(["Ada", "Bo"]);
}, 40_000);

test("in a lobby that keeps places, a player whose network falls silent comes back by itself, and has missed nothing", async () => {
  await setLimits(server.url, { presentMs: 0 });
  await using ada = await (await connect(server.url)).host({ name: "Ada" });
  await using cy = await (await connect(cable.url)).join(ada.code, { name: "Cy" });
  const events = record(ada, "left", "closed");
  const resumed = next(cy, "resumed");
  cable.silence();
  const heard = next(cy, "chat");
  await ada.chat("Are you there?");
  expect(await resumed).toEqual({ isComplete: true });
  expect(await heard).toMatchObject({ text: "Are you there?" });
  await cy.chat("Here.");
  expect(events).toEqual([]);
}, 40_000);
