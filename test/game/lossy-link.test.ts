/** A host and guests over links that lose, delay and reorder packets. Time is counted, not passed. */
import { expect, test } from "vitest";
import { Follower } from "../../page/game/follower.ts";
import { type Helm, idleHelm } from "../../page/game/helm.ts";
import { Referee, snapshotTicks } from "../../page/game/referee.ts";
import { draw } from "../../page/game/world/random.ts";
import { readSnapshot } from "../../page/game/world/snapshot.ts";
import { straightOn } from "../../page/game/world/step.ts";
import { cometOf, newWorld, turned } from "../../page/game/world/world.ts";

type Weather = { delayMs: number; jitterMs: number; loss: number };
type Parcel = { at: number; deliver: (now: number) => void };

/** A game of one host and guests that lasts so long; `each` is called at every look at the clock, some 60 times a second. */
class Table {
  readonly referee = new Referee(newWorld(4), { term: 1, reign: 500, from: 0 }, "host", 0);
  readonly guests: Map<string, { follower: Follower; helm: Helm }>;
  readonly #weather: Weather;
  readonly #random = { seed: 99 };
  #mail: Parcel[] = [];
  #spoken = 0;
  now = 0;

  constructor(names: string[], weather: Weather) {
    this.#weather = weather;
    // Their clocks begin at odd times.
    const seat = (name: string, i: number) =>
      [name, { follower: new Follower(name, i * 7.3 - 40), helm: idleHelm }] as const;
    this.guests = new Map(names.map(seat));
    const players = ["host", ...names].map((id) => ({ id, isHere: true }));
    this.referee.seat(players, 0);
  }

  run(ms: number, each: (now: number) => void = () => {}): void {
    const end = this.now + ms;
    let turn = 0;
    while (this.now < end) {
      // Browsers call some 60 times a second, and sometimes late.
      this.now += 15 + draw(this.#random) * 4;
      turn += 1;
      const { now, referee } = this;
      const due = this.#mail.filter(({ at }) => at <= now);
      this.#mail = this.#mail.filter(({ at }) => at > now);
      for (const { deliver } of due) deliver(now);
      referee.steer(straightOn);
      referee.advance(now);
      const isTime = referee.world.tick - this.#spoken >= snapshotTicks;
      if (isTime) this.#spoken = referee.world.tick;
      for (const [id, guest] of this.guests) {
        const { follower } = guest;
        const hear = (bytes: Uint8Array) => (at: number) => {
          const snapshot = readSnapshot(bytes);
          if (snapshot) follower.hear(snapshot, at);
        };
        const packet = isTime ? referee.packetFor(id, now) : null;
        if (packet) this.#post(hear(packet), this.#weather.loss);
        const state = isTime ? referee.stateFor(id, now) : null;
        // A reliable message comes, late perhaps.
        if (state) this.#post(hear(state), 0);
        follower.advance(now, guest.helm);
        const told = turn % 2 === 0 ? follower.packet() : null;
        if (told) this.#post((at) => referee.hear(id, told, at), this.#weather.loss);
      }
      each(now);
    }
  }

  #post(deliver: (now: number) => void, loss: number): void {
    const { delayMs, jitterMs } = this.#weather;
    if (draw(this.#random) < loss) return;
    this.#mail.push({ at: this.now + delayMs + draw(this.#random) * jitterMs, deliver });
  }
}

const share = (values: number[], part: number) =>
  [...values].sort((one, other) => one - other)[Math.floor(values.length * part)] ?? 0;

test("a guest 80 ms away steers its comet at once, and the host agrees on where it is", () => {
  const table = new Table(["bo"], { delayMs: 40, jitterMs: 0, loss: 0 });
  const bo = table.guests.get("bo");
  if (!bo) throw new Error("Bo plays.");
  table.run(2_000);
  // All that is off from now on is the guest's foresight.
  const off: number[] = [];
  table.run(6_000, (now) => {
    bo.helm = { turn: Math.floor(now / 400) % 3 === 0 ? 1 : 0, toward: null, boost: false };
    off.push(...bo.follower.corrections.slice(-1));
  });
  expect(share(off, 0.9)).toBeLessThan(4);
  // The comet answers to the helm in the same moment: a round trip has not passed.
  const slot = cometOf(table.referee.world, "bo")?.slot ?? 0;
  bo.helm = idleHelm;
  table.run(400);
  // It is drawn where the host will have it when it hears of this moment, not where it had it.
  const ahead =
    (bo.follower.spot(slot, table.now)?.head.travel ?? 0) - (cometOf(table.referee.world, "bo")?.travel ?? 0);
  expect(ahead).toBeGreaterThan(5);
  expect(ahead).toBeLessThan(40);
  expect(bo.follower.delayMs).toBeLessThan(100);
  const before = bo.follower.spot(slot, table.now)?.head.heading ?? 0;
  bo.helm = { turn: 1, toward: null, boost: false };
  table.run(50);
  expect(Math.abs((bo.follower.spot(slot, table.now)?.head.heading ?? 0) - before)).toBeGreaterThan(0.05);
});

test("with 15 % of all packets lost and 60 ms of jitter, own comets stay true and others fly smoothly", () => {
  const table = new Table(["bo", "cy"], { delayMs: 50, jitterMs: 60, loss: 0.15 });
  const [bo, cy] = [table.guests.get("bo"), table.guests.get("cy")];
  if (!bo || !cy) throw new Error("They play.");
  table.run(3_000);
  const slots = ["bo", "cy"].map((id) => cometOf(table.referee.world, id)?.slot ?? -1);
  const steps: number[] = [];
  const off: number[] = [];
  let last: { x: number; y: number; now: number } | null = null;
  table.run(15_000, (now) => {
    bo.helm = { turn: Math.sign(Math.sin(now / 700)), toward: null, boost: false };
    cy.helm = { turn: 0, toward: Math.sin(now / 900) * 3, boost: false };
    off.push(...bo.follower.corrections.slice(-1));
    const head = bo.follower.spot(slots[1] ?? -1, now)?.head;
    if (head && last) steps.push((Math.hypot(head.x - last.x, head.y - last.y) * 1000) / (now - last.now));
    last = head ? { x: head.x, y: head.y, now } : null;
  });
  expect(share(off, 0.9)).toBeLessThan(14);
  // Others are drawn farther back, as packets come later.
  expect(bo.follower.delayMs).toBeGreaterThan(105);
  // A comet makes 172 units a second. Where it is drawn it does so as well, but for few moments.
  expect(share(steps, 0.05)).toBeGreaterThan(90);
  expect(share(steps, 0.95)).toBeLessThan(260);
});

test("after ten seconds of losses all guests have the host's world, to the last star and point of each path", () => {
  const table = new Table(["bo", "cy", "di"], { delayMs: 30, jitterMs: 40, loss: 0.2 });
  for (const [i, guest] of [...table.guests.values()].entries()) {
    guest.helm = { turn: i - 1, toward: null, boost: false };
  }
  table.run(10_000);
  // The host stands still: what was lost is told again.
  const { referee } = table;
  const stop = referee.world.tick;
  const settled = new Referee(referee.world, { term: 1, reign: 501, from: 500 }, "host", 1e12);
  settled.seat(
    ["host", "bo", "cy", "di"].map((id) => ({ id, isHere: true })),
    0,
  );
  for (const [id, { follower }] of table.guests) {
    const state = settled.stateFor(id, 0);
    const snapshot = state && readSnapshot(state);
    const before = follower.world;
    const missed = before?.stars.value.filter((value, slot) => value !== referee.world.stars.value[slot]);
    // At most what has changed within the last moments.
    expect(missed?.length).toBeLessThan(12);
    expect(stop - (before?.tick ?? 0)).toBeLessThan(20);
    for (const comet of referee.world.comets) {
      const known = before?.comets.find(({ slot }) => slot === comet.slot)?.path;
      const at = (number: number) => number - comet.path.first;
      known?.xs.forEach((x, i) => {
        const number = known.first + i;
        if (at(number) >= 0) expect(x).toBe(comet.path.xs[at(number)]);
      });
    }
    if (snapshot) follower.hear(snapshot, table.now);
    expect([...(follower.world?.stars.value ?? [])]).toEqual([...referee.world.stars.value]);
  }
});

test("a guest that comes late has everything with the first whole state", () => {
  const table = new Table(["bo"], { delayMs: 60, jitterMs: 10, loss: 0.1 });
  table.run(400);
  const world = table.guests.get("bo")?.follower.world;
  expect(world?.comets.length).toBeGreaterThanOrEqual(1);
  expect(table.guests.get("bo")?.follower.isComplete).toBe(true);
});

test("alone, a player has two drones for company, and they go when a second player comes", () => {
  const table = new Table(["bo"], { delayMs: 20, jitterMs: 0, loss: 1 });
  table.run(500);
  expect(table.referee.world.comets.map(({ id }) => id)).toEqual(["host", "~1", "~2"]);
  const other = new Table(["bo"], { delayMs: 20, jitterMs: 0, loss: 0 });
  other.run(500);
  expect(other.referee.world.comets.map(({ id }) => id).sort()).toEqual(["bo", "host"]);
});

test("a guest that falls silent becomes a ghost after three seconds, and flies on when it is heard again", () => {
  const weather = { delayMs: 20, jitterMs: 0, loss: 0 };
  const table = new Table(["bo"], weather);
  table.run(1_000);
  weather.loss = 1;
  table.run(3_300);
  expect(cometOf(table.referee.world, "bo")?.ghost).toBe(true);
  weather.loss = 0;
  table.run(300);
  expect(cometOf(table.referee.world, "bo")?.ghost).toBe(false);
});

test("a guest who sends millions of ticks, or numbers from the past, moves its comet no faster", () => {
  const table = new Table(["bo"], { delayMs: 20, jitterMs: 0, loss: 0 });
  table.run(1_000);
  const comet = cometOf(table.referee.world, "bo");
  const from = comet?.travel ?? 0;
  for (let i = 0; i < 500; i++) {
    const bytes = new Uint8Array(30).map(() => Math.floor(draw({ seed: i }) * 256));
    bytes.set([3, 1, 244]);
    table.referee.hear("bo", bytes, table.now);
  }
  table.run(1_000);
  expect((comet?.travel ?? 0) - from).toBeLessThan(200);
});

test("a guest that turns, and of whom nothing is heard for a moment, goes on turning", () => {
  const weather = { delayMs: 20, jitterMs: 0, loss: 0 };
  const table = new Table(["bo"], weather);
  const bo = table.guests.get("bo");
  table.run(1_000);
  if (bo) bo.helm = { turn: -1, toward: null, boost: false };
  table.run(500);
  const comet = cometOf(table.referee.world, "bo");
  const before = comet?.heading ?? 0;
  weather.loss = 1;
  table.run(400);
  // 3.5 radians a second, to the left.
  expect(turned((comet?.heading ?? 0) - before)).toBeLessThan(-1);
});
