/** Hosts that vanish without a word, and hosts that come back: what takes seconds to notice. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { connect } from "../../client/index.ts";
import type { Server } from "../../local/server.ts";
import { startTestServer } from "../../measure/kit/server.ts";
import { names, party, partyOptions, playing, role, seen, stars, until } from "../game/a-party.ts";

let server: Server;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.stop());

test("a host that falls silent without a word is stood in for, and follows when it is back", async () => {
  const [ada, bo, cy] = await party(server.url, 3);
  if (!ada || !bo || !cy) throw new Error("Three play.");
  await until(() => names(cy).length === 3 && stars(cy) >= 3);
  // Its program hangs: the server does not know that yet.
  ada.bot.stop();
  const at = performance.now();
  await until(() => role(bo) === "leading" && cy.bot.flight.stats.leaderId === bo.lobby.clientId);
  expect(performance.now() - at).toBeLessThan(2_500);
  await until(() => seen(cy).get("Ada")?.isGhost === true);
  const { tick: before } = bo.bot.flight.stats;
  const back = playing(ada.lobby);
  // It hears what was played meanwhile, and goes on with that, as the lobby's host.
  await until(() => role(back) === "leading" && role(bo) === "following" && role(cy) === "following");
  await until(() => cy.bot.flight.stats.leaderId === ada.lobby.clientId);
  expect(back.bot.flight.stats.tick).toBeGreaterThanOrEqual(before);
  await until(() => seen(cy).get("Ada")?.isGhost === false);
}, 60_000);

test("a host who plays alone and comes back finds its tail as it was kept with the lobby", async () => {
  const [ada] = await party(server.url, 1);
  if (!ada) throw new Error("She plays alone.");
  expect(role(ada)).toBe("leading");
  await until(() => names(ada).join() === "Ada,~1,~2");
  // It is kept after ten seconds.
  await until(() => ada.bot.flight.stats.tick > 660);
  ada.bot.stop();
  const again = playing(ada.lobby, { comesBack: true });
  const at = performance.now();
  // A new game is at 60 ticks after a second.
  await until(() => again.bot.flight.stats.tick - ((performance.now() - at) * 60) / 1_000 > 500);
  expect(names(again)).toEqual(["Ada", "~1", "~2"]);
}, 60_000);

test("two who both play before they are linked find into one game, the host's", async () => {
  const ada = await (await connect(server.url)).host({ name: "Ada", ...partyOptions });
  const bo = await (await connect(server.url)).join(ada.code, { name: "Bo" });
  const both = [ada, bo].map((lobby) => playing(lobby));
  await until(() => both.every((player) => role(player) === "leading"));
  const links = await Promise.all([ada.start(), bo.started()]);
  await until(() => both.every((player) => names(player).join() === "Ada,Bo"));
  await until(() => both.map(role).join() === "leading,following");
  await Promise.all(links.flat().map((link) => link.close()));
  await Promise.all([ada.leave(), bo.leave()]);
}, 60_000);

test("eight players see each other, and the host sends each of them little", async () => {
  const everybody = await party(server.url, 8);
  const [ada, ...guests] = everybody;
  if (!ada) throw new Error("Eight play.");
  await until(() => everybody.every((player) => names(player).length === 8));
  const before = ada.bot.flight.stats.sentBytes;
  const at = performance.now();
  await until(() => guests.every((guest) => stars(guest) > 8));
  const perGuest =
    (ada.bot.flight.stats.sentBytes - before) / guests.length / ((performance.now() - at) / 1000);
  console.log(`The host sends each guest ${Math.round(perGuest)} bytes a second.`);
  // The relay over WebSocket carries 64 KiB a second.
  expect(perGuest).toBeLessThan(16_000);
}, 90_000);
