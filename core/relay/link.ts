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
  /** The networks that its address is in, the narrowest first; none for this machine. */
  readonly networks: readonly Network<Via>[];
  /** What it sends draws on; null for this machine. */
  readonly sender: Sender | null;
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
  /** Bytes that are left, at the time `at`, of its equal share of what its lobby may send. Counted only while the lobby has little left. */
  readonly share: { left: number; at: number };
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
};

/** Everybody behind one address, or in one wider network, shares room for the ends of links (core/network.ts). */
export type Network<Via> = {
  readonly id: string;
  /** The budget for what is sent from here. Null if another network around the same address has it. */
  readonly sender: Sender | null;
  /** Ends of links here. */
  ends: number;
  /** Links with one bound end, which is here. The one that has waited longest comes first. */
  readonly halfBound: Set<Link<Via>>;
};

/** One IPv4 address, or one IPv6 /48, which is what a rented server has: its budget, and its fair share of what the relay carries. */
export type Sender = { readonly bucket: Bucket; readonly party: Party };

/** What both ends of a link are to be told. */
export type Notice<Via> = { link: Link<Via>; code: RelayCode; inMs: number };
