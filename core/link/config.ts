import type { Endpoint } from "../endpoint.ts";
import type { ClaimedEndpoint, Mapping } from "../mapping.ts";
import type { Side } from "../relay/ticket.ts";
import type { Cause } from "./cause.ts";
import type { ChannelName } from "./path.ts";

/** All that a link knows when it opens. */
export type LinkConfig = {
  /** Our end: the host is `a`. */
  readonly side: Side;
  /** 32 random bits. */
  readonly seed: number;
  /**
   * How many numbers are skipped after this one, where some are (numbers.ts): below `skippedNumbers`, always the same for one
   * number. Nobody can tell who does not know a secret of this end's.
   */
  readonly skipAfter: (number: number) => number;
  /** How the sidecar saw us; null if it did not say. */
  readonly you: { readonly endpoint: Endpoint; readonly mapping: Mapping } | null;
  readonly peer: LinkPeer;
  /** The addresses of this machine's interfaces, plain (core/endpoint.ts). */
  readonly own: readonly { readonly address: string; readonly prefixLength: number }[];
  /** The local ports of the sockets `v4` and `v6`. */
  readonly ownPorts: readonly number[];
  /** Why there is no UDP here: then nothing is sent by it. Null where there is. */
  readonly noUdp: Extract<Cause, "no-udp" | "udp-blocked" | "no-sidecar"> | null;
  /** The sidecar, resolved: also the relay, if there is one. Null without UDP. */
  readonly sidecar: Endpoint | null;
  /** Whether there is a ticket for the relay over UDP. */
  readonly relay: boolean;
  /** The channels that may open. */
  readonly channels: readonly ChannelName[];
  /** The lobby allows relays alone: then nothing is sent to an address of the peer's. */
  readonly relayOnly: boolean;
  /** Whether the socket `v6` is there. */
  readonly hasV6: boolean;
};

/** What the introduction says of the other end. */
export type LinkPeer = {
  /** Where the sidecar saw it: not known where the lobby is `relay-only`, or the peer cannot use UDP. */
  readonly endpoint: Endpoint | null;
  /** Whether it has shown to be there: otherwise that is only a claim, too. */
  readonly proven: boolean;
  /** The ports the sidecar saw it at, in order. */
  readonly ports: readonly number[];
  readonly mapping: Mapping;
  /** Addresses it claims to have: it may lie. Those that are `proven` are in its own IPv6 network. */
  readonly candidates: readonly ClaimedEndpoint[];
};
