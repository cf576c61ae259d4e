/** What a relay knows of the links it carries, of their ends, and of those that share a budget: plain data. */
import type { Bucket } from "./budget.ts";
import type { Party } from "./shares.ts";
import type { RelayCode, Side } from "./ticket.ts";

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
export type Bound<Via> = End<Via> & {
  /** What its address is counted as; null for this machine. */
  readonly network: Network<Via> | null;
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
  /** Since when it has not had both ends, as time elapses. Of no meaning while it has. */
  looseSince: number;
  readonly bucket: Bucket;
  bytesLeft: number;
  /** When the first of its ends' tickets expires, as time elapses. */
  endsAt: number;
  /** The end of its time that both were told of. */
  endTold: number;
  bytesTold: boolean;
  /** When both were last told that it sends too much for the code's budget. */
  readonly rateToldAt: { rate: number; lobby_rate: number; address_rate: number; total_rate: number };
};

/** The links of one lobby share a budget. */
export type Lobby<Via> = {
  readonly id: string;
  readonly bucket: Bucket;
  readonly party: Party;
  readonly links: Set<Link<Via>>;
  toldAt: number;
};

/** Who is behind one address, or one IPv6 /64, shares a budget for what it sends, and room for its ends. */
export type Network<Via> = {
  readonly id: string;
  readonly bucket: Bucket;
  readonly party: Party;
  /** Ends of links here. */
  ends: number;
  /** Links that an end here has bound and no other: the one that has been so for longest first. */
  readonly halfBound: Set<Link<Via>>;
};

/** What both ends of a link are to be told. */
export type Notice<Via> = { link: Link<Via>; code: RelayCode; inMs: number };
