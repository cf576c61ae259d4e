/**
 * What links are made of in the place that the SDK runs in. A mediation (mediation.ts) and a link's end (link-end.ts) know sockets by these
 * shapes alone, so they run in Node and in pages.
 *
 * A packet's way out: `Link.send` → `LinkEnd` makes a packet of it → the path in use, as the state machine (core/link/) has chosen it, names one of
 * our sockets → `UdpWire.send` or `Channel.send`. Its way in: a socket → `LinkEnd.receive`, with the socket's name → the state machine, or the game.
 */
import type { Endpoint } from "../../core/endpoint.ts";
import type { LocalSocket, PathKind } from "../../core/link/path.ts";
import type { CheckAllowance } from "../../core/link/unproven.ts";
import type { OwnAddress } from "../../core/observing/addresses.ts";
import type { SocketRelayCode } from "../../core/relay/socket/codes.ts";
import type { RelayCode } from "../../core/relay/ticket.ts";
import type { SightWanted } from "../../core/wire/server-message.ts";
import type { LinkCrypto } from "../crypto/crypto.ts";
import type { OrionError } from "../error.ts";
import type { Peer } from "../peer.ts";
import type { NewConnection } from "../webrtc/standard.ts";
import type { HeldTicket } from "./renewals.ts";

/** `Raw`: what a game gets that connects by itself; `never` where there is no UDP. */
export type LinkPlatform<Raw> = {
  readonly crypto: LinkCrypto;
  /** For checks to unproven addresses: one for all lobbies of a client. */
  readonly checks: CheckAllowance;
  /** Null in a page. */
  readonly udp: UdpTransport<Raw> | null;
  /** Null where there is no WebRTC. */
  readonly webRtc: NewConnection | null;
};

/** Takes a packet that came in. */
export type Receive = (bytes: Uint8Array, local: LocalSocket, remote: Endpoint) => void;

/** UDP sockets, and how the server gets to see them. */
export interface UdpTransport<Raw> {
  /** Opens the sockets of one mediation. */
  gather(options: GatheringOptions): UdpGathering<Raw>;
}

export type GatheringOptions = {
  /** It changes when the client comes back by another connection. */
  token: () => string;
  server: URL;
  /** Whether nobody may learn this client's addresses: then it tells none of its own. */
  isHidden: boolean;
  /** A packet for a link came to one of the sockets that all links share. */
  receive: Receive;
  /** Something happened, worth a line in the report. */
  note: (what: string) => void;
  /** The sidecar does not answer: the server may know another. */
  unseen: () => void;
  /** No socket can be opened (`no-udp`), or nothing gets out (`udp-blocked`). */
  failed: (cause: "no-udp" | "udp-blocked", error: OrionError) => void;
};

/** The sockets of one mediation, while the server is to see them and after. */
export interface UdpGathering<Raw> {
  /** Whether a sidecar has answered. */
  readonly isSeen: boolean;
  /** The server asks to see us. */
  ask(request: SightWanted): Promise<void>;
  /**
   * Ends it, when the last request of the server has been dealt with: the introduction may come sooner, because the server saw a datagram of
   * the start before. What came of it, or null if the server has not asked.
   */
  end(): Promise<UdpSight<Raw> | null>;
  /** Ends it at once, and closes the sockets. May be called again. */
  close(): Promise<void>;
}

/** What is known and open when the introduction comes. */
export interface UdpSight<Raw> {
  /** The addresses of this machine's interfaces. */
  readonly own: readonly OwnAddress[];
  /** The local ports of the shared sockets. */
  readonly ownPorts: readonly number[];
  readonly hasV6: boolean;
  readonly sidecar: Endpoint;
  /** What one link sends by. `link`: the link's id. `relay`: the right to use one, as the introduction gives it. */
  wire(link: string, relay: RelayPass | undefined): Promise<UdpWire>;
  /** Gives the socket to the game. Closing it afterwards is the game's, or this `close`. */
  release(peers: Peer[]): { raw: Raw; close: () => void };
}

/** What the introduction gives for a relay. Without a host: the server's. `lifeMs`: undefined if the server cannot renew the ticket. */
export type RelayPass = HeldTicket & {
  host?: string | undefined;
  port: number;
  lifeMs?: number | undefined;
};

/** The UDP of one link: the shared sockets, those that it opens to be found, and its end of the relay. */
export interface UdpWire {
  readonly relay: UdpRelay | null;
  /** Begins to take in what the relay says, and what comes to sockets of the link's own. */
  open(listener: UdpListener): void;
  /** Sends, or does not: UDP promises nothing. */
  send(bytes: Uint8Array, local: "v4" | "v6" | number, remote: Endpoint): void;
  /** Opens so many sockets more, as far as the system lets it. How many it became. */
  openSockets(count: number): Promise<number>;
  /** Closes all of those but one. */
  closeSockets(keep: LocalSocket | null): void;
  /** The link is over: nothing is told to the listener any more. */
  close(): void;
}

export type UdpListener = { received: Receive; relaySaid: (word: RelayWord) => void };

/** Our end of a link on the relay over UDP. */
export interface UdpRelay {
  readonly endpoint: Endpoint;
  /** Milliseconds for which the first ticket is good; undefined if the server cannot renew it. */
  readonly lifeMs: number | undefined;
  /** The ticket that our end binds with, and its key. */
  readonly held: HeldTicket;
  /** Takes a later ticket, for the next bind. False if it is another's. */
  renew(ticket: HeldTicket): boolean;
  /** Asks the relay to bind our end. It answers to the listener. */
  bind(): void;
}

/** What a relay says. */
export type RelayWord =
  | { kind: "relay-bound"; peer: boolean }
  | { kind: "relay-refused"; code: RelayCode }
  | { kind: "relay-noticed"; code: RelayCode; inMs: number };

/**
 * A way to one peer that is no UDP socket: a WebSocket to a relay (`ws`), or a WebRTC connection (`rtc`). To the state machine it is one of our
 * sockets, with one address at its other end. It may close and open again as often as it likes.
 */
export interface Channel {
  /** Begins. What happens is told to the listener, never before this returns. */
  open(listener: ChannelListener): void;
  /** Sends a packet, or drops it: where too much waits already, or while it is closed. The bytes are not changed afterwards. */
  send(bytes: Uint8Array): void;
  /** The peer is not heard through it: opens another connection in its place, unless this one is known to live. */
  reopen(): void;
  /** The link is over: nothing is told to the listener any more. */
  close(): void;
}

/** A channel that a ticket gives, which the server renews. */
export interface TicketedChannel extends Channel {
  /** Milliseconds for which the first ticket is good. */
  readonly lifeMs: number;
  readonly held: HeldTicket;
  /** Takes a later ticket. False if it is another's. */
  renew(ticket: HeldTicket): boolean;
}

export type ChannelListener = {
  /** Packets may go this way now. `kind`: what the path is. Told again if that changes. */
  opened: (kind: PathKind) => void;
  /** For now, or for good. `code`: the relay has refused the link; else null. */
  closed: (code: SocketRelayCode | null) => void;
  /** A packet came in. It may be anybody's: it is proved by the link. */
  received: (bytes: Uint8Array) => void;
  /** In `inMs` the relay will carry this link no more, or drop some of its packets. */
  noticed: (code: SocketRelayCode, inMs: number) => void;
};

/** A channel whose two ends agree by signals on how to connect: WebRTC. */
export interface SignalledChannel extends Channel {
  /** What the peer signals, by the link or by the lobby. Anything: what is no signal, or comes at the wrong time, is dropped. */
  hear(signal: unknown): void;
  /** The link can carry signals from now on. */
  signalByLink(): void;
}
