/**
 * noray's relays. Every player has one port. A packet that A sends to B's port leaves by A's port, and goes to B: so each sees the other at
 * a port of this machine, and answers find their way.
 *
 * The original knows a player by one address. A symmetric NAT gives the player another one for each relay, so both ends of such a pair
 * fail there. Here each pair has two *ways*, each with the address at which that player was last heard **at that port**. If a packet comes
 * from an unknown port of a paired player's own IP address, that player's way moves there, unless it still speaks from its old port.
 * Unmodified clients need no more: a host sends to the client's port, and a client to the host's, before either expects an answer.
 *
 * Only pairs that `connect-relay` made pass packets. Anybody else gets no answer and takes up no port. It sends nothing and has no clock:
 * the shell does. Times are in milliseconds, and never jump.
 */
import { type Endpoint, isSameEndpoint, scopeOf } from "../../endpoint.ts";
import { norayLimits } from "./limits.ts";
import { nowhere, type Own } from "./own.ts";
import {
  addWay,
  endpointKey,
  hasHeard,
  isProven,
  mayReach,
  moveWay,
  noteHeard,
  noteSent,
  type Relay,
  removeWay,
  type Way,
  waysOf,
} from "./relay.ts";
import { NorayTraffic, type NorayTrafficBounds, type Overspent, type Sender } from "./traffic.ts";

/** Why a packet is not passed on. `stranger`: the sender is in no pair with this port. `unheard`: enough has gone to a player who is silent. */
export type NorayDrop = "stranger" | "unheard" | Overspent;

export type NorayRelayBounds = NorayTrafficBounds & {
  /** Milliseconds without a packet after which a relay is freed. */
  idleMs: number;
};

/** A sender that should get a relay of its own, to be paired with the one it sends to. */
export type Newcomer<Via> = { at: Relay<Via>; from: Endpoint; provenIp: string };

const never = Number.NEGATIVE_INFINITY;

export class NorayRelays<Via> {
  /** Packets that came from another port of a player's own address, and moved its way. */
  moved = 0;
  /** What the shell is to make relays for. It takes them out. */
  readonly newcomers: Newcomer<Via>[] = [];
  readonly #bounds: NorayRelayBounds;
  readonly #relays = new Set<Relay<Via>>();
  readonly #traffic: NorayTraffic;
  readonly #own: Own;

  /** `own`: where no relay may lead. */
  constructor(bounds: NorayRelayBounds, elapsed: number, own: Own = nowhere) {
    this.#bounds = bounds;
    this.#own = own;
    this.#traffic = new NorayTraffic(bounds, elapsed);
  }

  get size(): number {
    return this.#relays.size;
  }

  /** Whether it is still here, and will be for a while: not freed, nor at its last byte or hour. */
  isGood(relay: Relay<Via>, elapsed: number): boolean {
    return this.#relays.has(relay) && relay.sender.bytesLeft > 0 && elapsed < relay.sender.endsAt;
  }

  /** Whether a relay leads to this port of the gateway's own machine, where a player of that machine is or was. It must not become a relay's. */
  leadsTo(port: number): boolean {
    const isThere = (ip: string, at: number) => at === port && this.#own.isAddress(ip);
    for (const relay of this.#relays) {
      if (isThere(relay.owner.ip, relay.owner.port)) return true;
      for (const { address, port: at } of waysOf(relay)) if (isThere(address, at)) return true;
    }
    return false;
  }

  /**
   * A relay for the player that the registrar saw there. `madeFor`: the one that this newcomer sends to. `provenIp`: the address of its TCP
   * connection, if that is another.
   */
  open(
    {
      port,
      via,
      owner,
      madeFor = null,
      provenIp = owner.ip,
    }: Pick<Relay<Via>, "port" | "via" | "owner"> & Partial<Relay<Via>>,
    elapsed: number,
  ): Relay<Via> {
    const relay: Relay<Via> = {
      ...{ port, via, owner, madeFor, provenIp },
      unprovenBytes: norayLimits.norayUnprovenBytes,
      // Not the address of its datagrams, which may be made up: then it would send at a neighbour's expense.
      sender: this.#traffic.newSender(provenIp, elapsed),
      usedAt: elapsed,
      ways: new Map(),
      byAddress: new Map(),
      last: null,
      strangers: new Map(),
      dynamic: 0,
    };
    if (madeFor) madeFor.dynamic += 1;
    this.#relays.add(relay);
    return relay;
  }

  /**
   * Lets the two send to each other. A pair that is made again may move to other ports at once. False, and nothing has changed, if one of
   * them would take the place of somebody else who speaks to the other, or is the gateway itself.
   */
  pair(a: Relay<Via>, b: Relay<Via>, elapsed: number): boolean {
    if (this.#own.isEndpoint(a.owner) || this.#own.isEndpoint(b.owner)) return false;
    a.usedAt = elapsed;
    b.usedAt = elapsed;
    const known = this.#wayBetween(a, b);
    if (known) {
      for (const way of [known, known.back]) {
        way.pairedAt = elapsed;
        if (way.via.owner.ip !== way.address || !hasHeard(way)) this.#toOwner(way, elapsed);
        way.heardAt = never;
        way.isOpen = false;
      }
      return true;
    }
    if (isTaken(b, a.owner, elapsed) || isTaken(a, b.owner, elapsed)) return false;
    const there = this.#newWay({ at: b, via: a, sender: a.sender, from: a.owner, isFixed: false }, elapsed);
    if (a === b) {
      there.back = there;
      return true;
    }
    const back = this.#newWay({ at: a, via: b, sender: b.sender, from: b.owner, isFixed: false }, elapsed);
    there.back = back;
    back.back = there;
    return true;
  }

  /** Lets the player of this relay, and a port of another gateway, send to each other by it. False if both are one endpoint, or one is this gateway itself, or no single machine is there. */
  bridge(relay: Relay<Via>, gateway: Endpoint, elapsed: number): boolean {
    if (isSameEndpoint(relay.owner, gateway) || scopeOf(gateway.ip) === "unusable") return false;
    if (this.#own.isEndpoint(relay.owner) || this.#own.isEndpoint(gateway)) return false;
    relay.usedAt = elapsed;
    this.#part(relay);
    const { sender, owner, provenIp } = relay;
    const there = this.#newWay({ at: relay, via: relay, sender, from: owner, isFixed: false }, elapsed);
    const fromGateway = { sender: this.#traffic.newSender(provenIp, elapsed), from: gateway, isFixed: true };
    const back = this.#newWay({ at: relay, via: relay, ...fromGateway }, elapsed);
    there.back = back;
    back.back = there;
    return true;
  }

  /** The registrar has seen the player of this relay somewhere else. Ways on which it has spoken keep their address. */
  moveOwner(relay: Relay<Via>, owner: Endpoint, elapsed: number): void {
    if (this.#own.isEndpoint(owner)) return;
    relay.owner = owner;
    for (const { back } of [...waysOf(relay)]) {
      if (!back.isFixed && !hasHeard(back)) this.#toOwner(back, elapsed);
    }
  }

  /** The way of a packet of this length that came to the relay's port from there, or why it is dropped. Send it by `via` to where `back` is. */
  pass(at: Relay<Via>, length: number, address: string, port: number, elapsed: number): Way<Via> | NorayDrop {
    const last = at.last;
    const way =
      last !== null && last.port === port && last.address === address
        ? last
        : (at.ways.get(endpointKey(address, port)) ?? this.#moved(at, address, port, elapsed));
    if (way === null) return "stranger";
    const { back } = way;
    if (!back.isOpen && !mayReach(way, length)) return "unheard";
    const empty = this.#traffic.spend(way.sender, length, elapsed);
    if (empty) return empty;
    at.last = way;
    way.heardAt = elapsed;
    if (!way.isOpen) noteHeard(way, length);
    back.unheardBytes = 0;
    // Packets to somebody who is silent keep no port for it.
    if (back.isOpen || hasHeard(back)) at.usedAt = elapsed;
    if (!back.isOpen) noteSent(way, length);
    if (!way.isFixed) way.via.usedAt = elapsed;
    return way;
  }

  /** Frees the relays that nobody used for a while, and returns them: their ports can be closed. */
  tick(elapsed: number): Relay<Via>[] {
    const idle = [...this.#relays].filter(({ usedAt }) => elapsed - usedAt >= this.#bounds.idleMs);
    for (const relay of idle) this.close(relay);
    this.#traffic.tick(this.#senders(), elapsed);
    return idle;
  }

  /** All who may send, also by a bridge from another gateway. */
  *#senders(): Iterable<Sender> {
    for (const relay of this.#relays) {
      yield relay.sender;
      for (const { sender } of waysOf(relay)) yield sender;
    }
  }

  close(relay: Relay<Via>): void {
    if (!this.#relays.delete(relay)) return;
    if (relay.madeFor) relay.madeFor.dynamic -= 1;
    this.#part(relay);
  }

  /** Ends all pairs of a relay. */
  #part(relay: Relay<Via>): void {
    for (const way of [...waysOf(relay)]) {
      removeWay(way);
      removeWay(way.back);
    }
  }

  #newWay(
    {
      at,
      via,
      sender,
      from,
      isFixed,
    }: Pick<Way<Via>, "at" | "via" | "sender" | "isFixed"> & { from: Endpoint },
    elapsed: number,
  ): Way<Via> {
    const [address, port] = [from.ip, from.port];
    const times = { heardAt: never, pairedAt: elapsed, unheardBytes: 0, heardBytes: 0 };
    const trust = { isProven: isFixed || isProven(via, address), isOpen: false, hasAnswered: false };
    const way = { at, via, sender, address, port, ...times, ...trust, isFixed } as Way<Via>;
    addWay(way);
    return way;
  }

  /** The way by which packets of `a` reach `b`. */
  #wayBetween(a: Relay<Via>, b: Relay<Via>): Way<Via> | null {
    for (const way of waysOf(b)) if (way.via === a) return way;
    return null;
  }

  /** Leaves the way where it is if somebody else speaks from there. */
  #toOwner(way: Way<Via>, elapsed: number): void {
    const { owner } = way.via;
    if (isSameEndpoint(owner, { ip: way.address, port: way.port })) return;
    if (!isTaken(way.at, owner, elapsed)) moveWay(way, owner.ip, owner.port);
  }

  /**
   * The way of a sender that is not known by its port: that of a player at the same IP address who has not been heard, or not for a
   * while. A player who is back where the registrar saw it takes its way from whoever has it. If all of them still speak, the sender is
   * another program at that address, and gets a relay of its own after a while.
   */
  #moved(at: Relay<Via>, address: string, port: number, elapsed: number): Way<Via> | null {
    const known = at.byAddress.get(address);
    // Nothing can be sent to port 0: it is made up.
    if (known === undefined || port === 0 || this.#own.isEndpoint({ ip: address, port })) return null;
    let best: Way<Via> | null = null;
    let provenIp: string | null = null;
    for (const way of known) {
      if (way.isFixed) continue;
      provenIp = way.via.provenIp;
      if (isSameEndpoint(way.via.owner, { ip: address, port })) {
        best = way;
        break;
      }
      if (elapsed - way.heardAt < norayLimits.norayQuietMs) continue;
      if (best === null || way.heardAt < best.heardAt || (!hasHeard(way) && way.pairedAt > best.pairedAt)) {
        best = way;
      }
    }
    if (best !== null) {
      moveWay(best, address, port);
      this.moved += 1;
    } else if (provenIp !== null) this.#noteStranger(at, { ip: address, port }, provenIp, elapsed);
    return best;
  }

  #noteStranger(at: Relay<Via>, from: Endpoint, provenIp: string, elapsed: number): void {
    // Or else those who get relays would get relays for others, without end.
    if (at.madeFor !== null) return;
    const { strangers } = at;
    const key = endpointKey(from.ip, from.port);
    const since = strangers.get(key);
    if (since === undefined) {
      if (strangers.size >= norayLimits.norayStrangers) forgetGone(strangers, elapsed);
      // New ones do not push out those who wait for theirs.
      if (strangers.size < norayLimits.norayStrangers) strangers.set(key, elapsed);
    } else if (elapsed - since >= norayLimits.norayQuietMs && at.dynamic < norayLimits.norayDynamicRelays) {
      strangers.delete(key);
      this.newcomers.push({ at, from, provenIp });
    }
  }
}

/** Whether somebody speaks to this relay from there. */
function isTaken(at: Relay<unknown>, { ip, port }: Endpoint, elapsed: number): boolean {
  const way = at.ways.get(endpointKey(ip, port));
  return way !== undefined && elapsed - way.heardAt < norayLimits.norayQuietMs;
}

/** Forgets strangers who have had the time to get a relay twice over: they have gone, or get none. */
function forgetGone(strangers: Map<string, number>, elapsed: number): void {
  for (const [key, since] of strangers) {
    if (elapsed - since >= 2 * norayLimits.norayQuietMs) strangers.delete(key);
  }
}
