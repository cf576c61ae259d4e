/** What a relay over WebSocket knows of its members and their links: plain data. */
import { type Bucket, newBucket, type Rate } from "../../allowance.ts";
import type { Side } from "../ticket.ts";
import type { SocketRelayCode } from "./codes.ts";
import { Credit } from "./credit.ts";
import { socketRelayLimits as limits } from "./limits.ts";

/** A client with a socket to this relay. Times are in milliseconds since 1970. */
export type Member<S> = {
  readonly clientId: string;
  readonly socket: S;
  /** Its ends of links, by the links' numbers. */
  readonly ends: Map<number, End<S>>;
  /** When it last said something, or pinged. */
  heardAt: number;
  readonly credit: Credit;
  /** Packets that are held back for it, in the order in which they came. */
  readonly held: Held<S>[];
  /** What it may send: frames, of them those within its share, and `relay_bind`. */
  readonly frames: Bucket;
  readonly share: Bucket;
  readonly binds: Bucket;
  /** Frames that were dropped since it last sent few. */
  dropped: number;
  readonly told: Told;
};

/** One end of a link: a member, and what it sends to the other end. */
export type End<S> = {
  readonly link: SocketLink<S>;
  readonly side: Side;
  readonly member: Member<S>;
  readonly peerId: string;
  readonly begunAt: number;
  expiresAt: number;
  readonly bytes: Bucket;
  readonly frames: Bucket;
  /** What is held back of it. */
  readonly held: { packets: number; bytes: number };
  readonly told: Told;
};

export type SocketLink<S> = {
  readonly id: string;
  readonly number: number;
  readonly ends: Record<Side, End<S> | null>;
};

/** A record that is held back. */
export type Held<S> = { readonly from: End<S>; readonly record: Uint8Array; readonly at: number };

/** When somebody was last told of something. */
export type Told = Map<SocketRelayCode, number>;

const perSecond = (rate: number, burstMs: number = limits.socketRelayBurstMs): Rate => {
  return { perSecond: rate, burst: (rate * burstMs) / 1000 };
};

/** What members, links, and a relay in all may send. Read anew each time: tests change limits. */
export const rates = {
  all: () => perSecond(limits.socketRelayFrames),
  member: () => perSecond(limits.socketRelayMemberFrames),
  share: (members: number) => {
    // Somebody that is alone has all there is.
    return perSecond(limits.socketRelayFrames / Math.max(1, members), limits.socketRelayShareMs);
  },
  link: () => perSecond(limits.socketRelayLinkRate),
  linkFrames: (): Rate => {
    return { perSecond: limits.socketRelayLinkFrames, burst: limits.socketRelayLinkFrameBurst };
  },
  binds: (): Rate => {
    return { perSecond: limits.socketRelayBindsPerSecond, burst: limits.socketRelayBinds };
  },
} as const;

/** `isNew`: the socket was just opened. One that was open before an object's sleep has not been heard since. */
export function newMember<S>(clientId: string, socket: S, now: number, isNew: boolean): Member<S> {
  return {
    clientId,
    socket,
    ends: new Map(),
    heardAt: isNew ? now : 0,
    credit: new Credit(isNew),
    held: [],
    frames: newBucket(rates.member(), now),
    share: newBucket(rates.share(limits.socketRelayMembers), now),
    binds: newBucket(rates.binds(), now),
    dropped: 0,
    told: new Map(),
  };
}

export function newEnd<S>(
  about: Pick<End<S>, "link" | "side" | "member" | "peerId" | "begunAt" | "expiresAt">,
  now: number,
): End<S> {
  return {
    ...about,
    bytes: newBucket(rates.link(), now),
    frames: newBucket(rates.linkFrames(), now),
    held: { packets: 0, bytes: 0 },
    told: new Map(),
  };
}

export function otherEnd<S>({ link, side }: End<S>): End<S> | null {
  return link.ends[side === "a" ? "b" : "a"];
}

/** Whether it is time to tell of this again. Notes that it is told. */
export function isToTell(told: Told, code: SocketRelayCode, now: number): boolean {
  const at = told.get(code);
  if (at !== undefined && at <= now && now - at < limits.socketRelayNoticeMs) return false;
  told.set(code, now);
  return true;
}
