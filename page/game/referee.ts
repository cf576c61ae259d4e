/**
 * The host's half of the game. It alone moves the world; guests tell it how they steer. Guests' clocks count ticks as well: the referee
 * applies what a guest did in its tick n always in the same tick of the world, a little after it has come, so that the guest can
 * foretell exactly what becomes of it.
 */
import { lead } from "./helm.ts";
import { droneSteering } from "./world/drone.ts";
import { droneCount, mostComets, tickMs } from "./world/rules.ts";
import { mend, packetKinds, type Reign, writeSnapshot, writeState } from "./world/snapshot.ts";
import { readSteering } from "./world/steering-packet.ts";
import { type Steering, step, straightOn } from "./world/step.ts";
import { type Comet, cometOf, enter, exit, isDrone, type World } from "./world/world.ts";

/** Ticks of steering that are kept of a guest, in a ring. */
const ring = 64;
/** Ticks between a guest's newest steering and what is applied: the jitter that does not show. */
const margin = { least: 1, most: 5, lost: 40 };
/** After so many ticks without steering a comet flies straight on. */
const holdTicks = 30;
/** After so many milliseconds without a word of its player a comet is a ghost. */
const ghostMs = 3_000;
/** A guest that has said something in so many milliseconds answers. */
const answerMs = 1_000;
/** A suspended program does not catch up: so many ticks at most are made up for. */
const mostCatchUp = 30;
/** Milliseconds between whole states for one guest, also if others come and go. */
const stateMs = 400;
const newsMs = 60;
/** Ticks between packets of one guest's: 20 a second. */
export const snapshotTicks = 3;

type Guest = {
  readonly steering: (Steering & { tick: number })[];
  /** Its last tick that was heard of, and the one that is applied now. */
  latest: number;
  applied: number;
  /** The least that `latest` was ahead of `applied` in this second. */
  spare: number;
  /** The tick of the world until which it has everything; 0: it needs a whole state. */
  known: number;
  stateAt: number;
  /** The roster that it was told last. */
  roster: number;
  heardAt: number;
  isHeard: boolean;
};

/** Who is in the lobby. `isHere`: its connection is not lost. */
export type Player = { id: string; isHere: boolean };

export class Referee {
  readonly world: World;
  readonly #reign: Omit<Reign, "guests">;
  readonly #selfId: string;
  readonly #guests = new Map<string, Guest>();
  /** When the next tick is due. */
  #due: number;
  #players: readonly Player[] = [];
  #own: Steering = straightOn;

  constructor(world: World, reign: Omit<Reign, "guests">, selfId: string, now: number) {
    mend(world);
    this.world = world;
    this.#reign = reign;
    this.#selfId = selfId;
    this.#due = now;
  }

  get reign(): number {
    return this.#reign.reign;
  }

  /** Milliseconds for which the world has not moved: what is drawn flies on by so much. */
  behind(now: number): number {
    return Math.min(tickMs, Math.max(0, now - this.#due + tickMs));
  }

  /** Who plays. Comets of those who have left go; they come when their players are heard. */
  seat(players: readonly Player[], now: number): void {
    this.#players = players;
    for (const { id } of [...this.world.comets]) {
      if (!isDrone({ id }) && !players.some((player) => player.id === id)) exit(this.world, id);
    }
    for (const id of [...this.#guests.keys()]) {
      if (!players.some((player) => player.id === id)) this.#guests.delete(id);
    }
    for (const { id } of players) {
      if (id !== this.#selfId && !this.#guests.has(id) && this.#guests.size < 63) {
        this.#guests.set(id, newGuest(now));
      }
    }
  }

  /** What this player's own comet does from now on. */
  steer(steering: Steering): void {
    this.#own = steering;
  }

  /** What a guest has sent. */
  hear(id: string, bytes: Uint8Array, now: number): void {
    if (bytes[0] !== packetKinds.steering) return;
    const guest = this.#guests.get(id);
    const packet = guest && readSteering(bytes);
    if (!guest || !packet) return;
    guest.heardAt = now;
    guest.isHeard = true;
    const isMine = packet.reign === this.reign && packet.known <= this.world.tick;
    // One that was overtaken says nothing new.
    if (packet.last > guest.latest) guest.known = isMine ? packet.known : 0;
    for (const [i, steering] of packet.steering.entries()) {
      const tick = packet.last - (packet.steering.length - 1 - i);
      if (tick > 0) guest.steering[tick % ring] = { ...steering, tick };
    }
    if (packet.last > guest.latest || guest.latest - packet.last > 600) guest.latest = packet.last;
    if (Math.abs(guest.latest - guest.applied) > margin.lost) guest.applied = guest.latest - 3;
  }

  /** Makes all ticks that are due. Says how many. */
  advance(now: number): number {
    if (now - this.#due > mostCatchUp * tickMs) this.#due = now - mostCatchUp * tickMs;
    let made = 0;
    for (; this.#due <= now; this.#due += tickMs, made++) this.#tick(now);
    return made;
  }

  /** The next packet for this guest. */
  packetFor(id: string, now: number): Uint8Array<ArrayBuffer> | null {
    const guest = this.#guests.get(id);
    return guest ? writeSnapshot(this.world, this.#speaker(now), guest.applied, guest.known) : null;
  }

  /** A whole state, if this guest needs one now. */
  stateFor(id: string, now: number): Uint8Array<ArrayBuffer> | null {
    const guest = this.#guests.get(id);
    if (!guest) return null;
    // Who flies is told in a whole state alone: nobody shall wait for that.
    const isNews = guest.roster !== this.world.roster;
    if (now - guest.stateAt < (isNews ? newsMs : stateMs) || (guest.known > 0 && !isNews)) return null;
    guest.stateAt = now;
    guest.roster = this.world.roster;
    return writeState(this.world, this.#speaker(now), guest.applied);
  }

  /** The whole state as it is kept with the lobby: for nobody in particular. */
  kept(now: number): Uint8Array<ArrayBuffer> {
    return writeState(this.world, this.#speaker(now));
  }

  /** How many guests were heard in the last second. */
  guests(now: number): number {
    return [...this.#guests.values()].filter(({ isHeard, heardAt }) => isHeard && now - heardAt < answerMs)
      .length;
  }

  #speaker(now: number): Reign {
    return { ...this.#reign, guests: Math.min(255, this.guests(now)) };
  }

  #tick(now: number): void {
    this.#muster(now);
    const steering = new Map<number, Steering>();
    for (const comet of this.world.comets) steering.set(comet.slot, this.#steeringFor(comet));
    step(this.world, steering);
  }

  /** Who has a comet, and who is a ghost. */
  #muster(now: number): void {
    const { world } = this;
    let flying = 0;
    for (const { id, isHere } of this.#players) {
      const guest = this.#guests.get(id);
      const isAnswering = id === this.#selfId || (guest !== undefined && now - guest.heardAt < ghostMs);
      const isNew = !cometOf(world, id) && (id === this.#selfId || (guest?.isHeard ?? false));
      if (isNew && isHere && isAnswering) this.#makeRoom(id);
      const comet = cometOf(world, id);
      if (!comet) continue;
      comet.ghost = !(isHere && isAnswering);
      if (!comet.ghost) flying += 1;
    }
    const wanted = flying === 1 ? droneCount : 0;
    for (let i = 0; i < droneCount; i++) {
      if (i < wanted) enter(world, `~${i + 1}`);
      else exit(world, `~${i + 1}`);
    }
  }

  #makeRoom(id: string): void {
    const { comets } = this.world;
    const drone = comets.length === mostComets ? comets.find(isDrone) : undefined;
    if (drone) exit(this.world, drone.id);
    enter(this.world, id);
  }

  #steeringFor(comet: Comet): Steering {
    if (isDrone(comet)) return droneSteering(this.world, comet);
    if (comet.id === this.#selfId) return this.#own;
    const guest = this.#guests.get(comet.id);
    return guest && !comet.ghost ? nextSteering(guest, this.world.tick, comet.heading) : straightOn;
  }
}

function newGuest(now: number): Guest {
  return {
    ...{ steering: [], latest: 0, applied: 0, spare: ring, known: 0 },
    ...{ stateAt: Number.NEGATIVE_INFINITY, roster: -1, heardAt: now, isHeard: false },
  };
}

/** What the guest did in its next tick, or in the last one before it that is known. */
function nextSteering(guest: Guest, worldTick: number, heading: number): Steering {
  if (guest.latest === 0) return straightOn;
  guest.applied += 1;
  guest.spare = Math.min(guest.spare, guest.latest - guest.applied);
  // Clocks drift, and ways grow longer: once a second the margin is put right by a tick.
  if (worldTick % 60 === 0) {
    if (guest.spare > margin.most) guest.applied += 1;
    if (guest.spare < margin.least) guest.applied -= 1;
    guest.spare = ring;
  }
  for (let tick = guest.applied; tick > guest.applied - holdTicks && tick > 0; tick--) {
    const known = guest.steering[tick % ring];
    if (known?.tick !== tick) continue;
    const { turn = 0, boost } = known;
    return tick === guest.applied || turn === 0 ? known : { aim: heading + turn * lead, boost, turn };
  }
  return straightOn;
}
