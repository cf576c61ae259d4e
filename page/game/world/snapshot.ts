/**
 * What the host tells of its world. Every packet says where all heads are. What changes seldom (points of paths, stars) is told from the
 * tick on that the guest is known to have, again and again until it has confirmed it. Who flies is told in a whole state, which goes
 * as a reliable message. A packet may be any bytes: reading one never throws, and gives null or something within these bounds.
 */
import { ByteReader, ByteWriter } from "./bytes.ts";
import { lastOf, newPath } from "./path.ts";
import {
  boostRest,
  boostTicks,
  dazeTicks,
  longestTail,
  mostComets,
  mostPoints,
  mostStars,
  pathGap,
  podiumTicks,
  roundTicks,
  safeTicks,
} from "./rules.ts";
import { type Body, type Comet, newWorld, type Phase, type World } from "./world.ts";

/** The first byte of a packet. */
export const packetKinds = { snapshot: 1, state: 2, steering: 3 } as const;

/** A packet of a link. */
export const packetBytes = 1_200;
/** A whole state: 8 comets with 160 points each, 160 stars and 8 names are 7 KiB. */
export const stateBytes = 8_192;
/** A client id on the wire, in bytes of UTF-8. */
const idBytes = 64;

/**
 * Who speaks. `term`: the lobby's, by which a former host is known. `reign`: drawn by each host when it begins, so that its ticks are
 * told from another's. `from`: the reign whose world it goes on with; 0: its own. `guests`: how many answer it.
 */
export type Reign = { term: number; reign: number; from: number; guests: number };

/** A head, as one packet has it. */
export type Head = Body & Pick<Comet, "safe" | "cuts" | "cutBy"> & { slot: number; isGhost: boolean };
type Points = { slot: number; first: number; xs: number[]; ys: number[] };
type ToldStar = { slot: number; x: number; y: number; value: number };

export type Snapshot = Reign & {
  tick: number;
  phase: Phase;
  left: number;
  round: number;
  roster: number;
  heads: Head[];
  /** The receiver's own steering that is in this state. */
  steered: number;
  /** What has changed since this tick; null if there was no room for it. A whole state has 0. */
  changes: { since: number; points: Points[]; stars: ToldStar[] } | null;
  /** By slot, in a whole state alone. */
  ids: ReadonlyMap<number, string> | null;
};

/** All of the world, for a reliable message, or to be kept with the lobby. */
export function writeState(world: World, reign: Reign, steered = 0): Uint8Array<ArrayBuffer> {
  const writer = new ByteWriter(stateBytes);
  writer.u8(packetKinds.state);
  writeHeads(writer, world, reign, steered);
  const encoder = new TextEncoder();
  for (const { id } of world.comets) writer.text(encoder.encode(id).subarray(0, idBytes));
  writeChanges(writer, world, 0);
  return writer.bytes();
}

/** A packet of at most 1 200 bytes, for a guest that knows all until the tick `since`. */
export function writeSnapshot(
  world: World,
  reign: Reign,
  steered: number,
  since: number,
): Uint8Array<ArrayBuffer> {
  const writer = new ByteWriter(packetBytes);
  writer.u8(packetKinds.snapshot);
  writeHeads(writer, world, reign, steered);
  const { length } = writer;
  if (since > 0) {
    writer.u8(1);
    writeChanges(writer, world, since);
  }
  if (since === 0 || writer.isFull) {
    writer.rewind(length);
    writer.u8(0);
  }
  return writer.bytes();
}

function writeHeads(writer: ByteWriter, world: World, reign: Reign, steered: number): void {
  writer.u16(reign.term & 0xffff);
  writer.u16(reign.reign);
  writer.u16(reign.from);
  writer.u8(reign.guests);
  writer.u32(world.tick);
  writer.u32(steered);
  writer.u8(world.phase === "play" ? 0 : 1);
  writer.u16(world.left);
  writer.u16(world.round);
  writer.u8(world.roster);
  writer.u8(world.comets.length);
  for (const comet of world.comets) {
    const travelled = Math.floor(comet.travel / pathGap);
    writer.u8(comet.slot | (comet.ghost ? 0x80 : 0));
    writer.u16(place(comet.x));
    writer.u16(place(comet.y));
    writer.u16(Math.round(((comet.heading + Math.PI) / (2 * Math.PI)) * 0xffff) & 0xffff);
    writer.u32(travelled * 256 + Math.floor((comet.travel / pathGap - travelled) * 256));
    writer.u8(comet.stars);
    writer.u8(comet.boostLeft);
    writer.u8(comet.boostWait);
    writer.u8(comet.dazed);
    writer.u8(comet.safe);
    writer.u8(comet.cuts);
    writer.u8(comet.cutBy);
  }
}

function writeChanges(writer: ByteWriter, { comets, stars }: World, since: number): void {
  writer.u32(since);
  for (const { path } of comets) {
    const fresh = path.ticks.findIndex((tick) => tick > since);
    const from = fresh === -1 ? path.xs.length : fresh;
    writer.u32(path.first + from);
    writer.u8(path.xs.length - from);
    for (let i = from; i < path.xs.length; i++) {
      writer.u16(place(path.xs[i] ?? 0));
      writer.u16(place(path.ys[i] ?? 0));
    }
  }
  const changed = [...stars.tick.keys()].filter((slot) => {
    return (stars.tick[slot] ?? 0) > since && (since > 0 || (stars.value[slot] ?? 0) > 0);
  });
  writer.u8(changed.length);
  for (const slot of changed) {
    writer.u8(slot);
    writer.u8(stars.value[slot] ?? 0);
    if (stars.value[slot] === 0) continue;
    writer.u16(place(stars.x[slot] ?? 0));
    writer.u16(place(stars.y[slot] ?? 0));
  }
}

/** Null for everything that no host sends. */
export function readSnapshot(bytes: Uint8Array): Snapshot | null {
  if (bytes.length > stateBytes) return null;
  const reader = new ByteReader(bytes);
  const kind = reader.u8();
  if (kind !== packetKinds.snapshot && kind !== packetKinds.state) return null;
  const [term, reign, from, guests] = [reader.u16(), reader.u16(), reader.u16(), reader.u8()];
  const [tick, steered] = [reader.u32(), reader.u32()];
  const phase = reader.u8() === 0 ? "play" : "podium";
  const left = Math.min(reader.u16(), phase === "play" ? roundTicks : podiumTicks);
  const [round, roster, count] = [reader.u16(), reader.u8(), reader.u8()];
  if (count > mostComets) return null;
  const heads: Head[] = [];
  for (let i = 0; i < count; i++) {
    const head = readHead(reader);
    // In the order of their slots, each once.
    if (head.slot >= mostComets || head.slot <= (heads.at(-1)?.slot ?? -1)) return null;
    heads.push(head);
  }
  const who = { term, reign, from, guests };
  const told = { ...who, tick, phase, left, round, roster, heads, steered } as const;
  if (kind === packetKinds.snapshot) {
    const changes = reader.u8() === 1 ? readChanges(reader, heads) : null;
    return reader.isDone ? { ...told, changes, ids: null } : null;
  }
  const ids = readIds(reader, heads);
  const changes = readChanges(reader, heads);
  return reader.isDone && ids ? { ...told, changes, ids } : null;
}

function readHead(reader: ByteReader): Head {
  const flags = reader.u8();
  const [x, y] = [unit(reader.u16()), unit(reader.u16())];
  const heading = (reader.u16() / 0xffff) * 2 * Math.PI - Math.PI;
  const travel = (reader.u32() / 256) * pathGap;
  const most = (value: number) => Math.min(reader.u8(), value);
  return {
    ...{ slot: flags & 0x7f, isGhost: (flags & 0x80) !== 0, x, y, heading, travel },
    ...{ stars: most(longestTail), boostLeft: most(boostTicks), boostWait: most(boostRest) },
    ...{ dazed: most(dazeTicks), safe: most(safeTicks), cuts: most(255), cutBy: most(255) },
  };
}

function readIds(reader: ByteReader, heads: readonly Head[]): Map<number, string> | null {
  const decoder = new TextDecoder();
  const ids = new Map<number, string>();
  for (const { slot } of heads) {
    const id = decoder.decode(reader.text().subarray(0, idBytes));
    if (id === "") return null;
    ids.set(slot, id);
  }
  return new Set(ids.values()).size === ids.size ? ids : null;
}

function readChanges(reader: ByteReader, heads: readonly Head[]): Snapshot["changes"] {
  const since = reader.u32();
  const points = heads.map(({ slot }) => {
    const first = reader.u32();
    const count = Math.min(reader.u8(), mostPoints);
    const told: Points = { slot, first, xs: [], ys: [] };
    for (let i = 0; i < count && !reader.isBroken; i++) {
      told.xs.push(unit(reader.u16()));
      told.ys.push(unit(reader.u16()));
    }
    return told;
  });
  const stars: ToldStar[] = [];
  const count = Math.min(reader.u8(), mostStars);
  for (let i = 0; i < count && !reader.isBroken; i++) {
    const slot = Math.min(reader.u8(), mostStars - 1);
    const value = reader.u8();
    const [x, y] = value === 0 ? [0, 0] : [unit(reader.u16()), unit(reader.u16())];
    stars.push({ slot, x, y, value });
  }
  return { since, points, stars };
}

/** The world that a whole state tells of, or null if it is none. `seed`: of what is drawn from now on. */
export function worldOf(state: Snapshot, seed: number): World | null {
  if (!state.ids || !state.changes) return null;
  const world = newWorld(seed);
  for (const head of state.heads) world.comets.push(cometOfHead(head, state.ids.get(head.slot) ?? ""));
  applyHeads(world, state);
  applyChanges(world, state.changes);
  return world;
}

/** Takes over where all heads are, if the same comets fly. */
export function applyHeads(world: World, { tick, phase, left, round, roster, heads }: Snapshot): void {
  Object.assign(world, { tick, phase, left, round, roster });
  for (const comet of world.comets) {
    const head = heads.find(({ slot }) => slot === comet.slot);
    if (!head) continue;
    const { isGhost, ...body } = head;
    Object.assign(comet, body, { ghost: isGhost });
  }
}

/** Takes over points and stars. */
export function applyChanges(world: World, { points, stars }: NonNullable<Snapshot["changes"]>): void {
  for (const told of points) {
    const comet = world.comets.find(({ slot }) => slot === told.slot);
    if (comet) applyPoints(world, comet, told);
  }
  for (const { slot, x, y, value } of stars) {
    world.stars.x[slot] = x;
    world.stars.y[slot] = y;
    world.stars.value[slot] = value;
    world.stars.tick[slot] = world.tick;
  }
}

function applyPoints(world: World, { path }: Comet, { first, xs, ys }: Points): void {
  // Points that are missing in between were forgotten by the host as well: a new round has begun.
  const isNew = first > lastOf(path) + 1 || first < path.first;
  if (isNew && xs.length > 0) {
    path.first = first;
    path.xs = [...xs];
    path.ys = [...ys];
    path.ticks = xs.map(() => world.tick);
    return;
  }
  for (let i = Math.max(0, lastOf(path) + 1 - first); i < xs.length; i++) {
    path.xs.push(xs[i] ?? 0);
    path.ys.push(ys[i] ?? 0);
    path.ticks.push(world.tick);
  }
  const surplus = path.xs.length - mostPoints;
  if (surplus <= 0) return;
  path.xs.splice(0, surplus);
  path.ys.splice(0, surplus);
  path.ticks.splice(0, surplus);
  path.first += surplus;
}

function cometOfHead(head: Head, id: string): Comet {
  const { isGhost, slot, ...body } = head;
  return { ...body, slot, id, ghost: isGhost, path: { first: 0, xs: [], ys: [], ticks: [] } };
}

/**
 * Makes a world that was heard fit to be played on: a path that does not end at its head, because packets were lost or forged, begins
 * again there.
 */
export function mend(world: World): void {
  for (const comet of world.comets) {
    const last = Math.max(1, Math.floor(comet.travel / pathGap));
    if (lastOf(comet.path) !== last) comet.path = newPath(comet.x, comet.y, world.tick, last);
  }
}

/** A place in the arena as 16 bits, and back. */
function place(value: number): number {
  return Math.min(0xffff, Math.max(0, Math.round((value + 1024) * 32)));
}

function unit(bits: number): number {
  return bits / 32 - 1024;
}
