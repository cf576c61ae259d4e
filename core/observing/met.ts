/**
 * Met: which tokens came in the last hour or two. Those that have no answer yet are many in a flood, too many
 * to remember each: so two tables of bits. One in twenty new ones is taken for a known one when a million were met,
 * which costs it its turn among the new (turns.ts), and no more. `now` is in milliseconds and never goes back.
 */
import { observingLimits } from "./limits.ts";

export type Met = { latest: Uint8Array; before: Uint8Array; turnAt: number };

const bits = observingLimits.metBytes * 8;

export function newMet(now: number): Met {
  const { metBytes, metMs } = observingLimits;
  return { latest: new Uint8Array(metBytes), before: new Uint8Array(metBytes), turnAt: now + metMs };
}

/** Whether it was met lately. From now on it was. */
export function meet(met: Met, key: string, now: number): boolean {
  if (now >= met.turnAt) turn(met, now);
  const places = [placeOf(key, 0x811c9dc5), placeOf(key, 0x1b873593)];
  const isKnown = [met.latest, met.before].some((table) =>
    places.every((place) => ((table[place >>> 3] ?? 0) & (1 << (place & 7))) !== 0),
  );
  for (const place of places) met.latest[place >>> 3] = (met.latest[place >>> 3] ?? 0) | (1 << (place & 7));
  return isKnown;
}

function turn(met: Met, now: number): void {
  const { metMs } = observingLimits;
  const [before, latest] = [met.latest, met.before];
  latest.fill(0);
  // Nothing came for so long.
  if (now >= met.turnAt + metMs) before.fill(0);
  Object.assign(met, { latest, before, turnAt: now + metMs });
}

/** FNV-1a. Tokens and passes have macs, so nobody chooses where theirs come to lie. */
function placeOf(text: string, seed: number): number {
  let hash = seed;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return (hash ^ (hash >>> 15)) & (bits - 1);
}
