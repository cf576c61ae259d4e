/**
 * Who of those that wait for a budget is next. Whoever sends tokens of closed sockets can send many, from made-up
 * addresses, and so often that none is ever stale. In the order of arrival all others would wait behind them.
 *
 * - Places go in turn to the new and to those that come again. A new one was not met in the last hour, or was
 *   wanted before. So the same dead tokens, however often they are sent, and with whatever mac, keep nobody waiting who has
 *   just come.
 * - Among each, networks take turns, the one heard last first. So a flood from one network costs another nothing.
 * - Of a network, the newest goes first: the others have waited in vain already, and a reminder asks them again.
 *
 * Each list is bounded. When it is full, its oldest go: of the newcomer's network, if that has more than its share, else of the
 * network that was heard least lately. Plain data, changed in place.
 */
import { neighbourhoodOf, networkOf } from "../network.ts";
import { observingLimits } from "./limits.ts";

export const turns = ["new", "again"] as const;
export type Turn = (typeof turns)[number];

/** Part of a full list that goes at once. */
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

/** What shares its turns: a /24, of IPv6 a /48. */
export function shareOf(ip: string): string {
  // Every datagram may come here, and most have IPv4's addresses.
  return ip.includes(":") ? neighbourhoodOf(networkOf(ip) ?? "") : ip.slice(0, ip.lastIndexOf("."));
}

/** Adds a client that is not there. Returns those that have to go for it. */
export function join(turns: Turns, key: string, place: Place): readonly string[] {
  const line = turns[place.turn];
  const evicted = line.size >= observingLimits.waitingInTurn ? oldestOf(line, place.network) : [];
  for (const { key, network } of evicted) leave(turns, key, { turn: place.turn, network });
  const keys = line.networks.get(place.network) ?? new Set();
  // Set anew, it is the last.
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

/** Those to do without, if there are any: of those that come again first. */
export function spared(turns: Turns): readonly string[] {
  return oldestOf(turns.again.size > 0 ? turns.again : turns.new, "").map(({ key }) => key);
}

/** All of them, in the order in which they are due. They may leave meanwhile. */
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

/** A part of them at a time: to find the first of a Map from which many are deleted takes long. */
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
