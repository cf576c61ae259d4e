/** Which relay over WebSocket carries which pair of a lobby. */
import { expect, test } from "vitest";
import { meshRelay, relaySeats, starRelay } from "../../core/relay/groups.ts";
import { wireLimits } from "../../core/wire/limits.ts";

const seats = Array.from({ length: wireLimits.seats }, (_, i) => i);
const pairs = seats.flatMap((one) => seats.slice(one + 1).map((other) => [one, other] as const));

test("a star's guests are 15 to a relay, beside the host", () => {
  const bySize = Map.groupBy(seats.slice(1), (seat) => starRelay(seat - 1));
  expect(Array.from(bySize, ([number, guests]) => [number, guests.length])).toEqual([
    [0, 15],
    [1, 15],
    [2, 15],
    [3, 15],
    [4, 3],
  ]);
});

test("a mesh of 16 has one relay, and in any mesh none has more than 16 members", () => {
  expect(
    new Set(pairs.filter(([, other]) => other < 16).map(([one, other]) => meshRelay(one, other))),
  ).toEqual(new Set([0]));
  const members = Map.groupBy(pairs, ([one, other]) => meshRelay(one, other));
  for (const [number, carried] of members) {
    expect([number, new Set(carried.flat()).size <= relaySeats]).toEqual([number, true]);
  }
});

test("a mesh's relays are counted without gaps, 34 for 64 members", () => {
  const numbers = new Set(pairs.map(([one, other]) => meshRelay(one, other)));
  expect([...numbers].toSorted((a, b) => a - b)).toEqual(Array.from({ length: 34 }, (_, i) => i));
});

test("both ends of a pair get the same number", () => {
  for (const [one, other] of pairs) expect(meshRelay(other, one)).toBe(meshRelay(one, other));
});
