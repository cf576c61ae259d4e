/** Worlds for tests: comets where a story needs them, and nothing else. */
import { newPath, onGrid } from "../../page/game/world/path.ts";
import { pathGap } from "../../page/game/world/rules.ts";
import { type Steering, step } from "../../page/game/world/step.ts";
import { type Comet, enter, newWorld, type World } from "../../page/game/world/world.ts";

/** Long enough that no round ends in a story. */
export function emptySpace(): World {
  return newWorld(7);
}

/** A comet with a straight tail of so many stars behind it, that can be cut. */
export function comet(
  world: World,
  id: string,
  at: { x: number; y: number; heading?: number; stars?: number },
): Comet {
  const made = enter(world, id);
  if (!made) throw new Error("The world is full.");
  const { x, y, heading = 0, stars = 0 } = at;
  const points = 150;
  const first = 1;
  const behind = Array.from({ length: points }, (_, i) => (points - 1 - i) * pathGap);
  const path = newPath(0, 0, world.tick, first);
  path.xs = behind.map((far) => onGrid(x - Math.cos(heading) * far));
  path.ys = behind.map((far) => onGrid(y - Math.sin(heading) * far));
  path.ticks = behind.map(() => world.tick);
  return Object.assign(made, { x, y, heading, stars, safe: 0, path, travel: points * pathGap });
}

/** Lets time pass. No new stars come in a story of a few ticks unless it asks for them. */
export function pass(world: World, ticks: number, steering: Record<string, Partial<Steering>> = {}): void {
  for (let i = 0; i < ticks; i++) {
    const bySlot = new Map<number, Steering>();
    for (const { id, slot } of world.comets) bySlot.set(slot, { aim: null, boost: false, ...steering[id] });
    step(world, bySlot);
  }
}

export function looseStars(world: World): number {
  return world.stars.value.reduce((sum, value) => sum + value, 0);
}
