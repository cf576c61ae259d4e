/** The state of a client's probe (probe.ts), its events, and its effects. */
import type { Endpoint } from "../endpoint.ts";

/** When nothing is due. */
export const never = Number.POSITIVE_INFINITY;

/** Where to probe a sidecar. Its addresses, IPv4 first; none if they cannot be found. */
export type SidecarPorts = {
  readonly host: string;
  readonly ips: readonly string[];
  readonly ports: readonly number[];
};

export type ProbeEvent =
  /** The server asks that this sidecar sees us. One random nonce for each address and port (`noncesFor`). */
  | { readonly kind: "asked"; readonly sidecar: SidecarPorts; readonly nonces: readonly string[] }
  /** A server that only knows Orion asks. It has one port, and does not answer. */
  | { readonly kind: "asked-plainly"; readonly to: Endpoint }
  /** An answer with a good mac. `seen` is our endpoint, as the sidecar sees it. */
  | {
      readonly kind: "answer-received";
      readonly from: Endpoint;
      readonly nonce: string;
      readonly seen: Endpoint;
      readonly cookie: string;
      /** Random, for the probe with the cookie, if that is still to come. */
      readonly nextNonce: string;
    }
  /** The time of `wakeAt` came. */
  | { readonly kind: "deadline-passed" }
  /** The introduction is here, or the mediation is over. */
  | { readonly kind: "stopped" };

export type ProbeEffect =
  | {
      readonly kind: "send-probe";
      readonly to: Endpoint;
      readonly nonce: string;
      readonly cookie: string | undefined;
    }
  /** Send Orion's datagram. */
  | { readonly kind: "send-connect"; readonly to: Endpoint }
  /** Tell the server that the sidecar does not answer: it may know another. */
  | { readonly kind: "report-unseen" }
  /** Nothing gets out: UDP is blocked. */
  | { readonly kind: "give-up" }
  /** A line for the report. */
  | { readonly kind: "note"; readonly what: string };

/** One port of the sidecar, at one of its addresses. It is `challenged` once it has a cookie. */
export type Port = {
  readonly to: Endpoint;
  /** Of the last probe there. */
  readonly nonce: string;
  readonly cookie: string | undefined;
  readonly isSeen: boolean;
};

/** What goes out next. */
export type Sending =
  | { readonly kind: "nothing" }
  | { readonly kind: "probes"; readonly tries: number; readonly at: number }
  | { readonly kind: "connects"; readonly to: Endpoint; readonly left: number; readonly at: number };

export type ProbeState = {
  readonly sending: Sending;
  /** The last one that the server named. */
  readonly sidecar: SidecarPorts | null;
  readonly ports: readonly Port[];
  readonly firstAskedAt: number | null;
  /** Whether any sidecar ever answered. */
  readonly wasAnswered: boolean;
  readonly unseenAt: number;
  readonly blockedAt: number;
  /** What the sidecar's first port gave us, to bind a relay with. */
  readonly cookie: string | undefined;
  readonly isOver: boolean;
};

export const newProbe: ProbeState = {
  sending: { kind: "nothing" },
  sidecar: null,
  ports: [],
  firstAskedAt: null,
  wasAnswered: false,
  unseenAt: never,
  blockedAt: never,
  cookie: undefined,
  isOver: false,
};
