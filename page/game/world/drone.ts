/** A pilot without a person: it flies to the star that is worth the way. Friendly: it never boosts, and is not greedy. */
import { mostStars, ticksPerSecond } from "./rules.ts";
import type { Steering } from "./step.ts";
import { type Comet, isDrone, turned, type World } from "./world.ts";

/** Where a drone steers. It has enough as soon as it leads by a few stars: then it flies in circles. */
export function droneSteering(world: World, comet: Comet): Steering {
  const best = Math.max(0, ...world.comets.filter((other) => !isDrone(other)).map(({ stars }) => stars));
  if (comet.stars > best + 4) {
    const swing = Math.sin((world.tick + comet.slot * 97) / (2 * ticksPerSecond));
    return { aim: comet.heading + 0.05 + swing * 0.06, boost: false };
  }
  return { aim: towardStars(world, comet), boost: false };
}

/** Where the next star is; null if there is none. */
export function towardStars(
  { stars }: Pick<World, "stars">,
  { x, y, heading }: Pick<Comet, "x" | "y" | "heading">,
): number | null {
  let aim: number | null = null;
  let best = Number.POSITIVE_INFINITY;
  for (let slot = 0; slot < mostStars; slot++) {
    const value = stars.value[slot] ?? 0;
    if (value === 0) continue;
    const dx = (stars.x[slot] ?? 0) - x;
    const dy = (stars.y[slot] ?? 0) - y;
    const toward = Math.atan2(dy, dx);
    const off = Math.abs(turned(toward - heading));
    const far = Math.hypot(dx, dy);
    // Too near and beside: it would fly in circles around it.
    if (far < 110 && off > 1) continue;
    const price = (far + 90 * off) / value;
    if (price >= best) continue;
    best = price;
    aim = toward;
  }
  return aim;
}
