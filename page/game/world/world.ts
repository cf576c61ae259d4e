/** All that is true of a game at one moment, as plain data. Nothing here knows a screen, a clock or a network. */
import { newPath, onGrid, type Path } from "./path.ts";
import { draw, type Random } from "./random.ts";
import { arenaRadius, mostComets, mostStars, pathGap, roundTicks, safeTicks } from "./rules.ts";

/** What moves by itself, and what a player foretells of its own comet. */
export type Body = {
  x: number;
  y: number;
  /** Radians, 0 to the right, growing clockwise on a screen. */
  heading: number;
  /** How far it has flown in all. */
  travel: number;
  stars: number;
  /** Ticks for which it still boosts, until it may boost again, and for which it cannot steer. */
  boostLeft: number;
  boostWait: number;
  dazed: number;
};

export type Comet = Body & {
  readonly slot: number;
  /** The client id of its player; a drone's begins with `~`. */
  readonly id: string;
  /** Its player is away. It glides, and nobody meets it. */
  ghost: boolean;
  /** Ticks for which its tail cannot be cut. */
  safe: number;
  /** Counts cuts of its tail, up to 255 and from 0 again; and the slot of the last one who cut it. */
  cuts: number;
  cutBy: number;
  path: Path;
};

export type Phase = "play" | "podium";

export type World = {
  tick: number;
  round: number;
  phase: Phase;
  /** Ticks until the phase is over. */
  left: number;
  /** Counts changes of who flies, up to 255 and from 0 again. */
  roster: number;
  comets: Comet[];
  /** By slot: where a star is, what it is worth (0: none is there), and when that last changed. */
  stars: { x: Float64Array; y: Float64Array; value: Uint8Array; tick: Uint32Array };
  random: Random;
};

export function newWorld(seed: number): World {
  const stars = {
    x: new Float64Array(mostStars),
    y: new Float64Array(mostStars),
    value: new Uint8Array(mostStars),
    tick: new Uint32Array(mostStars),
  };
  const random = { seed: seed >>> 0 };
  // Tick 0 stands for "nothing was told yet".
  return { tick: 1, round: 1, phase: "play", left: roundTicks, roster: 0, comets: [], stars, random };
}

export function isDrone(comet: { id: string }): boolean {
  return comet.id.startsWith("~");
}

export function cometOf(world: World, id: string): Comet | undefined {
  return world.comets.find((comet) => comet.id === id);
}

/** Gives somebody a comet. Null if all places are taken. */
export function enter(world: World, id: string): Comet | null {
  const known = cometOf(world, id);
  if (known) return known;
  const taken = new Set(world.comets.map(({ slot }) => slot));
  const slot = Array.from({ length: mostComets }, (_, i) => i).find((i) => !taken.has(i));
  if (slot === undefined) return null;
  const turn = draw(world.random) * 2 * Math.PI;
  const comet = cometAt(world, slot, id, turn);
  world.comets.push(comet);
  world.comets.sort((one, other) => one.slot - other.slot);
  world.roster = (world.roster + 1) & 255;
  return comet;
}

/** Takes a comet away. Its tail stays as loose stars. */
export function exit(world: World, id: string): void {
  const comet = cometOf(world, id);
  if (!comet) return;
  world.comets.splice(world.comets.indexOf(comet), 1);
  world.roster = (world.roster + 1) & 255;
  if (world.phase === "play") scatter(world, comet, 0, comet.stars);
}

/** A new round: short tails, and everybody at the same distance from the middle. */
export function beginRound(world: World): void {
  world.round = (world.round + 1) & 0xffff;
  world.phase = "play";
  world.left = roundTicks;
  world.stars.value.fill(0);
  world.stars.tick.fill(world.tick);
  const spin = draw(world.random) * 2 * Math.PI;
  for (const [i, comet] of world.comets.entries()) {
    const fresh = cometAt(world, comet.slot, comet.id, spin + (i * 2 * Math.PI) / world.comets.length);
    // The numbers of points go on, so that nobody takes an old one for a new one.
    const first = Math.floor(comet.travel / pathGap) + 1;
    const { ghost, cuts, cutBy } = comet;
    fresh.path = newPath(fresh.x, fresh.y, world.tick, first);
    Object.assign(comet, fresh, { ghost, cuts, cutBy, travel: first * pathGap });
  }
}

function cometAt(world: World, slot: number, id: string, turn: number): Comet {
  const x = onGrid(Math.cos(turn) * arenaRadius * 0.6);
  const y = onGrid(Math.sin(turn) * arenaRadius * 0.6);
  return {
    ...{ slot, id, ghost: false, x, y, heading: turned(turn + Math.PI * 0.75), travel: pathGap, stars: 0 },
    ...{ boostLeft: 0, boostWait: 0, dazed: 0, safe: safeTicks, cuts: 0, cutBy: 255 },
    path: newPath(x, y, world.tick),
  };
}

/** Puts a star somewhere. If there is no room, the nearest takes its worth. */
export function placeStar(world: World, x: number, y: number, value: number): void {
  const { stars, tick } = world;
  const free = stars.value.indexOf(0);
  const slot = free === -1 ? nearestStar(world, x, y) : free;
  if (free === -1) {
    stars.value[slot] = Math.min(255, (stars.value[slot] ?? 0) + value);
  } else {
    const far = Math.hypot(x, y);
    const pull = far > arenaRadius - 30 ? (arenaRadius - 30) / far : 1;
    stars.x[slot] = onGrid(x * pull);
    stars.y[slot] = onGrid(y * pull);
    stars.value[slot] = Math.min(255, value);
  }
  stars.tick[slot] = tick;
}

/** Lays `count` stars along the comet's path, from so far behind its head to the end of its tail. */
export function scatter(world: World, comet: Comet, from: number, count: number): void {
  // Many stars are laid as fewer that are worth more.
  const worth = Math.max(1, Math.ceil(count / 40));
  const pieces = Math.ceil(count / worth);
  const { path, travel } = comet;
  for (let i = 0, left = count; i < pieces; i++, left -= worth) {
    const number = Math.floor((travel - from - i * worth * 10) / pathGap);
    const at = Math.min(Math.max(number - path.first, 0), path.xs.length - 1);
    const x = (path.xs[at] ?? comet.x) + (draw(world.random) - 0.5) * 26;
    const y = (path.ys[at] ?? comet.y) + (draw(world.random) - 0.5) * 26;
    placeStar(world, x, y, Math.min(worth, left));
  }
}

function nearestStar({ stars }: World, x: number, y: number): number {
  let best = 0;
  let distance = Number.POSITIVE_INFINITY;
  for (let slot = 0; slot < mostStars; slot++) {
    const away = Math.hypot((stars.x[slot] ?? 0) - x, (stars.y[slot] ?? 0) - y);
    if (away >= distance) continue;
    best = slot;
    distance = away;
  }
  return best;
}

/** An angle from -π to π. */
export function turned(angle: number): number {
  const whole = angle % (2 * Math.PI);
  if (whole > Math.PI) return whole - 2 * Math.PI;
  return whole < -Math.PI ? whole + 2 * Math.PI : whole;
}

/** The comets from the longest tail to the shortest. Drones come after players, and lower slots first. */
export function standings(world: World): Comet[] {
  return [...world.comets].sort(
    (one, other) =>
      other.stars - one.stars || Number(isDrone(one)) - Number(isDrone(other)) || one.slot - other.slot,
  );
}
