/**
 * The order in which clients that wait for a budget get it. An attacker can send many tokens of closed sockets, from made-up
 * addresses, and again before any of them is stale. If clients went in the order of arrival, all others would wait behind those.
 *
 * - Newcomers and returning clients take turns. A newcomer was not seen in the last hour, or was wanted before. So dead tokens that
 *   are sent again and again, with whatever mac, do not delay a player who has just come.
 * - Within each of the two, networks take turns, the one heard last first. So a flood from one network does not delay another.
 * - Within a network, the newest client goes first. The older ones have missed their chance, and a reminder asks them again.
 *
 * Each list is bounded. If a list is full, its oldest entries go: those of the newcomer's network, if it has more than its share,
 * otherwise those of the network that was silent longest. Plain data, changed in place.
 */
import { neighbourhoodOf, networkOf } from "../network.ts";
import { observingLimits } from "./limits.ts";

export const turns = ["new", "again"] as const;
export type Turn = (typeof turns)[number];

/** The part of a full list that is dropped at a time. */
const evictedPart = 0.1;

/** Keys of clients by their networks, the latest last. */
type Line = { readonly networks: Map<string, Set<string>>; size: number };
export type Turns = Readonly<Record<Turn, Line>>;

/** Where a client waits. */
export type Place = { readonly turn: Turn; readonly network: string };

export function newTurns(): Turns {
  return { new: { networks: new Map(), size: 0 }, again: { networks: new Map(), size: 0 } };
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
  const evicted = line.size >= observingLimits.waitingInTurn ? oldestOf(line, place.network) : [];
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

/** The clients to drop if memory is short: returning ones before newcomers. */
export function spared(turns: Turns): readonly string[] {
  return oldestOf(turns.again.size > 0 ? turns.again : turns.new, "").map(({ key }) => key);
}

/** All clients, in the order in which they are due. They may leave during the iteration. */
export function* inOrder(all: Turns): Generator<string> {
  let lines = turns.filter((turn) => all[turn].size > 0).map((turn) => lineInOrder(all[turn]));
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

function* lineInOrder({ networks }: Line): Generator<string, undefined> {
  let all = [...networks.values()].reverse().map((keys) => [...keys]);
  while (all.length > 0) {
    for (const keys of all) {
      const key = keys.pop();
      if (key !== undefined) yield key;
    }
    all = all.filter(({ length }) => length > 0);
  }
}

/** The oldest clients, a part of the list at a time: the first entry of a Map is slow to find once many were deleted. */
function oldestOf({ networks, size }: Line, newcomer: string): { key: string; network: string }[] {
  const own = networks.get(newcomer);
  const hasMore = own !== undefined && own.size > size / networks.size;
  const count = Math.ceil((hasMore ? own.size : size) * evictedPart);
  const evicted: { key: string; network: string }[] = [];
  for (const [network, keys] of hasMore ? [[newcomer, own] as const] : networks) {
    for (const key of keys) {
      if (evicted.length === count) return evicted;
      evicted.push({ key, network });
    }
  }
  return evicted;
}
