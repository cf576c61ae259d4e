/**
 * The links a relay carries: who is at their ends, which packets pass, and what the two must be told before theirs do not.
 * It sends nothing and has no clock: the shell does, and calls `tick` every second. It tells two times in milliseconds: `now` is since
 * 1970, for a ticket that is new, and may jump. `elapsed` never jumps: it measures silence, budgets, and how long a link lasts.
 *
 * Links with both ends keep their place. Those without are *loose*: they last for half a minute, and in a full relay the one that has
 * been loose for longest makes room for a newcomer.
 */

import { wireLimits } from "../wire/limits.ts";
import { dataHeaderBytes, linkNumber } from "../wire/peer-packet.ts";
import { Holdings } from "./holdings.ts";
import { relayLimits } from "./limits.ts";
import type { Bound, End, Link, Lobby, Notice } from "./link.ts";
import { Networks } from "./networks.ts";
import type { RelayCode, Side, Ticket } from "./ticket.ts";
import { type Empty, Traffic, type TrafficBounds } from "./traffic.ts";

export type Binding<Via> =
  | {
      kind: "bound";
      /** Whether the other end is bound as well. */
      peer: boolean;
      /** The other end, if it must hear of this. */
      tell: End<Via> | null;
    }
  | { kind: "refused"; code: RelayCode };

/** Why a packet is not passed on. */
export type DropCause = Empty | "unknown_link" | "foreign_sender" | "unbound" | "too_long" | "lifetime";

/** Bounds of a relay, as limits.ts beside this has them unless a deployment or a test sets others. */
export type RelayBounds = TrafficBounds & {
  /** 0: it carries nobody. */
  links: number;
  idleMs: number;
};
export const relayBounds: Readonly<RelayBounds> = {
  links: relayLimits.relayLinks,
  idleMs: relayLimits.relayIdleMs,
  linkRate: relayLimits.relayLinkRate,
  lobbyRate: relayLimits.relayLobbyRate,
  totalRate: relayLimits.relayTotalRate,
  linkBytes: relayLimits.relayLinkBytes,
};

const longestPacket = dataHeaderBytes + wireLimits.gamePacketBytes;
/** A time before all others. */
const never = Number.NEGATIVE_INFINITY;
/** Ends that one address may always have, however small the relay is: a full lobby whose members are all behind it. */
const leastEnds = 2 * (wireLimits.seats - 1);
const sides = ["a", "b"] as const;
export class Links<Via> {
  readonly #bounds: RelayBounds;
  readonly #traffic: Traffic<Via>;
  readonly #links = new Map<number, Link<Via>>();
  /** Links without both ends. The one that has waited longest comes first. */
  readonly #loose = new Set<Link<Via>>();
  readonly #lobbies = new Map<string, Lobby<Via>>();
  readonly #networks: Networks<Via>;
  readonly #holdings = new Holdings<Link<Via>>();
  /** Ends that one address may have. */
  readonly #mostEnds: number;

  constructor(elapsed: number, bounds: Partial<RelayBounds> = {}) {
    this.#bounds = { ...relayBounds, ...bounds };
    this.#traffic = new Traffic(elapsed, this.#bounds);
    this.#networks = new Networks(this.#traffic);
    this.#mostEnds = Math.max(leastEnds, this.#bounds.links * relayLimits.relayLargestPart);
  }

  /** What is to be told. The shell takes it away. */
  get notices(): Notice<Via>[] {
    return this.#traffic.notices;
  }

  /** Links that are carried. */
  get size(): number {
    return this.#links.size;
  }

  /** The same, their bound ends, whose these are, and the lobbies and senders they are of. Goes through all: not for every packet. */
  count(): { links: number; ends: number; clients: number; lobbies: number; senders: number } {
    let ends = 0;
    for (const { a, b } of this.#links.values()) ends += Number(a !== null) + Number(b !== null);
    return {
      links: this.#links.size,
      ends,
      clients: this.#holdings.size,
      lobbies: this.#lobbies.size,
      senders: this.#networks.senders,
    };
  }

  /** Who gets a packet of this link and length that came from there, or why nobody does. */
  pass(number: number, length: number, address: string, port: number, elapsed: number): End<Via> | DropCause {
    const link = this.#links.get(number);
    if (link === undefined) return "unknown_link";
    const { a, b } = link;
    const isFromA = a !== null && a.port === port && a.address === address;
    const from = isFromA ? a : b;
    const to = isFromA ? b : a;
    if (from === null || from.port !== port || from.address !== address) return "foreign_sender";
    from.heardAt = elapsed;
    if (to === null) return "unbound";
    if (length > longestPacket) return "too_long";
    if (elapsed >= link.endsAt) return "lifetime";
    return this.#traffic.spend(link, from.sender, length, elapsed) ?? to;
  }

  /** Whether a ticket has expired. A jump of the clock does not end one whose holder is at its end of the link. */
  isOver(ticket: Ticket, now: number, elapsed: number): boolean {
    const end = this.#known(ticket);
    return end ? end.endsAt <= elapsed : ticket.expiresAt <= now;
  }

  /** Puts the holder of a ticket at its end of the link. The ticket has been verified, and is not over. `end` has its expiry. */
  bind(ticket: Ticket, end: End<Via>, now: number, elapsed: number): Binding<Via> {
    const { clientId, side, begunAt } = ticket;
    const number = linkNumber(ticket.link);
    const known = this.#links.get(number);
    const code = this.#refusal(known, ticket);
    if (code) return { kind: "refused", code };
    for (const earlier of this.#holdings.before(clientId, begunAt)) {
      if (earlier !== known) this.#free(earlier);
    }
    const otherSide = side === "a" ? "b" : "a";
    if (known && (known[otherSide]?.endsAt ?? elapsed) <= elapsed) this.#unseat(known, otherSide, elapsed);
    if (!this.#makeRoom(known, ticket, end.address)) return { kind: "refused", code: "relay_full" };
    const link = known ?? this.#open(number, ticket, elapsed);
    const before = link[side];
    const peer = link[otherSide];
    this.#seat(link, side, this.#boundOf(before, ticket, end, now, elapsed), elapsed);
    this.#holdings.add(clientId, link, begunAt);
    link.endsAt = Math.min(link[side]?.endsAt ?? elapsed, peer?.endsAt ?? Number.POSITIVE_INFINITY);
    const isNews = before?.address !== end.address || before.port !== end.port;
    return { kind: "bound", peer: peer !== null, tell: isNews ? peer : null };
  }

  /** To be called every second. Removes silent ends, and frees links that waited too long for an end or whose time is over. */
  tick(elapsed: number): void {
    this.#traffic.tick(elapsed);
    this.#networks.tick(elapsed);
    for (const link of this.#links.values()) {
      for (const side of sides) {
        const end = link[side];
        if (end && elapsed - end.heardAt > this.#bounds.idleMs) this.#unseat(link, side, elapsed);
      }
      const left = link.endsAt - elapsed;
      if (left <= 0) this.#traffic.tell(link, "lifetime", 0);
      if (left <= 0 || this.#isForgotten(link, elapsed)) this.#free(link);
      else if (left <= relayLimits.relayLastWordMs && link.endTold !== link.endsAt) {
        link.endTold = link.endsAt;
        this.#traffic.tell(link, "lifetime", Math.floor(left));
      }
    }
  }

  /** Tells all that the relay stops in so many milliseconds. */
  leave(inMs: number): void {
    for (const link of this.#links.values()) this.#traffic.tell(link, "leaving", inMs);
  }

  /** Why the ticket's holder may not be at its end of the link, whatever room there is. */
  #refusal(known: Link<Via> | undefined, ticket: Ticket): RelayCode | null {
    if (this.#holdings.isSuperseded(ticket.clientId, ticket.begunAt)) return "ticket_superseded";
    if (known && !fits(known, ticket)) return "ticket_mismatch";
    return known && known.bytesLeft <= 0 ? "bytes" : null;
  }

  /** Makes room for one more end at this address, if need be by freeing links that only one end has bound. Whether there is room. */
  #makeRoom(known: Link<Via> | undefined, { clientId, side }: Ticket, address: string): boolean {
    if (!this.#holdings.hasRoom(clientId, known)) return false;
    const before = known?.[side]?.networks ?? [];
    const willBeHalfBound = !known?.[side === "a" ? "b" : "a"];
    for (const { network, shares } of this.#networks.around(address)) {
      if (before.includes(network)) continue;
      if (network.ends >= this.#mostEnds * shares && !this.#evict(network.halfBound, known)) return false;
      if (willBeHalfBound && network.halfBound.size >= relayLimits.relayHalfBound * shares) {
        this.#evict(network.halfBound, known);
      }
    }
    if (known || this.#links.size < this.#bounds.links) return true;
    return this.#bounds.links > 0 && this.#evict(this.#loose, known);
  }

  /** Frees the first of these, but for one. Whether there was any. */
  #evict(links: ReadonlySet<Link<Via>>, not: Link<Via> | undefined): boolean {
    for (const link of links) {
      if (link === not) continue;
      this.#free(link);
      return true;
    }
    return false;
  }

  /** Whether the link can be freed. One whose bytes are used up is kept until its end: otherwise it could begin again with a full budget. */
  #isForgotten(link: Link<Via>, elapsed: number): boolean {
    if (!this.#loose.has(link) || link.bytesLeft <= 0) return false;
    if (link.a === null && link.b === null) return true;
    return elapsed - link.looseSince > relayLimits.relayHalfBoundMs;
  }

  /** The end at which the ticket's holder is with just this ticket. */
  #known(ticket: Ticket): Bound<Via> | null {
    const link = this.#links.get(linkNumber(ticket.link));
    const end = link && fits(link, ticket) ? link[ticket.side] : null;
    return end?.expiresAt === ticket.expiresAt ? end : null;
  }

  /** The end as it is from now on. A bind that was overtaken by that of a renewed ticket changes where the end is, and nothing else. */
  #boundOf(
    before: Bound<Via> | null,
    ticket: Ticket,
    end: End<Via>,
    now: number,
    elapsed: number,
  ): Bound<Via> {
    const there = this.#networks.at(end.address, elapsed);
    if (before && before.expiresAt >= ticket.expiresAt) {
      const { key, nonce, expiresAt, endsAt } = before;
      const isSame = expiresAt === ticket.expiresAt;
      return { ...end, ...(isSame ? {} : { key, nonce, expiresAt }), ...there, endsAt, heardAt: elapsed };
    }
    // Whatever this machine's clock is: a ticket lasts no longer than it was made for.
    const endsAt = elapsed + Math.min(end.expiresAt - now, relayLimits.relayTicketMs);
    return { ...end, ...there, endsAt, heardAt: elapsed };
  }

  #seat(link: Link<Via>, side: Side, end: Bound<Via>, elapsed: number): void {
    const before = link[side]?.networks ?? [];
    link[side] = end;
    this.#networks.move(link, before, end.networks);
    this.#sort(link, elapsed);
  }

  #unseat(link: Link<Via>, side: Side, elapsed: number): void {
    this.#empty(link, side);
    this.#sort(link, elapsed);
  }

  #empty(link: Link<Via>, side: Side): void {
    const before = link[side]?.networks ?? [];
    link[side] = null;
    this.#networks.move(link, before, []);
    this.#holdings.remove(link.clients[side], link);
  }

  /** Puts a link where it belongs, by how many of its ends are there. It keeps its place among the loose ones. */
  #sort(link: Link<Via>, elapsed: number): void {
    const { a, b } = link;
    if (a && b) {
      this.#loose.delete(link);
      for (const { halfBound } of [...a.networks, ...b.networks]) halfBound.delete(link);
      return;
    }
    if (!this.#loose.has(link)) {
      this.#loose.add(link);
      link.looseSince = elapsed;
    }
    for (const { halfBound } of (a ?? b)?.networks ?? []) halfBound.add(link);
  }

  #open(number: number, { link: id, side, lobbyTag, clientId, peerId }: Ticket, elapsed: number): Link<Via> {
    const lobby = this.#lobbies.get(lobbyTag) ?? this.#traffic.newLobby(lobbyTag, elapsed);
    this.#lobbies.set(lobbyTag, lobby);
    const link: Link<Via> = {
      id,
      number,
      lobby,
      clients: side === "a" ? { a: clientId, b: peerId } : { a: peerId, b: clientId },
      a: null,
      b: null,
      looseSince: elapsed,
      bucket: this.#traffic.linkBucket(elapsed),
      share: { left: 0, at: elapsed },
      bytesLeft: this.#bounds.linkBytes,
      endsAt: 0,
      endTold: never,
      bytesTold: false,
      rateToldAt: { rate: never, lobby_rate: never, address_rate: never, total_rate: never },
    };
    lobby.links.add(link);
    this.#links.set(number, link);
    return link;
  }

  #free(link: Link<Via>): void {
    for (const side of sides) this.#empty(link, side);
    this.#loose.delete(link);
    this.#links.delete(link.number);
    link.lobby.links.delete(link);
    if (link.lobby.links.size > 0) return;
    this.#lobbies.delete(link.lobby.id);
    this.#traffic.forgetLobby(link.lobby);
  }
}

function fits({ clients, lobby }: Link<unknown>, { side, lobbyTag, clientId, peerId }: Ticket): boolean {
  const [mine, theirs] = side === "a" ? [clients.a, clients.b] : [clients.b, clients.a];
  return lobby.id === lobbyTag && mine === clientId && theirs === peerId;
}
