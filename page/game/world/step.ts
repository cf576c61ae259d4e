/** One tick of the game. The same world and the same steering always give the same next world. */
import { layWay } from "./path.ts";
import { draw } from "./random.ts";
import {
  arenaRadius,
  blade,
  boostCost,
  boostRest,
  boostSpeed,
  boostTicks,
  dazeTicks,
  headRadius,
  longestTail,
  mostStars,
  neck,
  pathGap,
  podiumTicks,
  reach,
  safeTicks,
  sowTicks,
  speed,
  starsWanted,
  tailLength,
  tailPerStar,
  turnRate,
} from "./rules.ts";
import { type Body, beginRound, type Comet, placeStar, scatter, turned, type World } from "./world.ts";

/**
 * `aim`: where the comet shall head, in radians; null: straight on. `turn`: -1 or 1 while it turns by a key: so it goes on where the next
 * packets are missing.
 */
export type Steering = { aim: number | null; boost: boolean; turn?: number };

export const straightOn: Steering = { aim: null, boost: false };

/** Moves the world on by one tick, in place. `steering` is by slot. */
export function step(world: World, steering: ReadonlyMap<number, Steering>): void {
  world.tick += 1;
  world.left -= 1;
  if (world.left <= 0) turnPhase(world);
  for (const comet of world.comets) {
    const from = { x: comet.x, y: comet.y };
    const isBoosting = fly(comet, steering.get(comet.slot) ?? straightOn);
    if (isBoosting && world.phase === "play") dropStar(world, comet);
    layWay(comet.path, from, comet, world.tick);
    comet.safe = Math.max(0, comet.safe - 1);
  }
  bounce(world);
  if (world.phase !== "play") return;
  for (const comet of world.comets) {
    if (comet.ghost) continue;
    collect(world, comet);
    cut(world, comet);
  }
  if (world.tick % sowTicks === 0) sow(world);
}

/** Moves one comet by one tick: all that a player can foretell. Says whether a boost began. */
export function fly(body: Body, { aim, boost }: Steering): boolean {
  body.boostLeft = Math.max(0, body.boostLeft - 1);
  body.boostWait = Math.max(0, body.boostWait - 1);
  body.dazed = Math.max(0, body.dazed - 1);
  const begins = boost && body.boostWait === 0 && body.stars >= boostCost && body.dazed === 0;
  if (begins) {
    body.boostLeft = boostTicks;
    body.boostWait = boostRest;
    body.stars -= boostCost;
  }
  if (aim !== null && body.dazed === 0) {
    const missing = turned(aim - body.heading);
    body.heading = turned(body.heading + Math.min(turnRate, Math.max(-turnRate, missing)));
  }
  const way = body.boostLeft > 0 ? boostSpeed : speed;
  body.x += Math.cos(body.heading) * way;
  body.y += Math.sin(body.heading) * way;
  body.travel += way;
  stayInside(body);
  return begins;
}

/** At the edge a comet glides along it. */
function stayInside(body: Body): void {
  const most = arenaRadius - headRadius;
  const far = Math.hypot(body.x, body.y);
  if (far <= most) return;
  body.x *= most / far;
  body.y *= most / far;
  const outward = Math.atan2(body.y, body.x);
  const off = turned(body.heading - outward);
  // Only who flies outward is turned, and a little inward, so that it leaves the edge by itself.
  if (Math.abs(off) >= Math.PI / 2) return;
  const along = outward + (off < 0 ? -1 : 1) * (Math.PI / 2 + 0.3);
  const missing = turned(along - body.heading);
  const quick = turnRate * 3;
  body.heading = turned(body.heading + Math.min(quick, Math.max(-quick, missing)));
}

function turnPhase(world: World): void {
  if (world.phase === "podium") {
    beginRound(world);
  } else {
    world.phase = "podium";
    world.left = podiumTicks;
  }
}

/** A boost leaves a star behind, where its tail ends now. */
function dropStar(world: World, comet: Comet): void {
  scatter(world, comet, tailLength(comet.stars), 1);
}

/** Heads that touch fly apart. */
function bounce({ comets, tick }: World): void {
  for (const [i, one] of comets.entries()) {
    for (const other of comets.slice(i + 1)) {
      if (one.ghost || other.ghost) continue;
      const apart = Math.hypot(other.x - one.x, other.y - one.y);
      if (apart >= 2 * headRadius) continue;
      // Two in the very same place part by the tick: any direction is as good.
      const normal = apart === 0 ? tick : Math.atan2(other.y - one.y, other.x - one.x);
      rebound(one, normal + Math.PI, headRadius - apart / 2);
      rebound(other, normal, headRadius - apart / 2);
    }
  }
}

function rebound(body: Body, away: number, by: number): void {
  body.x += Math.cos(away) * by;
  body.y += Math.sin(away) * by;
  if (body.dazed > 0) return;
  const against = Math.cos(body.heading - away);
  if (against < 0) body.heading = turned(2 * away + Math.PI - body.heading);
  else body.heading = turned(away + turned(body.heading - away) * 0.5);
  body.dazed = dazeTicks;
  stayInside(body);
}

function collect(world: World, comet: Comet): void {
  const { stars, tick } = world;
  for (let slot = 0; slot < mostStars; slot++) {
    const value = stars.value[slot] ?? 0;
    if (value === 0) continue;
    const dx = (stars.x[slot] ?? 0) - comet.x;
    const dy = (stars.y[slot] ?? 0) - comet.y;
    if (dx * dx + dy * dy > reach * reach) continue;
    comet.stars = Math.min(longestTail, comet.stars + value);
    stars.value[slot] = 0;
    stars.tick[slot] = tick;
  }
}

/** What the comet's head flies through. */
function cut(world: World, by: Comet): void {
  for (const comet of world.comets) {
    if (comet === by || comet.ghost || comet.safe > 0 || comet.stars === 0) continue;
    // No tail reaches farther from its head than it is long.
    if (Math.hypot(by.x - comet.x, by.y - comet.y) > tailLength(comet.stars) + blade + pathGap) continue;
    const behind = crossing(comet, by.x, by.y);
    if (behind === null) continue;
    const keeps = Math.max(0, Math.floor((behind - tailLength(0)) / tailPerStar));
    const lost = comet.stars - keeps;
    if (lost <= 0) continue;
    comet.stars = keeps;
    comet.safe = safeTicks;
    comet.cuts = (comet.cuts + 1) & 255;
    comet.cutBy = by.slot;
    scatter(world, comet, behind + 2 * reach * 0.6, lost);
  }
}

/** No piece of a path passes a place from whose corner it is farther away. */
const nearUnits = blade + 2 * pathGap;

/** How far behind its head the comet's tail passes this place; null if it does not. */
function crossing({ path, travel, stars }: Comet, x: number, y: number): number | null {
  const end = travel - tailLength(stars);
  for (let i = path.xs.length - 2; i >= 0; i--) {
    const at = (path.first + i) * pathGap;
    if (at < end) return null;
    if (at > travel - neck) continue;
    const ax = path.xs[i] ?? 0;
    const ay = path.ys[i] ?? 0;
    if (Math.abs(x - ax) > nearUnits || Math.abs(y - ay) > nearUnits) continue;
    const dx = (path.xs[i + 1] ?? ax) - ax;
    const dy = (path.ys[i + 1] ?? ay) - ay;
    const along = dx * dx + dy * dy;
    const share = along === 0 ? 0 : Math.min(1, Math.max(0, ((x - ax) * dx + (y - ay) * dy) / along));
    const away = Math.hypot(x - ax - dx * share, y - ay - dy * share);
    if (away <= blade) return travel - at - share * pathGap;
  }
  return null;
}

function sow(world: World): void {
  let count = 0;
  for (const value of world.stars.value) if (value > 0) count += 1;
  if (count >= starsWanted(world.comets.length)) return;
  const turn = draw(world.random) * 2 * Math.PI;
  const far = Math.sqrt(draw(world.random)) * arenaRadius * 0.94;
  placeStar(world, Math.cos(turn) * far, Math.sin(turn) * far, draw(world.random) < 0.12 ? 3 : 1);
}
