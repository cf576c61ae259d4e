/**
 * Which of a lobby's relays over WebSocket carries a pair. One relay has at most `relaySeats` members, so that none of them is an
 * object's whole load.
 *
 * In a star each relay has the center and 15 guests. In a mesh the first 16 members share one. The others are in groups of 8, and each
 * pair of groups has a relay, so that every member finds all others in one relay or another.
 *
 * Places are counted from 0, in order of arrival. A member's place only ever gets smaller, as those before it leave. So a relay never has
 * more members that are there than it has places, whoever joins later.
 */

/** The most members of one relay. */
export const relaySeats = 16;

/** The number of the relay for a guest of a star. `guest`: its place among the guests. */
export function starRelay(guest: number): number {
  return Math.floor(guest / (relaySeats - 1));
}

/** The number of the relay for two members of a mesh. `one`, `other`: their places. */
export function meshRelay(one: number, other: number): number {
  const [low, high] = [Math.min(one, other), Math.max(one, other)].map((place) =>
    Math.floor(place / (relaySeats / 2)),
  ) as [number, number];
  // The groups 0 and 1 have one relay. Those of each further group follow on those of the group before.
  return high < 2 ? 0 : (high * (high + 1)) / 2 + low - 2;
}
