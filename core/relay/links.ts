/**
 * The links a relay carries: who is at their ends, which packets pass, and what the two must be told before theirs do not.
 * It sends nothing and has no clock: the shell does, and calls `tick` every second. It tells two times in milliseconds: `now` is since
 * 1970, for a ticket that is new, and may jump. `elapsed` never jumps: it measures silence, budgets, and how long a link lasts.
 */
import { wireLimits } from "../wire/limits.ts";
import { dataHeaderBytes, linkNumber } from "../wire/peer-packet.ts";
import { type Bucket, emptyInMs, fillUp, isLow, newBucket } from "./budget.ts";
import { Holdings } from "./holdings.ts";
import { relayLimits } from "./limits.ts";
import { Quota } from "./quota.ts";
import type { RelayCode, Side, Ticket } from "./ticket.ts";

/** One client, where its last bind came from. `Via`: what stands for one of the relay's own addresses. */
export type End<Via> = {
  /** As the socket has it. */
  readonly address: string;
  readonly port: number;
  /** The relay's own address that its last bind came to: what the relay sends to it leaves from there. */
  readonly via: Via;
  /** Signs what is said to it. */
  readonly key: string;
  /** Of its last bind. */
  readonly nonce: string;
  /** When its ticket expires, in milliseconds since 1970. */
  readonly expiresAt: number;
};

/** An end that is there. */
type Bound<Via> = End<Via> & {
  /** When it last said something, to the relay or to the other end, as time elapses. */
  heardAt: number;
  /** When its ticket expires, as time elapses. */
  readonly endsAt: number;
};

export type Link<Via> = {
  /** As in its tickets. */
  readonly id: string;
  readonly number: number;
  readonly lobby: Lobby<Via>;
  readonly clients: Readonly<Record<Side, string>>;
  a: Bound<Via> | null;
  b: Bound<Via> | null;
  readonly bucket: Bucket;
  bytesLeft: number;
  /** When the first of its ends' tickets expires, as time elapses. */
  endsAt: number;
  /** The end of its time that both were told of. */
  endTold: number;
  bytesTold: boolean;
  /** When both were last told that it sends too much for the code's budget. */
  readonly rateToldAt: { rate: number; lobby_rate: number; total_rate: number };
};

/** The links of one lobby share a budget. */
type Lobby<Via> = {
  readonly id: string;
  readonly bucket: Bucket;
  readonly links: Set<Link<Via>>;
  toldAt: number;
};

/** What both ends of a link are to be told. */
export type Notice<Via> = { link: Link<Via>; code: RelayCode; inMs: number };

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
export type DropCause =
  | "unknown_link"
  | "foreign_sender"
  | "unbound"
  | "too_long"
  | "rate"
  | "lobby_rate"
  | "total_rate"
  | "bytes"
  | "lifetime";

/** Bounds of a relay, as limits.ts beside this has them unless a deployment or a test sets others. */
export type RelayBounds = {
  /** 0: it carries nobody. */
  links: number;
  idleMs: number;
  linkRate: number;
  lobbyRate: number;
  totalRate: number;
  linkBytes: number;
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

export class Links<Via> {
  /** What is to be told. The shell takes it away. */
  notices: Notice<Via>[] = [];
  readonly #bounds: RelayBounds;
  readonly #links = new Map<number, Link<Via>>();
  readonly #lobbies = new Map<string, Lobby<Via>>();
  readonly #holdings = new Holdings<Link<Via>>();
  readonly #total: Bucket;
  readonly #fullNotices = new Quota({ most: relayLimits.relayFullNotices, spanMs: 1_000, keys: 1 });

  constructor(elapsed: number, bounds: Partial<RelayBounds> = {}) {
    this.#bounds = { ...relayBounds, ...bounds };
    this.#total = newBucket(this.#bounds.totalRate, elapsed);
  }

  /** Links that are carried. */
  get size(): number {
    return this.#links.size;
  }

  /** The same, their bound ends, whose these are, and the lobbies they are of. Goes through all: not for every packet. */
  count(): { links: number; ends: number; clients: number; lobbies: number } {
    let ends = 0;
    for (const { a, b } of this.#links.values()) ends += Number(a !== null) + Number(b !== null);
    return { links: this.#links.size, ends, clients: this.#holdings.size, lobbies: this.#lobbies.size };
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
    return this.#spend(link, length, elapsed) ?? to;
  }

  /** Whether a ticket has expired. A jump of the clock does not end one whose holder is at its end of the link. */
  isOver(ticket: Ticket, now: number, elapsed: number): boolean {
    const end = this.#known(ticket);
    return end ? end.endsAt <= elapsed : ticket.expiresAt <= now;
  }

  /** Puts the holder of a ticket at its end of the link. The ticket has been verified, and is not over. `end` has its expiry. */
  bind(ticket: Ticket, end: End<Via>, now: number, elapsed: number): Binding<Via> {
    const { clientId, side } = ticket;
    const number = linkNumber(ticket.link);
    const known = this.#links.get(number);
    const code = this.#refusal(known, ticket);
    if (code) return { kind: "refused", code };
    for (const earlier of this.#holdings.before(clientId, end.expiresAt)) {
      if (earlier !== known) this.#free(earlier);
    }
    const hasRoom = known !== undefined || this.#links.size < this.#bounds.links;
    if (!hasRoom || !this.#holdings.hasRoom(clientId, known)) return { kind: "refused", code: "relay_full" };
    const link = known ?? this.#open(number, ticket, elapsed);
    const before = link[side];
    const otherSide = side === "a" ? "b" : "a";
    const endsAt = this.#known(ticket)?.endsAt ?? elapsed + end.expiresAt - now;
    if ((link[otherSide]?.endsAt ?? elapsed) <= elapsed) this.#unseat(link, otherSide);
    const peer = link[otherSide];
    link[side] = { ...end, heardAt: elapsed, endsAt };
    this.#holdings.add(clientId, link, end.expiresAt);
    link.endsAt = Math.min(endsAt, peer?.endsAt ?? Number.POSITIVE_INFINITY);
    const isNews = before?.address !== end.address || before.port !== end.port;
    return { kind: "bound", peer: peer !== null, tell: isNews ? peer : null };
  }

  /** What is due because time has passed: ends that are silent are not there any more; links without any, or whose time is over, are freed. */
  tick(elapsed: number): void {
    for (const link of this.#links.values()) {
      for (const side of ["a", "b"] as const) {
        const end = link[side];
        if (end && elapsed - end.heardAt > this.#bounds.idleMs) this.#unseat(link, side);
      }
      const left = link.endsAt - elapsed;
      // One that is used up is remembered to its end: otherwise it would begin anew.
      const isIdle = link.a === null && link.b === null && link.bytesLeft > 0;
      if (left <= 0) this.#tell(link, "lifetime", 0);
      if (left <= 0 || isIdle) this.#free(link);
      else if (left <= relayLimits.relayLastWordMs && link.endTold !== link.endsAt) {
        link.endTold = link.endsAt;
        this.#tell(link, "lifetime", left);
      }
    }
  }

  /** Tells all that the relay stops in so many milliseconds. */
  leave(inMs: number): void {
    for (const link of this.#links.values()) this.#tell(link, "leaving", inMs);
  }

  /** Why the ticket's holder may not be at its end of the link, whatever room there is. */
  #refusal(known: Link<Via> | undefined, ticket: Ticket): RelayCode | null {
    if (this.#holdings.isSuperseded(ticket.clientId, ticket.expiresAt)) return "ticket_superseded";
    if (known && !fits(known, ticket)) return "ticket_mismatch";
    return known && known.bytesLeft <= 0 ? "bytes" : null;
  }

  /** The end at which the ticket's holder is with just this ticket. */
  #known(ticket: Ticket): Bound<Via> | null {
    const link = this.#links.get(linkNumber(ticket.link));
    const end = link && fits(link, ticket) ? link[ticket.side] : null;
    return end?.expiresAt === ticket.expiresAt ? end : null;
  }

  #unseat(link: Link<Via>, side: Side): void {
    link[side] = null;
    this.#holdings.remove(link.clients[side], link);
  }

  #open(number: number, { link: id, side, lobbyTag, clientId, peerId }: Ticket, elapsed: number): Link<Via> {
    const { lobbyRate, linkRate, linkBytes } = this.#bounds;
    const lobby = this.#lobbies.get(lobbyTag) ?? {
      id: lobbyTag,
      bucket: newBucket(lobbyRate, elapsed),
      links: new Set(),
      toldAt: never,
    };
    this.#lobbies.set(lobbyTag, lobby);
    const link: Link<Via> = {
      id,
      number,
      lobby,
      clients: side === "a" ? { a: clientId, b: peerId } : { a: peerId, b: clientId },
      a: null,
      b: null,
      bucket: newBucket(linkRate, elapsed),
      bytesLeft: linkBytes,
      endsAt: 0,
      endTold: never,
      bytesTold: false,
      rateToldAt: { rate: never, lobby_rate: never, total_rate: never },
    };
    lobby.links.add(link);
    this.#links.set(number, link);
    return link;
  }

  #free(link: Link<Via>): void {
    for (const side of ["a", "b"] as const) this.#unseat(link, side);
    this.#links.delete(link.number);
    link.lobby.links.delete(link);
    if (link.lobby.links.size === 0) this.#lobbies.delete(link.lobby.id);
  }

  /** Takes the packet's bytes from all budgets, or from none, and says which is empty. */
  #spend(link: Link<Via>, length: number, elapsed: number): DropCause | null {
    const { bucket, lobby } = link;
    const total = this.#total;
    fillUp(bucket, elapsed);
    fillUp(lobby.bucket, elapsed);
    fillUp(total, elapsed);
    if (link.bytesLeft < length) {
      if (link.bytesLeft > 0) this.#tell(link, "bytes", 0);
      link.bytesLeft = 0;
      return "bytes";
    }
    const empty =
      bucket.left < length
        ? "rate"
        : lobby.bucket.left < length
          ? "lobby_rate"
          : total.left < length
            ? "total_rate"
            : null;
    if (empty) {
      this.#tellRate(link, empty, 0, elapsed);
      return empty;
    }
    bucket.left -= length;
    lobby.bucket.left -= length;
    total.left -= length;
    link.bytesLeft -= length;
    if (isLow(bucket)) this.#tellRate(link, "rate", emptyInMs(bucket), elapsed);
    if (isLow(lobby.bucket)) this.#tellRate(link, "lobby_rate", emptyInMs(lobby.bucket), elapsed);
    if (isLow(total)) this.#tellRate(link, "total_rate", emptyInMs(total), elapsed);
    if (!link.bytesTold && link.bytesLeft < this.#bounds.linkBytes / 10) {
      link.bytesTold = true;
      this.#tell(link, "bytes", Math.floor((link.bytesLeft * 1000) / bucket.rate));
    }
    return null;
  }

  /** A code at most once a second: to the one link, or to all of its lobby. Of a full relay not all can hear at once. */
  #tellRate(link: Link<Via>, code: keyof Link<Via>["rateToldAt"], inMs: number, elapsed: number): void {
    if (code === "lobby_rate") {
      // Asked before the links are walked through, or each packet would cost more the larger the lobby is.
      if (isRecent(link.lobby.toldAt, elapsed)) return;
      link.lobby.toldAt = elapsed;
    }
    for (const one of code === "lobby_rate" ? link.lobby.links : [link]) {
      if (isRecent(one.rateToldAt[code], elapsed)) continue;
      if (code === "total_rate" && !this.#fullNotices.spend("all", elapsed)) continue;
      one.rateToldAt[code] = elapsed;
      this.#tell(one, code, inMs);
    }
  }

  #tell(link: Link<Via>, code: RelayCode, inMs: number): void {
    this.notices.push({ link, code, inMs });
  }
}

function isRecent(toldAt: number, elapsed: number): boolean {
  return toldAt <= elapsed && elapsed - toldAt < relayLimits.relayNoticeMs;
}

function fits({ clients, lobby }: Link<unknown>, { side, lobbyTag, clientId, peerId }: Ticket): boolean {
  const [mine, theirs] = side === "a" ? [clients.a, clients.b] : [clients.b, clients.a];
  return lobby.id === lobbyTag && mine === clientId && theirs === peerId;
}
