/**
 * The order in which clients that wait for a budget get it. An attacker can send many tokens of closed sockets, from made-up
 * addresses, and again before any of them is stale. If clients went in the order of arrival, all others would wait behind those.
 *
 * - Newcomers and returning clients take turns. A newcomer was not seen in the last hour, or was wanted before. So dead tokens that
 *   are sent again and again, with whatever mac, do not delay a player who has just come.
 * - Within each of the two, networks take turns. A network that had no turn lately goes before those that had one; of the former
 *   the one heard last goes first. So a flood from a few networks does not delay another, however few clients go at a time.
 * - Within a network, the newest client goes first. The older ones have missed their chance, and a reminder asks them again.
 *
 * Each list is bounded. If a list is full, the older half of the network that has most is dropped. If no network has much, those
 * that were silent longest are dropped. Plain data, changed in place.
 */
import { neighbourhoodOf, networkOf } from "../network.ts";
import { observingLimits } from "./limits.ts";

export const turns = ["new", "again"] as const;
export type Turn = (typeof turns)[number];

/** The part of a full list that is dropped at a time, if no network has much of it. */
const evictedPart = 0.1;
/** The part of a full list that is much for one network. */
const largePart = 0.01;

/** Keys of clients by their networks, the latest last. `served`: networks that had a turn lately, the last one last. */
type Line = { readonly networks: Map<string, Set<string>>; size: number; readonly served: Set<string> };
/** `last`: who had the last turn. */
export type Turns = Readonly<Record<Turn, Line>> & { last: Turn };

/** Where a client waits. */
export type Place = { readonly turn: Turn; readonly network: string };

export function newTurns(): Turns {
  const line = (): Line => ({ networks: new Map(), size: 0, served: new Set() });
  return { new: line(), again: line(), last: "again" };
}

export function waitingIn({ new: some, again }: Turns): number {
  return some.size + again.size;
}

/** The network that an address takes turns with: its /24, or of IPv6 its /48. */
export function shareOf(ip: string): string {
  // This may run for every datagram, and most addresses are IPv4.
  return ip.includes(":") ? neighbourhoodOf(networkOf(ip) ?? "") : ip.slice(0, ip.lastIndexOf("."));
}

/** Adds a client that is not in the list. Returns the clients that were dropped to make room. */
export function join(turns: Turns, key: string, place: Place): readonly string[] {
  const line = turns[place.turn];
  const evicted = line.size >= observingLimits.waitingInTurn ? oldestOf(line) : [];
  for (const { key, network } of evicted) leave(turns, key, { turn: place.turn, network });
  const keys = line.networks.get(place.network) ?? new Set();
  // Deleted and set again, it moves to the end.
  line.networks.delete(place.network);
  line.networks.set(place.network, keys.add(key));
  line.size += 1;
  return evicted.map(({ key }) => key);
}

export function leave(turns: Turns, key: string, { turn, network }: Place): void {
  const { networks } = turns[turn];
  const keys = networks.get(network);
  if (!keys?.delete(key)) return;
  turns[turn].size -= 1;
  if (keys.size === 0) networks.delete(network);
}

/** A client that waits there has its turn now. */
export function serve(all: Turns, { turn, network }: Place): void {
  const { served } = all[turn];
  all.last = turn;
  served.delete(network);
  served.add(network);
  const [oldest] = served;
  if (oldest !== undefined && served.size > observingLimits.servedNetworks) served.delete(oldest);
}

/** The clients to drop if memory is short: returning ones before newcomers. */
export function spared(turns: Turns): readonly string[] {
  return oldestOf(turns.again.size > 0 ? turns.again : turns.new).map(({ key }) => key);
}

/** All clients, in the order in which they are due. They may leave during the iteration. */
export function* inOrder(all: Turns): Generator<string> {
  const due = all.last === "new" ? turns.toReversed() : turns;
  let lines = due.filter((turn) => all[turn].size > 0).map((turn) => lineInOrder(all[turn]));
  while (lines.length > 0) {
    const going: typeof lines = [];
    for (const line of lines) {
      const { value } = line.next();
      if (value === undefined) continue;
      going.push(line);
      yield value;
    }
    lines = going;
  }
}

function* lineInOrder({ networks, served }: Line): Generator<string, undefined> {
  const newest = [...networks.keys()].reverse().filter((network) => !served.has(network));
  let all = [...newest, ...served].map((network) => [...(networks.get(network) ?? [])]);
  while (all.length > 0) {
    for (const keys of all) {
      const key = keys.pop();
      if (key !== undefined) yield key;
    }
    all = all.filter(({ length }) => length > 0);
  }
}

/**
 * The oldest clients, many at a time: it takes long to find the largest network, and the first entry of a Map once many were
 * deleted.
 */
function oldestOf({ networks, size }: Line): { key: string; network: string }[] {
  let largest: readonly [string, Set<string>] = ["", new Set()];
  for (const one of networks) if (one[1].size > largest[1].size) largest = one;
  const isLarge = largest[1].size > size * largePart;
  const count = Math.ceil(isLarge ? largest[1].size / 2 : size * evictedPart);
  const evicted: { key: string; network: string }[] = [];
  for (const [network, keys] of isLarge ? [largest] : networks) {
    for (const key of keys) {
      if (evicted.length === count) return evicted;
      evicted.push({ key, network });
    }
  }
  return evicted;
}
