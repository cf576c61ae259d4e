/**
 * A relay over WebSocket: its members, their links, and which packets reach whom. It sends nothing, has no clock and no timers: its object
 * (worker/objects/relay.ts) hands in each frame, and does what comes out, in order.
 *
 * A member's frame is a list of records (core/wire/relay-frame.ts). Each packet names its link, and goes to the link's other end. Records in a row
 * for one member leave as one frame, unchanged. A packet that cannot be sent at once is held back: because more is under way to its receiver
 * than arrives soon, or its link has had its frames for this second. The newest few of each link are kept, older ones are dropped. They leave with
 * the next frame that comes in, from whomever: a receiver's receipts come ten times a second as long as anything does.
 */
import { type Bucket, draw, fill, newBucket, type Rate } from "../../allowance.ts";
import type { closures } from "../../problem.ts";
import { linkNumber } from "../../wire/peer-packet.ts";
import { isReceipt, receivedAt, recordEnd, recordHeaderBytes, relayedLink } from "../../wire/relay-frame.ts";
import type { RelayMessage } from "../../wire/relay-message.ts";
import { relayLimits } from "../limits.ts";
import type { Ticket } from "../ticket.ts";
import type { SocketRelayCode } from "./codes.ts";
import { socketRelayLimits as limits } from "./limits.ts";
import {
  type End,
  type Held,
  isToTell,
  type Member,
  newEnd,
  newMember,
  otherEnd,
  rates,
  type SocketLink,
} from "./member.ts";

/** What is to be done: a frame, or a text, to be sent, or a socket to be closed. */
export type Outcome<S> =
  | { kind: "frame"; to: S; frame: Uint8Array | ArrayBuffer }
  | { kind: "text"; to: S; message: RelayMessage }
  | { kind: "close"; to: S; why: Closing };
export type Closing = Extract<
  keyof typeof closures,
  | "flood"
  | "frame_too_large"
  | "over_budget"
  | "relay_full"
  | "removed"
  | "resumed_elsewhere"
  | "stopping"
  | "unanswered"
>;

/** Why packets did not reach anybody. `frames`: so many frames were dropped unread. */
export type Lost = Record<"unbound" | "silent" | "rate" | "stale" | "malformed" | "frames", number>;

/** What the relay has carried: packets that came in, that went out, and that were lost. The rest is held back. */
export type Carried = { frames: number; packets: number; passed: number; bytes: number; lost: Lost };

/** What a member's socket keeps of it while the relay's object sleeps. */
export type KeptMember = { clientId: string; links: readonly KeptLink[]; removals: readonly Removal[] };
type KeptLink = Pick<Ticket, "link" | "side" | "peerId" | "begunAt" | "expiresAt">;
/** A client was removed: its tickets of mediations up to then are no good any more. */
type Removal = readonly [clientId: string, at: number];

/** Records, in memory that nobody else changes. */
type Frame = Uint8Array<ArrayBuffer>;

/** What the platform knows of sockets. */
export type Sockets<S> = {
  /** Bytes that wait for this one to be read; null where nobody knows. */
  waitingFor(socket: S): number | null;
  /** When it last pinged, in milliseconds since 1970; 0 for never. */
  pingedAt(socket: S): number;
};

export class Exchange<S> {
  readonly carried: Carried = {
    frames: 0,
    packets: 0,
    passed: 0,
    bytes: 0,
    lost: { unbound: 0, silent: 0, rate: 0, stale: 0, malformed: 0, frames: 0 },
  };
  readonly #sockets: Sockets<S>;
  readonly #bySocket = new Map<S, Member<S>>();
  readonly #byClient = new Map<string, Member<S>>();
  readonly #links = new Map<number, SocketLink<S>>();
  readonly #removals = new Map<string, number>();
  readonly #frames: Bucket;
  /** Those for whom something is held back. */
  readonly #waiting = new Set<Member<S>>();
  /** Those that do not read: to be closed when this frame is done with. */
  readonly #deaf = new Set<Member<S>>();
  #out: Outcome<S>[] = [];

  constructor(sockets: Sockets<S>, now: number) {
    this.#sockets = sockets;
    this.#frames = newBucket(rates.all(), now);
  }

  get members(): number {
    return this.#bySocket.size;
  }

  get links(): number {
    return this.#links.size;
  }

  /** Packets that are held back, and their bytes. Goes through all: not for every frame. */
  get heldBack(): { packets: number; bytes: number } {
    const held = [...this.#bySocket.values()].flatMap((member) => member.held);
    return { packets: held.length, bytes: held.reduce((sum, { record }) => sum + record.length, 0) };
  }

  /** What is to be done now. */
  take(): Outcome<S>[] {
    const out = this.#out;
    if (out.length > 0) this.#out = [];
    return out;
  }

  /** Whether a client's new socket may be taken. If not, the relay has no room. */
  hasRoomFor(clientId: string, now: number): boolean {
    const isFull = () => this.#bySocket.size >= limits.socketRelayMembers && !this.#byClient.has(clientId);
    if (isFull()) this.#makeRoom(now);
    return !isFull();
  }

  /** Whether the ticket's holder was removed since its mediation. */
  hasRemoved({ clientId, begunAt }: Pick<Ticket, "clientId" | "begunAt">): boolean {
    return (this.#removals.get(clientId) ?? -1) >= begunAt;
  }

  /** Takes a client's new socket, and closes an older one of it. */
  admit(socket: S, clientId: string, now: number): void {
    const before = this.#byClient.get(clientId);
    if (before) this.#close(before.socket, "resumed_elsewhere");
    this.#hold(newMember(clientId, socket, now, true));
  }

  /** Takes up a member as its socket has kept it. Nobody is told. */
  revive(socket: S, { clientId, links, removals }: KeptMember, now: number): void {
    const member = newMember(clientId, socket, now, false);
    for (const [removed, at] of removals) this.#removals.set(removed, at);
    this.#hold(member);
    for (const kept of links) this.#put(member, kept, now);
  }

  /** What its socket has to keep of it; null for one that is no member. */
  kept(socket: S): KeptMember | null {
    const member = this.#bySocket.get(socket);
    if (!member) return null;
    const links = [...member.ends.values()].map(({ link, side, peerId, begunAt, expiresAt }) => {
      return { link: link.id, side, peerId, begunAt, expiresAt };
    });
    return { clientId: member.clientId, links, removals: [...this.#removals] };
  }

  /** Binds a link, or has it last longer. The ticket is genuine, and for this relay. Whether it was bound. */
  bind(socket: S, ticket: Ticket, now: number): boolean {
    const member = this.#bySocket.get(socket);
    if (!member) return false;
    const code = this.#refusalOf(member, ticket, now);
    if (code !== null) {
      this.#refuse(socket, ticket.link, code);
      return false;
    }
    const number = linkNumber(ticket.link);
    const bound = member.ends.get(number);
    if (bound) bound.expiresAt = Math.max(bound.expiresAt, ticket.expiresAt);
    const end = bound ?? this.#put(member, ticket, now);
    const peer = otherEnd(end);
    this.#say(member, { method: "relay_bound", link: ticket.link, peer: peer !== null });
    if (!bound && peer) this.#say(peer.member, { method: "relay_bound", link: ticket.link, peer: true });
    return true;
  }

  /** A ticket of this member that is not genuine, or not for this relay. */
  refuseTicket(socket: S, link: string): void {
    this.#refuse(socket, link, "invalid_ticket");
  }

  /** Whether this member may have tickets looked at. */
  mayBind(socket: S, now: number): boolean {
    const member = this.#bySocket.get(socket);
    return member !== undefined && draw(member.binds, rates.binds(), now);
  }

  /** Closes this member's socket, or all of them. */
  close(why: Closing, socket?: S): void {
    for (const one of [...this.#bySocket.keys()])
      if (socket === undefined || one === socket) this.#close(one, why);
  }

  /** The socket is closed: the others hear that this end of their links is gone. */
  gone(socket: S): void {
    const member = this.#bySocket.get(socket);
    if (!member) return;
    this.#bySocket.delete(socket);
    if (this.#byClient.get(member.clientId) === member) this.#byClient.delete(member.clientId);
    this.#waiting.delete(member);
    this.carried.lost.stale += member.held.length;
    for (const { from, record } of member.held) forget(from, record.length);
    for (const end of [...member.ends.values()]) this.#unbind(end);
  }

  /** The lobby has removed this client, or it has left for good. Its tickets of before are no good from now on. */
  remove(clientId: string, now: number): void {
    this.#removals.delete(clientId);
    this.#removals.set(clientId, now);
    const [oldest] = this.#removals.keys();
    if (this.#removals.size > limits.socketRelayRemovals && oldest !== undefined)
      this.#removals.delete(oldest);
    const member = this.#byClient.get(clientId);
    if (member) this.#close(member.socket, "removed");
  }

  /** Counts a frame that came. Whether it is looked at. */
  hear(socket: S, now: number): boolean {
    const member = this.#bySocket.get(socket);
    if (!member) return false;
    member.heardAt = now;
    this.carried.frames += 1;
    const isTaken = this.#mayTake(member, now);
    // The flood is over when much would be taken at once again.
    if (member.frames.left >= rates.member().burst / 2) member.dropped = 0;
    if (!isTaken) {
      member.dropped += 1;
      this.carried.lost.frames += 1;
      if (member.dropped > limits.socketRelayFramesDropped) this.#close(socket, "flood");
    }
    return isTaken;
  }

  /** Passes on a frame that was heard. */
  pass(socket: S, data: ArrayBuffer, now: number): void {
    const member = this.#bySocket.get(socket);
    if (!member) return;
    if (data.byteLength > limits.socketRelayFrameBytes) {
      this.#close(socket, "frame_too_large");
      return;
    }
    const frame = new Uint8Array(data);
    /** Records in a row of one link, from `start` up to the one that is looked at. */
    let from: End<S> | null = null;
    let start = 0;
    let at = 0;
    const deliver = () => {
      const to = from && otherEnd(from);
      const isWhole = start === 0 && at === frame.length;
      if (from && to)
        this.#deliver(from, to.member, isWhole ? frame : frame.subarray(start, at), isWhole, now);
    };
    while (at < frame.length) {
      const end = recordEnd(frame, at);
      if (end === null) break;
      const next = this.#route(member, frame, at + recordHeaderBytes, end, now);
      if (next !== from) {
        deliver();
        from = next;
        start = at;
      }
      at = end;
    }
    deliver();
    if (at < frame.length || frame.length === 0) {
      this.carried.packets += 1;
      this.malformed(socket, now);
    }
    if (this.#waiting.size > 0) this.#flush(now);
    for (const deaf of this.#deaf) this.#close(deaf.socket, "unanswered");
    this.#deaf.clear();
  }

  /** Something that this member sent makes no sense. */
  malformed(socket: S, now: number): void {
    const member = this.#bySocket.get(socket);
    this.carried.lost.malformed += 1;
    if (member && isToTell(member.told, "malformed", now)) this.#refuse(socket, "", "malformed");
  }

  /** Tells a member, or all, that packets will be dropped in so many milliseconds. */
  warn(code: SocketRelayCode, inMs: number, now: number, socket?: S): void {
    for (const member of this.#bySocket.values()) {
      if (socket !== undefined && member.socket !== socket) continue;
      if (isToTell(member.told, code, now))
        this.#say(member, { method: "relay_notice", link: "", code, inMs });
    }
  }

  /** The other end of the packet's link gets it: returns the end of it that this member has. Null for a packet that nobody gets. */
  #route(member: Member<S>, frame: Frame, start: number, end: number, now: number): End<S> | null {
    if (isReceipt(frame, start, end)) {
      member.credit.acknowledge(receivedAt(frame, start), now);
      return null;
    }
    const { carried } = this;
    carried.packets += 1;
    const number = relayedLink(frame, start, end);
    if (number === null) {
      this.malformed(member.socket, now);
      return null;
    }
    const own = member.ends.get(number);
    if (!own) {
      carried.lost.unbound += 1;
      this.#notBound(member, number, now);
      return null;
    }
    if (now >= own.expiresAt) {
      carried.lost.unbound += 1;
      this.#refuse(member.socket, own.link.id, "ticket_expired");
      this.#unbind(own);
      return null;
    }
    if (own.expiresAt - now < relayLimits.relayLastWordMs)
      this.#tell(own, "lifetime", own.expiresAt - now, now);
    const other = otherEnd(own);
    if (!other || now >= other.expiresAt) {
      carried.lost.unbound += 1;
      if (other) {
        this.#refuse(other.member.socket, other.link.id, "ticket_expired");
        this.#unbind(other);
      }
      return null;
    }
    if (this.#isSilent(other.member, now)) {
      carried.lost.silent += 1;
      return null;
    }
    if (!this.#mayCarry(own, end - start + recordHeaderBytes, now)) {
      carried.lost.rate += 1;
      return null;
    }
    return own;
  }

  /** Sends records to one end, or holds them back. `from`: whose they are. */
  #deliver(from: End<S>, to: Member<S>, records: Frame, isWhole: boolean, now: number): void {
    if (to.held.length > 0 || !this.#isReady(to, now) || !this.#hasFrame(from, now)) {
      this.#holdBack(from, to, records, now);
      return;
    }
    // Nothing is copied: this is what most frames are.
    this.#emit(to, isWhole ? records.buffer : records, records.length, now);
    for (let at = 0; at < records.length; at = recordEnd(records, at) ?? records.length)
      this.carried.passed += 1;
  }

  #holdBack(from: End<S>, to: Member<S>, records: Frame, now: number): void {
    for (let at = 0; at < records.length; ) {
      const end = recordEnd(records, at) ?? records.length;
      to.held.push({ from, record: records.slice(at, end), at: now });
      from.held.packets += 1;
      from.held.bytes += end - at;
      at = end;
    }
    this.#waiting.add(to);
    this.#send(to, now, from);
    const { socketRelayHeld, socketRelayHeldBytes } = limits;
    while (from.held.packets > socketRelayHeld || from.held.bytes > socketRelayHeldBytes) {
      const oldest = to.held.findIndex((one) => one.from === from);
      const [dropped] = to.held.splice(oldest, 1);
      if (!dropped) break;
      forget(from, dropped.record.length);
      this.carried.lost.stale += 1;
    }
  }

  /** Sends what was held back for anybody and may leave now. */
  #flush(now: number): void {
    for (const member of this.#waiting) this.#send(member, now, null);
  }

  /** Sends what is held back for this member, in as many frames as may be. `carrier`: an end whose own frame would leave now; else that of the first. */
  #send(member: Member<S>, now: number, carrier: End<S> | null): void {
    const { held } = member;
    const stale = held.findIndex(({ at }) => now - at <= limits.socketRelayHeldMs && at <= now);
    for (const old of held.splice(0, stale < 0 ? held.length : stale)) {
      forget(old.from, old.record.length);
      this.carried.lost.stale += 1;
    }
    while (held[0] && this.#isReady(member, now) && this.#hasFrame(carrier ?? held[0].from, now)) {
      const records = held.splice(0, fitting(held));
      const frame = joined(records);
      for (const { from, record } of records) forget(from, record.length);
      this.carried.passed += records.length;
      this.#emit(member, frame, frame.length, now);
    }
    if (held.length === 0) this.#waiting.delete(member);
  }

  #emit({ socket, credit }: Member<S>, frame: Uint8Array | ArrayBuffer, bytes: number, now: number): void {
    credit.sent(bytes, now);
    this.carried.bytes += bytes;
    this.#out.push({ kind: "frame", to: socket, frame });
  }

  /** Whether more may be sent to this member now. One that has not read for long is closed soon. */
  #isReady(member: Member<S>, now: number): boolean {
    const { credit, socket } = member;
    if (credit.isOpen && (this.#sockets.waitingFor(socket) ?? 0) <= limits.socketRelayWaitingBytes)
      return true;
    if (credit.waitingMs(now) > limits.socketRelayDeafMs) this.#deaf.add(member);
    return false;
  }

  #hasFrame(from: End<S>, now: number): boolean {
    return draw(from.frames, rates.linkFrames(), now);
  }

  #isSilent(member: Member<S>, now: number): boolean {
    if (now - member.heardAt <= limits.socketRelaySilentMs) return false;
    // To ask costs as much as the rest.
    member.heardAt = Math.max(member.heardAt, this.#sockets.pingedAt(member.socket));
    return now - member.heardAt > limits.socketRelaySilentMs;
  }

  /** Whether one more frame of this member is taken. While the relay has little to spare, only within an equal share. */
  #mayTake(member: Member<S>, now: number): boolean {
    const [all, own] = [rates.all(), rates.member()];
    fill(this.#frames, all, now);
    fill(member.frames, own, now);
    const reserve = all.burst * limits.socketRelayReserve;
    const isScarce = this.#frames.left < reserve + 1;
    const isFair = draw(member.share, rates.share(this.#bySocket.size), now);
    if (member.frames.left < own.burst / 2)
      this.#warnOfRate(member, "frame_rate", member.frames, own, 0, now);
    if (!isFair && this.#frames.left < reserve + (all.burst - reserve) / 2)
      this.#warnOfRate(member, "relay_rate", this.#frames, all, reserve, now);
    if (member.frames.left < 1 || this.#frames.left < 1 || (isScarce && !isFair)) return false;
    member.frames.left -= 1;
    this.#frames.left -= 1;
    return true;
  }

  /** `inMs`: until the bucket is empty, but for the reserve, if frames come twice as fast as they may. */
  #warnOfRate(
    member: Member<S>,
    code: SocketRelayCode,
    { left }: Bucket,
    { perSecond }: Rate,
    reserve: number,
    now: number,
  ): void {
    const inMs = Math.max(0, Math.floor(((left - reserve) * 1000) / perSecond));
    this.warn(code, inMs, now, member.socket);
  }

  /** Whether so many bytes more are within what this end may send. Both are told when they soon may not be. */
  #mayCarry(end: End<S>, bytes: number, now: number): boolean {
    const rate = rates.link();
    const may = draw(end.bytes, rate, now, bytes);
    if (end.bytes.left < rate.burst / 2)
      this.#tell(end, "rate", may ? Math.floor((end.bytes.left * 1000) / rate.perSecond) : 0, now);
    return may;
  }

  #notBound(member: Member<S>, number: number, now: number): void {
    if (isToTell(member.told, "not_bound", now))
      this.#refuse(member.socket, number.toString(16).padStart(12, "0"), "not_bound");
  }

  /** Tells both ends of a link of what this one sends. */
  #tell(end: End<S>, code: SocketRelayCode, inMs: number, now: number): void {
    if (!isToTell(end.told, code, now)) return;
    const { id: link } = end.link;
    for (const one of [end, otherEnd(end)])
      if (one) this.#say(one.member, { method: "relay_notice", link, code, inMs });
  }

  #refusalOf(member: Member<S>, ticket: Ticket, now: number): SocketRelayCode | null {
    if (ticket.clientId !== member.clientId) return "invalid_ticket";
    if (now >= ticket.expiresAt) return "ticket_expired";
    if (this.hasRemoved(ticket)) return "removed";
    const number = linkNumber(ticket.link);
    const own = member.ends.get(number);
    if (own) return own.side === ticket.side && own.peerId === ticket.peerId ? null : "invalid_ticket";
    const ends = this.#links.get(number)?.ends;
    const [there, peer] = ticket.side === "a" ? [ends?.a, ends?.b] : [ends?.b, ends?.a];
    if (there || (peer && (peer.member.clientId !== ticket.peerId || peer.peerId !== ticket.clientId)))
      return "invalid_ticket";
    const before = [...member.ends.values()].find(({ peerId }) => peerId === ticket.peerId);
    if (before && before.begunAt > ticket.begunAt) return "ticket_superseded";
    if (before) this.#unbind(before);
    if (member.ends.size < limits.socketRelayMembers - 1) return null;
    const oldest = [...member.ends.values()].reduce((a, b) => (b.begunAt < a.begunAt ? b : a));
    if (oldest.begunAt >= ticket.begunAt) return "relay_full";
    this.#unbind(oldest);
    return null;
  }

  #put(member: Member<S>, ticket: KeptLink, now: number): End<S> {
    const { link: id, side, peerId, begunAt, expiresAt } = ticket;
    const number = linkNumber(id);
    const link = this.#links.get(number) ?? { id, number, ends: { a: null, b: null } };
    const end = newEnd({ link, side, member, peerId, begunAt, expiresAt }, now);
    link.ends[side] = end;
    this.#links.set(number, link);
    member.ends.set(number, end);
    return end;
  }

  /** Frees an end of a link, and tells the other one. */
  #unbind(end: End<S>): void {
    const { link, side, member } = end;
    const other = otherEnd(end);
    member.ends.delete(link.number);
    link.ends[side] = null;
    if (other) this.#say(other.member, { method: "relay_bound", link: link.id, peer: false });
    else this.#links.delete(link.number);
  }

  /** Closes a member that has no link any more: its session is over, and its place is somebody else's. */
  #makeRoom(now: number): void {
    const idle = [...this.#bySocket.values()].find(({ ends }) =>
      [...ends.values()].every(({ expiresAt }) => now >= expiresAt),
    );
    if (idle) this.#close(idle.socket, "relay_full");
  }

  #hold(member: Member<S>): void {
    this.#bySocket.set(member.socket, member);
    this.#byClient.set(member.clientId, member);
  }

  #close(socket: S, why: Closing): void {
    if (!this.#bySocket.has(socket)) return;
    this.gone(socket);
    this.#out.push({ kind: "close", to: socket, why });
  }

  #say({ socket }: Member<S>, message: RelayMessage): void {
    this.#out.push({ kind: "text", to: socket, message });
  }

  #refuse(socket: S, link: string, code: SocketRelayCode): void {
    this.#out.push({ kind: "text", to: socket, message: { method: "relay_refused", link, code } });
  }
}

/** One packet of this end is not held back any more. */
function forget({ held }: End<unknown>, bytes: number): void {
  held.packets -= 1;
  held.bytes -= bytes;
}

/** How many of these fit into one frame: one at least. */
function fitting(held: readonly Held<unknown>[]): number {
  let bytes = 0;
  const beyond = held.findIndex(({ record }) => {
    bytes += record.length;
    return bytes > limits.socketRelayFrameBytes;
  });
  return beyond < 0 ? held.length : Math.max(1, beyond);
}

function joined(records: readonly Held<unknown>[]): Uint8Array {
  const frame = new Uint8Array(records.reduce((sum, { record }) => sum + record.length, 0));
  let at = 0;
  for (const { record } of records) {
    frame.set(record, at);
    at += record.length;
  }
  return frame;
}
