/** The rules of the game, as a player sees them. */
import { expect, test } from "vitest";
import { droneSteering } from "../../page/game/world/drone.ts";
import {
  arenaRadius,
  boostCost,
  headRadius,
  mostComets,
  podiumTicks,
  roundTicks,
} from "../../page/game/world/rules.ts";
import { type Steering, step } from "../../page/game/world/step.ts";
import { cometOf, enter, exit, newWorld, placeStar, standings } from "../../page/game/world/world.ts";
import { comet, emptySpace, looseStars, pass } from "./a-world.ts";

test("a comet that flies over a star has one star more, and the star is gone", () => {
  const world = emptySpace();
  const ada = comet(world, "ada", { x: 0, y: 0 });
  placeStar(world, 60, 0, 1);
  pass(world, 4);
  expect(ada.stars).toBe(0);
  pass(world, 16);
  expect(ada.stars).toBe(1);
  // Another may be anywhere by now, but not there.
  expect([world.stars.x[0], world.stars.y[0], world.stars.value[0]]).not.toEqual([60, 0, 1]);
});

test("a comet turns to where its player aims, at the pace of a comet, and never stands still", () => {
  const world = emptySpace();
  const ada = comet(world, "ada", { x: 0, y: 0, heading: 0 });
  pass(world, 10, { ada: { aim: Math.PI / 2 } });
  expect(ada.heading).toBeCloseTo((3.5 * 10) / 60, 2);
  pass(world, 30, { ada: { aim: Math.PI / 2 } });
  expect(ada.heading).toBeCloseTo(Math.PI / 2, 5);
  const before = ada.y;
  pass(world, 10);
  expect(ada.y - before).toBeGreaterThan(25);
});

test("a comet that cuts a tail shortens it there, and what is cut off lies about as stars", () => {
  const world = emptySpace();
  const ada = comet(world, "ada", { x: 0, y: 0, heading: 0, stars: 50 });
  // Bo crosses Ada's tail 240 units behind her head, which is as long as 20 stars make it.
  const bo = comet(world, "bo", { x: -262, y: -40, heading: Math.PI / 2 });
  pass(world, 12, { bo: { aim: Math.PI / 2 } });
  expect(ada.stars).toBeGreaterThanOrEqual(18);
  expect(ada.stars).toBeLessThanOrEqual(26);
  expect(ada).toMatchObject({ cuts: 1, cutBy: bo.slot });
  // Nothing is lost: what Ada has no more, lies about, or Bo has taken it.
  expect(looseStars(world) + bo.stars + ada.stars).toBeGreaterThanOrEqual(50);
  expect(bo.stars).toBeLessThan(10);
});

test("a tail that was cut is safe for a second, and one's own tail cuts nobody", () => {
  const world = emptySpace();
  const ada = comet(world, "ada", { x: 0, y: 0, stars: 50 });
  comet(world, "bo", { x: -260, y: -30, heading: Math.PI / 2 });
  comet(world, "cy", { x: -160, y: -60, heading: Math.PI / 2 });
  pass(world, 40);
  expect(ada.cuts).toBe(1);
  const alone = emptySpace();
  const di = comet(alone, "di", { x: 0, y: 0, stars: 60 });
  pass(alone, 110, { di: { aim: 3 } });
  pass(alone, 60, { di: { aim: -0.1 } });
  expect(di).toMatchObject({ cuts: 0 });
  expect(di.stars).toBeGreaterThanOrEqual(60);
});

test("heads that touch fly apart, and both keep their tails", () => {
  const world = emptySpace();
  const ada = comet(world, "ada", { x: -60, y: 0, heading: 0, stars: 9 });
  const bo = comet(world, "bo", { x: 60, y: 0, heading: Math.PI, stars: 9 });
  pass(world, 40, { ada: { aim: 0 }, bo: { aim: Math.PI } });
  expect(ada).toMatchObject({ stars: 9, cuts: 0 });
  expect(bo).toMatchObject({ stars: 9, cuts: 0 });
  expect(bo.x - ada.x).toBeGreaterThan(2 * headRadius);
});

test("a boost costs stars, lasts a moment, and needs a rest; a comet without stars has none", () => {
  const world = emptySpace();
  const ada = comet(world, "ada", { x: 0, y: -300, stars: 7 });
  const bo = comet(world, "bo", { x: 0, y: 300 });
  pass(world, 34, { ada: { boost: true }, bo: { boost: true } });
  expect(ada.stars).toBe(7 - boostCost);
  expect(ada.x).toBeGreaterThan(bo.x * 1.8);
  expect(looseStars(world)).toBeGreaterThanOrEqual(1);
  pass(world, 30, { ada: { boost: true } });
  expect(ada.stars).toBe(7 - boostCost);
  pass(world, 20, { ada: { boost: true } });
  expect(ada.stars).toBe(7 - 2 * boostCost);
});

test("nobody leaves the arena: at its edge a comet glides along", () => {
  const world = newWorld(3);
  for (let i = 0; i < mostComets; i++) enter(world, `player ${i}`);
  for (let tick = 0; tick < 500; tick++) {
    const steering = new Map<number, Steering>();
    // All fly outward, whatever comes.
    for (const { slot, x, y } of world.comets) steering.set(slot, { aim: Math.atan2(y, x), boost: true });
    step(world, steering);
    for (const { x, y } of world.comets) expect(Math.hypot(x, y)).toBeLessThanOrEqual(arenaRadius);
  }
});

test("after 90 seconds the longest tail has won, and after a podium the next round begins with bare tails", () => {
  const world = emptySpace();
  comet(world, "ada", { x: -200, y: 0, stars: 3 });
  comet(world, "bo", { x: 200, y: 400, stars: 12 });
  world.left = 5;
  pass(world, 5);
  expect(world).toMatchObject({ phase: "podium", round: 1 });
  expect(standings(world).map(({ id }) => id)).toEqual(["bo", "ada"]);
  placeStar(world, cometOf(world, "ada")?.x ?? 0, cometOf(world, "ada")?.y ?? 0, 9);
  pass(world, podiumTicks - 1);
  // What is collected on the podium counts for nobody.
  expect(standings(world).map(({ id, stars }) => `${id} ${stars}`)).toEqual(["bo 12", "ada 3"]);
  pass(world, 1);
  expect(world).toMatchObject({ phase: "play", round: 2, left: roundTicks });
  expect(standings(world).map(({ stars }) => stars)).toEqual([0, 0]);
});

test("the tail of a player who leaves stays behind as stars, and its place is free", () => {
  const world = emptySpace();
  comet(world, "ada", { x: 0, y: 0, stars: 30 });
  exit(world, "ada");
  expect(looseStars(world)).toBe(30);
  expect(world.comets).toEqual([]);
  expect(enter(world, "bo")?.slot).toBe(0);
});

test("a ninth comet finds no place", () => {
  const world = newWorld(1);
  for (let i = 0; i < 8; i++) expect(enter(world, String(i))?.slot).toBe(i);
  expect(enter(world, "ninth")).toBe(null);
});

test("the comet of a player who is away glides: it takes no star, nobody cuts it, nobody bounces off it", () => {
  const world = emptySpace();
  const ada = comet(world, "ada", { x: 0, y: 0, stars: 30 });
  const bo = comet(world, "bo", { x: -200, y: -30, heading: Math.PI / 2 });
  const cy = comet(world, "cy", { x: 60, y: 0, heading: Math.PI });
  ada.ghost = true;
  placeStar(world, 25, 0, 1);
  pass(world, 25, { cy: { aim: Math.PI } });
  expect(ada).toMatchObject({ cuts: 0, stars: 30 });
  expect(bo.cuts).toBe(0);
  expect(Math.abs(cy.heading)).toBeCloseTo(Math.PI, 5);
});

test("a drone finds stars by itself, and is not greedy", () => {
  const world = newWorld(11);
  const drone = enter(world, "~1");
  enter(world, "ada");
  if (!drone) throw new Error("There is a place.");
  for (let tick = 0; tick < 2_400; tick++) {
    step(world, new Map([[drone.slot, droneSteering(world, drone)]]));
  }
  const best = cometOf(world, "ada")?.stars ?? 0;
  expect(drone.stars).toBeGreaterThanOrEqual(4);
  expect(drone.stars).toBeLessThanOrEqual(best + 12);
});

test("the same seed and the same steering give the same game, to the last star", () => {
  const game = () => {
    const world = newWorld(2024);
    for (const id of ["ada", "bo", "cy", "~1"]) enter(world, id);
    for (let tick = 0; tick < 1_200; tick++) {
      const steering = new Map<number, Steering>();
      for (const { slot } of world.comets) {
        steering.set(slot, { aim: Math.sin(tick / 90 + slot) * 3, boost: tick % 200 < 9 });
      }
      step(world, steering);
    }
    return world;
  };
  expect(game()).toEqual(game());
});
