/** What a noray relay is made of: a port for one player, and the ways by which packets come to it. */
import { type Endpoint, scopeOf } from "../../endpoint.ts";
import { norayLimits } from "./limits.ts";
import type { Sender } from "./traffic.ts";

/** One port: to the peers of its player it stands for that player. */
export type Relay<Via> = {
  readonly port: number;
  /** What sends from that port. */
  readonly via: Via;
  /** Where the registrar saw the player. */
  owner: Endpoint;
  /** The IP address of its TCP connection, which cannot be made up. */
  readonly provenIp: string;
  /** Bytes that may still go to the player without an answer, where it is heard from another address than that. */
  unprovenBytes: number;
  readonly sender: Sender;
  /** When a packet last passed, to or from its player. */
  usedAt: number;
  /** The ways that end here, by the endpoint that packets come from, as `endpointKey` spells it. */
  readonly ways: Map<string, Way<Via>>;
  /** The same, by IP address. */
  readonly byAddress: Map<string, Set<Way<Via>>>;
  /** The way that was used last: most packets come from one peer in a row. */
  last: Way<Via> | null;
  /** Ports of unknown senders at a player's own IP address, and when each was first heard. */
  readonly strangers: Map<string, number>;
  /** Relays that were made for such senders. */
  dynamic: number;
  /** The relay that this one was made for, if it is one of those. */
  readonly madeFor: Relay<Via> | null;
};

/**
 * One direction of a pair. Packets that come to the port of `at` from this address leave by the port of `via`, and go to the address of
 * `back`. A router may give a player another port for each port that the player sends to, so each way has an address of its own.
 */
export type Way<Via> = {
  readonly at: Relay<Via>;
  readonly via: Relay<Via>;
  readonly sender: Sender;
  address: string;
  port: number;
  /** When a packet last came from there; -Infinity before the first. */
  heardAt: number;
  pairedAt: number;
  /** Bytes that it has carried to somebody who has not been heard since, with headers if the address there is unproven. */
  unheardBytes: number;
  /** The address is that of the player's TCP connection, or a gateway's, or this machine's. */
  isProven: boolean;
  /** It is, and the player was heard there since the pair was made: nothing but the budgets bounds what goes there. */
  isOpen: boolean;
  /** A packet came from the address after one had gone there. */
  hasAnswered: boolean;
  /** Bytes, with headers, that came from an unproven address before that. */
  heardBytes: number;
  /** The other end is a gateway: its address is known, and does not move. */
  readonly isFixed: boolean;
  back: Way<Via>;
};

export function endpointKey(address: string, port: number): string {
  return `${address} ${port}`;
}

/** Puts a way where packets from its address find it. */
export function addWay<Via>(way: Way<Via>): void {
  const { at, address, port } = way;
  at.ways.set(endpointKey(address, port), way);
  // It may have been another way with this address.
  at.last = null;
  const known = at.byAddress.get(address);
  if (known) known.add(way);
  else at.byAddress.set(address, new Set([way]));
}

export function removeWay<Via>(way: Way<Via>): void {
  const { at, address, port } = way;
  const key = endpointKey(address, port);
  // Another player may have come from the same endpoint since.
  if (at.ways.get(key) === way) at.ways.delete(key);
  const known = at.byAddress.get(address);
  known?.delete(way);
  if (known?.size === 0) at.byAddress.delete(address);
  if (at.last === way) at.last = null;
}

/** From now on packets of this way come from there, and those of the other way go there. */
export function moveWay<Via>(way: Way<Via>, address: string, port: number): void {
  removeWay(way);
  if (way.address !== address) {
    way.isProven = isProven(way.via, address);
    way.isOpen = false;
    way.hasAnswered = false;
    way.heardBytes = 0;
    // What went to the address before is nothing that the new one could answer.
    if (!way.isProven) way.back.unheardBytes = 0;
  }
  way.address = address;
  way.port = port;
  addWay(way);
}

/** All ways that end here. */
export function* waysOf<Via>({ byAddress }: Relay<Via>): Iterable<Way<Via>> {
  for (const ways of byAddress.values()) yield* ways;
}

/** Whether a player's address cannot be made up: it is that of its TCP connection. This machine's own are one network. */
export function isProven({ provenIp }: Relay<unknown>, address: string): boolean {
  return address === provenIp || scopeOf(address) === "loopback";
}

/** Whether a packet of this way may go to somebody who is unproven, or has not been heard. */
export function mayReach(way: Way<unknown>, length: number): boolean {
  const { back, unheardBytes } = way;
  const cost = costTo(back, length);
  if (back.isProven || back.hasAnswered) return unheardBytes + cost <= norayLimits.norayUnheardBytes;
  return (
    back.via.unprovenBytes >= cost || unheardBytes + cost <= norayLimits.norayUnprovenTimes * back.heardBytes
  );
}

/** A packet of this way has gone to somebody who is unproven, or has not been heard. */
export function noteSent(way: Way<unknown>, length: number): void {
  const { back } = way;
  const cost = costTo(back, length);
  if (!back.isProven || !hasHeard(back)) way.unheardBytes += cost;
  if (!back.isProven && !back.hasAnswered && back.via.unprovenBytes >= cost) back.via.unprovenBytes -= cost;
}

/** A packet of this way has come from somebody who is unproven, or had not been heard. */
export function noteHeard(way: Way<unknown>, length: number): void {
  way.isOpen = way.isProven;
  if (way.isProven || way.hasAnswered) return;
  way.heardBytes += costTo(way, length);
  way.hasAnswered = way.back.unheardBytes > 0;
}

export function hasHeard({ heardAt }: Way<unknown>): boolean {
  return heardAt !== Number.NEGATIVE_INFINITY;
}

function costTo({ isProven }: Way<unknown>, length: number): number {
  return isProven ? length : length + norayLimits.norayHeaderBytes;
}
