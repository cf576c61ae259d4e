/**
 * A guest's half of the game. Its own comet flies at once as it steers: it foretells what the host will say, and puts itself right when
 * the host has said it. All others are drawn a moment back, between two packets, however they arrive.
 */
import type { Helm } from "./helm.ts";
import { steeringOf } from "./helm.ts";
import { pathGap, speed, tickMs } from "./world/rules.ts";
import { applyChanges, applyHeads, type Head, mend, type Snapshot, worldOf } from "./world/snapshot.ts";
import { writeSteering } from "./world/steering-packet.ts";
import { fly, type Steering } from "./world/step.ts";
import { type Body, cometOf, turned, type World } from "./world/world.ts";

/** Ticks of own steering that are kept: a round trip may take so long. */
const memory = 120;
/** Heads that are kept of each comet. */
const mostSamples = 24;
/** Milliseconds that others are drawn back, at least and at most. */
const delayBounds = { least: 60, most: 320 };
/** Ticks for which a comet flies on when nothing is heard of it. */
const guessTicks = 24;
/** A foretold place that is wrong by more is put right at once, else little by little. */
const jumpUnits = 160;

type Sample = Head & { tick: number };
type Told = Steering & { tick: number };

/** Where a head is drawn. */
export type Spot = { x: number; y: number; heading: number; travel: number; isBoosting: boolean };

export class Follower {
  /** As the host said last; null until a whole state has come. */
  world: World | null;
  readonly #selfId: string;
  #reign = 0;
  /** The tick until which everything is known, of this reign. */
  #known = 0;
  #heardAt = Number.NEGATIVE_INFINITY;
  readonly #samples = new Map<number, Sample[]>();
  /** For each packet of the last seconds: when it came, less when it was made by the host's clock. */
  #lags: { at: number; lag: number }[] = [];
  #delay = 100;
  #base = 0;
  /** Own clock: when it was at `#begun` ticks. */
  readonly #epoch: number;
  readonly #begun: number;
  #tick: number;
  #steering: Told[] = [];
  #own: Body | null = null;
  /** Where the foretold head was after each tick that the host has not confirmed. */
  #ahead: { x: number; y: number; tick: number }[] = [];
  /** What the picture is off, and fades. */
  #offset = { x: 0, y: 0 };
  #corrections: number[] = [];

  /**
   * `begun`: where its clock begins; later than that of a program before it, so that a host knows what is newer. `world`: of before,
   * until this host has told its own.
   */
  constructor(selfId: string, now: number, begun = 0, world: World | null = null) {
    this.#selfId = selfId;
    this.#epoch = now;
    this.#begun = begun;
    this.#tick = begun;
    this.world = world;
  }

  /** The host's; 0 until it was heard. */
  get reign(): number {
    return this.#reign;
  }

  /** Milliseconds since the host was heard. */
  silence(now: number): number {
    return now - this.#heardAt;
  }

  /** Whether this is all that a new host needs to go on. */
  get isComplete(): boolean {
    return this.world !== null && this.#known > 0;
  }

  get delayMs(): number {
    return this.#delay;
  }

  /** How far foretold places were off lately, in units. */
  get corrections(): readonly number[] {
    return this.#corrections;
  }

  /** What the host has sent. Says whether it counted. */
  hear(snapshot: Snapshot, now: number): boolean {
    if (this.#reign !== snapshot.reign) {
      // Another host: nothing it says builds on what the former one said.
      this.#reign = snapshot.reign;
      this.#known = 0;
      this.#lags = [];
      this.#samples.clear();
    } else if (this.world && snapshot.tick <= this.world.tick && !snapshot.ids) return false;
    this.#heardAt = now;
    const isOld = this.world !== null && this.#known > 0 && snapshot.tick < this.world.tick;
    if (snapshot.ids) {
      if (isOld) return false;
      this.world = worldOf(snapshot, (snapshot.tick ^ snapshot.reign) >>> 0) ?? this.world;
      this.#known = snapshot.tick;
    }
    const { world } = this;
    if (!world) return true;
    if (world.round !== snapshot.round) this.#samples.clear();
    if (world.roster !== snapshot.roster) {
      // Whose heads these are, only a whole state tells.
      this.#known = 0;
      return true;
    }
    applyHeads(world, snapshot);
    this.#build(world, snapshot);
    this.#sample(snapshot, now);
    this.#reconcile(world, snapshot.steered);
    return true;
  }

  /** Makes the ticks that are due by this clock. */
  advance(now: number, helm: Helm): void {
    const due = this.#begun + Math.floor((now - this.#epoch) / tickMs);
    if (due - this.#tick > memory) this.#tick = due - 1;
    while (this.#tick < due) {
      this.#tick += 1;
      const steering = steeringOf(helm, this.#own?.heading ?? 0);
      this.#steering.push({ ...steering, tick: this.#tick });
      if (this.#own) this.#foretell(this.#own, steering, this.#tick);
      this.#offset.x *= 0.9;
      this.#offset.y *= 0.9;
    }
    if (this.#steering.length > memory) this.#steering.splice(0, this.#steering.length - memory);
    if (this.#ahead.length > memory) this.#ahead.splice(0, this.#ahead.length - memory);
  }

  /** What to tell the host. */
  packet(): Uint8Array<ArrayBuffer> {
    return writeSteering({
      reign: this.#reign,
      known: this.#known,
      last: this.#tick,
      steering: this.#steering,
    });
  }

  /** Where this slot's head is now, and the way there that is not in its path yet. */
  spot(slot: number, now: number): { head: Spot; ahead: readonly { x: number; y: number }[] } | null {
    const comet = this.world?.comets.find((one) => one.slot === slot);
    if (!comet) return null;
    if (comet.id === this.#selfId && this.#own && !comet.ghost) return this.#ownSpot(this.#own, now);
    const samples = this.#samples.get(slot);
    const tick = (now - this.#base - this.#delay) / tickMs;
    return { head: samples?.length ? between(samples, tick) : still(comet), ahead: [] };
  }

  /** The world for a new host: this player's own clock begins again there. */
  surrender(): World | null {
    if (this.world) mend(this.world);
    return this.world;
  }

  #ownSpot(own: Body, now: number): { head: Spot; ahead: readonly { x: number; y: number }[] } {
    const part = Math.min(1, Math.max(0, (now - this.#epoch) / tickMs + this.#begun - this.#tick));
    const way = own.boostLeft > 0 ? speed * 2 : speed;
    const x = own.x + this.#offset.x + Math.cos(own.heading) * way * part;
    const y = own.y + this.#offset.y + Math.sin(own.heading) * way * part;
    const { length } = this.#ahead;
    const ahead = this.#ahead.map((point, i) => {
      const share = (i + 1) / length;
      return { x: point.x + this.#offset.x * share, y: point.y + this.#offset.y * share };
    });
    const head = { x, y, heading: own.heading, travel: own.travel, isBoosting: own.boostLeft > 0 };
    return { head, ahead };
  }

  #build(world: World, { changes, tick, ids }: Snapshot): void {
    if (ids || !changes || this.#known === 0 || changes.since > this.#known) return;
    applyChanges(world, changes);
    this.#known = tick;
  }

  #sample({ heads, tick }: Snapshot, now: number): void {
    this.#lags.push({ at: now, lag: now - tick * tickMs });
    while (this.#lags.length > 64 || now - (this.#lags[0]?.at ?? now) > 3_000) this.#lags.shift();
    const lags = this.#lags.map(({ lag }) => lag).sort((one, other) => one - other);
    this.#base = lags[0] ?? 0;
    // Two packets' time, so that one may be lost, and as much as nine of ten packets come late.
    const late = (lags[Math.floor(lags.length * 0.9)] ?? 0) - this.#base;
    const wanted = Math.min(delayBounds.most, Math.max(delayBounds.least, 75 + late));
    this.#delay += (wanted - this.#delay) * 0.1;
    for (const head of heads) {
      const samples = this.#samples.get(head.slot) ?? [];
      this.#samples.set(head.slot, samples);
      samples.push({ ...head, tick });
      if (samples.length > mostSamples) samples.shift();
    }
    for (const slot of this.#samples.keys()) {
      if (!heads.some((head) => head.slot === slot)) this.#samples.delete(slot);
    }
  }

  /** The host has said where the own comet was when it knew our steering up to `steered`: what came since is done again. */
  #reconcile(world: World, steered: number): void {
    const comet = cometOf(world, this.#selfId);
    if (!comet || comet.ghost) {
      this.#own = null;
      this.#ahead = [];
      return;
    }
    const before = this.#own;
    const { x, y, heading, travel, stars, boostLeft, boostWait, dazed } = comet;
    const own: Body = { x, y, heading, travel, stars, boostLeft, boostWait, dazed };
    this.#ahead = [];
    const open = this.#steering.filter(({ tick }) => tick > steered);
    // A host that has not heard us yet cannot be foretold by more than a moment.
    for (const told of open.slice(steered === 0 ? -6 : -60)) this.#foretell(own, told, told.tick);
    this.#own = own;
    if (!before) return;
    const [dx, dy] = [before.x - own.x, before.y - own.y];
    this.#corrections.push(Math.hypot(dx, dy));
    const offset = { x: this.#offset.x + dx, y: this.#offset.y + dy };
    this.#offset = Math.hypot(offset.x, offset.y) > jumpUnits ? { x: 0, y: 0 } : offset;
    if (this.#corrections.length > 100) this.#corrections.shift();
  }

  #foretell(own: Body, steering: Steering, tick: number): void {
    fly(own, steering);
    this.#ahead.push({ x: own.x, y: own.y, tick });
  }
}

function still(comet: Body): Spot {
  const { x, y, heading, travel, boostLeft } = comet;
  return { x, y, heading, travel, isBoosting: boostLeft > 0 };
}

/** Where a head was at this tick of the host's clock: on a smooth way through what was heard, or a little beyond. */
function between(samples: readonly Sample[], tick: number): Spot {
  const later = samples.findIndex((sample) => sample.tick >= tick);
  const last = samples.at(-1);
  const first = samples[0];
  if (!first || !last) return { x: 0, y: 0, heading: 0, travel: 0, isBoosting: false };
  if (later === 0) return still(first);
  if (later === -1) {
    const way = Math.min(guessTicks, tick - last.tick) * (last.boostLeft > 0 ? speed * 2 : speed);
    const { x, y } = last;
    return {
      ...still(last),
      x: x + Math.cos(last.heading) * way,
      y: y + Math.sin(last.heading) * way,
      travel: last.travel + way,
    };
  }
  const to = samples[later] ?? last;
  const from = samples[later - 1] ?? first;
  const share = (tick - from.tick) / Math.max(1, to.tick - from.tick);
  const way = Math.min(to.travel - from.travel, 20 * pathGap);
  // Heads that have met jump: no smooth way leads there.
  const isSmooth = Math.hypot(to.x - from.x, to.y - from.y) < way * 1.2 + 4;
  const bend = (a: number, b: number, fromSlope: number, toSlope: number) => {
    if (!isSmooth) return a + (b - a) * share;
    const [s2, s3] = [share ** 2, share ** 3];
    return (
      a * (2 * s3 - 3 * s2 + 1) +
      fromSlope * way * (s3 - 2 * s2 + share) +
      b * (3 * s2 - 2 * s3) +
      toSlope * way * (s3 - s2)
    );
  };
  return {
    x: bend(from.x, to.x, Math.cos(from.heading), Math.cos(to.heading)),
    y: bend(from.y, to.y, Math.sin(from.heading), Math.sin(to.heading)),
    heading: turned(from.heading + turned(to.heading - from.heading) * share),
    travel: from.travel + (to.travel - from.travel) * share,
    isBoosting: from.boostLeft > 0,
  };
}
