/** What goes over the links: everything fits, comes out as it went in, and any bytes of a stranger's are harmless. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { onGrid } from "../../page/game/world/path.ts";
import { mostComets, mostPoints, mostStars } from "../../page/game/world/rules.ts";
import {
  applyChanges,
  applyHeads,
  mend,
  packetBytes,
  readSnapshot,
  stateBytes,
  worldOf,
  writeSnapshot,
  writeState,
} from "../../page/game/world/snapshot.ts";
import { readSteering, writeSteering } from "../../page/game/world/steering-packet.ts";
import { type Steering, step } from "../../page/game/world/step.ts";
import { enter, newWorld, placeStar, type World } from "../../page/game/world/world.ts";

const reign = { term: 3, reign: 777, from: 12, guests: 7 };

/** Eight players who have flown about, with the longest tails and all stars there can be. */
function crowd(ticks = 600): World {
  const world = newWorld(5);
  for (let i = 0; i < mostComets; i++) enter(world, `c${"0123456789abcdefghijklm"}${i}`);
  fly(world, ticks);
  for (const comet of world.comets) comet.stars = 180;
  for (let i = 0; i < mostStars; i++) placeStar(world, i * 5 - 400, 900 - i * 9, 1);
  return world;
}

function fly(world: World, ticks: number): void {
  for (let i = 0; i < ticks; i++) {
    const steering = new Map<number, Steering>();
    for (const { slot } of world.comets)
      steering.set(slot, { aim: Math.sin(i / 70 + slot * 2) * 3, boost: i % 90 < 3 });
    step(world, steering);
  }
}

const heads = (world: World) =>
  world.comets.map(({ id, x, y, stars, ghost }) => [id, onGrid(x), onGrid(y), stars, ghost]);
const paths = (world: World) => world.comets.map(({ path: { first, xs, ys } }) => ({ first, xs, ys }));
const stars = ({ stars: { value, x, y } }: World) =>
  [...value.keys()].filter((i) => value[i]).map((i) => [i, value[i], x[i], y[i]]);

test("a packet for a guest of eight players, who knows all until 200 ms ago, is far below 1 200 bytes", () => {
  const world = crowd();
  const since = world.tick;
  fly(world, 12);
  const packet = writeSnapshot(world, reign, 9, since);
  expect(packet.length).toBeLessThan(500);
  expect(readSnapshot(packet)?.changes?.since).toBe(since);
});

test("if too much has changed for a packet, it says at least where all heads are", () => {
  const world = crowd();
  const packet = writeSnapshot(world, reign, 9, 1);
  expect(packet.length).toBeLessThanOrEqual(packetBytes);
  const snapshot = readSnapshot(packet);
  expect(snapshot?.changes).toBe(null);
  expect(snapshot?.heads.length).toBe(8);
});

test("the largest whole state is 7 KiB, and tells everything", () => {
  const world = crowd();
  const state = writeState(world, reign, 5);
  expect(state.length).toBeLessThan(stateBytes - 500);
  const snapshot = readSnapshot(state);
  expect(snapshot).toMatchObject({ ...reign, steered: 5, tick: world.tick });
  const copy = snapshot && worldOf(snapshot, 1);
  if (!copy) throw new Error("It is a state.");
  expect(heads(copy)).toEqual(heads(world));
  expect(paths(copy)).toEqual(paths(world));
  expect(stars(copy)).toEqual(stars(world));
  // A new host can go on with it at once.
  mend(copy);
  expect(paths(copy)).toEqual(paths(world));
});

test("a guest that gets every third packet, each built on what it has, ends with the host's world", () => {
  const world = crowd(300);
  const first = readSnapshot(writeState(world, reign));
  const copy = first && worldOf(first, 1);
  if (!copy) throw new Error("It is a state.");
  let known = world.tick;
  for (let i = 0; i < 240; i++) {
    fly(world, 3);
    if (i % 3 > 0 && i < 239) continue;
    const told = readSnapshot(writeSnapshot(world, reign, 0, known));
    if (!told?.changes) throw new Error("It fits.");
    applyHeads(copy, told);
    applyChanges(copy, told.changes);
    known = told.tick;
  }
  expect(heads(copy)).toEqual(heads(world).map(([, ...head], i) => [copy.comets[i]?.id, ...head]));
  expect(paths(copy)).toEqual(paths(world));
  expect(stars(copy)).toEqual(stars(world));
});

test("any bytes are read as nothing, or as a state within bounds that can be played on", () => {
  const kinds = fc.constantFrom(1, 2, 3);
  fc.assert(
    fc.property(kinds, fc.uint8Array({ maxLength: 1_500 }), (kind, rest) => {
      expectHarmless(Uint8Array.of(kind, ...rest));
    }),
    { numRuns: 3_000 },
  );
});

test("packets in which bytes were changed, cut off or added are harmless", () => {
  const world = crowd(400);
  const since = world.tick - 20;
  const steering = Array.from({ length: 6 }, () => ({ aim: 1, boost: true }));
  const packets = [
    writeState(world, reign),
    writeSnapshot(world, reign, 4, since),
    writeSteering({ reign: 777, known: 5, last: 60, steering }),
  ];
  const change = fc.tuple(fc.nat(8_000), fc.integer({ min: 0, max: 255 }));
  fc.assert(
    fc.property(
      fc.constantFrom(...packets),
      fc.array(change, { maxLength: 6 }),
      fc.nat(9_000),
      (packet, changes, cut) => {
        const bytes = packet.slice(0, Math.max(1, cut % (packet.length * 2)));
        for (const [at, value] of changes) bytes[at % bytes.length] = value;
        expectHarmless(bytes);
      },
    ),
    { numRuns: 500 },
  );
});

function expectHarmless(bytes: Uint8Array): void {
  const packet = readSteering(bytes);
  expect(packet?.steering.length ?? 0).toBeLessThanOrEqual(18);
  const snapshot = readSnapshot(bytes);
  if (!snapshot) return;
  expect(snapshot.heads.length).toBeLessThanOrEqual(mostComets);
  const world = worldOf(snapshot, 1) ?? newWorld(1);
  applyHeads(world, snapshot);
  if (snapshot.changes) applyChanges(world, snapshot.changes);
  mend(world);
  fly(world, 5);
  for (const { x, y, path } of world.comets) {
    expect(Number.isFinite(x) && Number.isFinite(y)).toBe(true);
    expect(path.xs.length).toBeLessThanOrEqual(mostPoints);
  }
  expect(world.stars.value.length).toBe(mostStars);
  writeState(world, reign);
}

test("how a guest steers comes out as it went in", () => {
  const steering = [
    { aim: 3.1, boost: false },
    { aim: null, boost: true },
    { aim: -1.25, boost: true },
  ];
  const read = readSteering(writeSteering({ reign: 9, known: 400, last: 1_000, steering }));
  expect(read).toMatchObject({ reign: 9, known: 400, last: 1_000 });
  for (const [i, { aim, boost }] of steering.entries()) {
    expect(read?.steering[i]?.boost).toBe(boost);
    if (aim === null) expect(read?.steering[i]?.aim).toBe(null);
    else expect(read?.steering[i]?.aim).toBeCloseTo(aim, 2);
  }
});
