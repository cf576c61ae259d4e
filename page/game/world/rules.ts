/** The numbers of the game. Lengths are in units of the arena, times in ticks unless the name says otherwise. */

export const ticksPerSecond = 60;
export const tickMs = 1000 / ticksPerSecond;

/** As many as a lobby of this game has members. */
export const mostComets = 8;
/** Loose stars at a time; a star is named by one byte on the wire. */
export const mostStars = 160;
/** The longest tail there is, so that a whole world stays a small message. */
export const longestTail = 180;
/** A tail is drawn through points that its head has passed, one in so many units. */
export const pathGap = 12;
/** Points that are kept of each path: enough for the longest tail. */
export const mostPoints = 160;

export const arenaRadius = 1000;
export const headRadius = 13;
/** From the middle of a head to that of a star that it takes. Generous: players see where they were a moment ago. */
export const reach = 36;
/** From the middle of a head to the middle of the tail that it cuts. */
export const blade = 12;
/** So much of a tail, next to its head, cannot be cut. */
export const neck = 40;
/** A tail without stars, and what each star adds. */
export const bareTail = 40;
export const tailPerStar = 10;

export const speed = 172 / ticksPerSecond;
export const boostSpeed = 360 / ticksPerSecond;
/** Radians a tick: a full turn takes less than two seconds. */
export const turnRate = 3.5 / ticksPerSecond;
export const boostTicks = 34;
/** From one boost to the next. */
export const boostRest = 80;
/** Stars that a boost costs. A shorter tail cannot boost. */
export const boostCost = 2;
/** After two heads have met they fly straight on. */
export const dazeTicks = 16;
/** After a cut, and at the start, a tail is safe. */
export const safeTicks = 75;

export const roundTicks = 90 * ticksPerSecond;
export const podiumTicks = 9 * ticksPerSecond;
/** A new star comes at most every so many ticks, as long as there are too few. */
export const sowTicks = 5;
export const starsWanted = (comets: number): number => 34 + 7 * comets;
/** How many drones keep somebody company who plays alone. */
export const droneCount = 2;

/** The length of a tail with so many stars. */
export function tailLength(stars: number): number {
  return bareTail + tailPerStar * stars;
}
