/** Whole games between players in Node: real server, real links, real time. */
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Server } from "../../local/server.ts";
import { startTestServer } from "../../measure/kit/server.ts";
import { writeSnapshot, writeState } from "../../page/game/world/snapshot.ts";
import { enter, newWorld } from "../../page/game/world/world.ts";
import { join, names, party, role, seen, stars, until } from "./a-party.ts";

let server: Server;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.stop());

test("two players see the same comets, at nearly the same places, and collect stars", async () => {
  const [ada, bo] = await party(server.url, 2);
  if (!ada || !bo) throw new Error("Two play.");
  await until(() => names(bo).join() === "Ada,Bo" && names(ada).join() === "Ada,Bo");
  expect([role(ada), role(bo)]).toEqual(["leading", "following"]);
  await until(() => stars(bo) >= 3 && stars(ada) >= 3);
  // What is seen of others is a moment old, a comet makes 172 units a second, or twice that. After a stall it may be older.
  const areNear = ([name, { x, y }]: [string, { x: number; y: number }]) => {
    const there = seen(ada).get(name);
    return Math.hypot(x - (there?.x ?? 0), y - (there?.y ?? 0)) < 120;
  };
  await until(() => [...seen(bo)].every(areNear));
});

test("a player who comes late sees all, and flies as well", async () => {
  const [ada, bo] = await party(server.url, 2);
  if (!ada || !bo) throw new Error("Two play.");
  await until(() => stars(ada) >= 2);
  const cy = await join(server.url, ada.lobby.code, "Cy");
  await until(() => names(cy).join() === "Ada,Bo,Cy");
  await until(() => names(ada).join() === "Ada,Bo,Cy" && names(bo).join() === "Ada,Bo,Cy");
  expect(stars(cy)).toBeGreaterThanOrEqual(2);
});

test("when the host leaves, another goes on with the same game", async () => {
  const [ada, bo, cy] = await party(server.url, 3);
  if (!ada || !bo || !cy) throw new Error("Three play.");
  await until(() => names(cy).length === 3 && stars(cy) >= 6);
  const { tick: before } = cy.bot.flight.stats;
  ada.bot.stop();
  await ada.lobby.leave();
  await until(() => role(bo) === "leading" && cy.bot.flight.stats.leaderId === bo.lobby.clientId);
  expect(role(cy)).toBe("following");
  // The same game goes on, with all tails as they were: a new one would be at its first ticks.
  expect(bo.bot.flight.stats.tick).toBeGreaterThanOrEqual(before);
  expect(stars(bo)).toBeGreaterThan(0);
  await until(() => names(cy).join() === "Bo,Cy");
  const tick = cy.bot.flight.stats.tick;
  await until(() => cy.bot.flight.stats.tick > tick + 30);
});

test("a host that hands over is followed by the new one, and both go on playing", async () => {
  const [ada, bo] = await party(server.url, 2);
  if (!ada || !bo) throw new Error("Two play.");
  await until(() => names(bo).length === 2 && stars(bo) >= 2);
  expect(ada.bot.flight.heir).toBe(bo.lobby.clientId);
  const { tick: before } = ada.bot.flight.stats;
  await ada.lobby.makeHost(bo.lobby.clientId);
  await until(() => role(ada) === "following" && role(bo) === "leading");
  expect(bo.bot.flight.stats.tick).toBeGreaterThanOrEqual(before);
  expect(names(ada)).toEqual(["Ada", "Bo"]);
});

test("a guest that says it moves the world is not believed as long as the host is heard", async () => {
  const [ada, bo, cy] = await party(server.url, 3);
  if (!ada || !bo || !cy) throw new Error("Three play.");
  await until(() => names(bo).length === 3 && names(cy).length === 3);
  const forged = newWorld(1);
  enter(forged, cy.lobby.clientId);
  forged.tick = 1_000_000;
  const reign = { term: ada.lobby.term, reign: 4_242, from: 0, guests: 7 };
  const toBo = cy.lobby.links.find(({ peer }) => peer.clientId === bo.lobby.clientId);
  const toAda = cy.lobby.links.find(({ peer }) => peer.clientId === ada.lobby.clientId);
  for (let i = 0; i < 20; i++) {
    for (const link of [toBo, toAda]) {
      link?.send(writeState(forged, reign));
      link?.send(writeSnapshot(forged, reign, 0, 0));
      link?.send(crypto.getRandomValues(new Uint8Array(200)));
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  expect(bo.bot.flight.stats).toMatchObject({ role: "following", leaderId: ada.lobby.clientId });
  expect(role(ada)).toBe("leading");
  expect(names(bo)).toEqual(["Ada", "Bo", "Cy"]);
  expect(ada.bot.flight.stats.tick).toBeLessThan(1_000_000);
});
