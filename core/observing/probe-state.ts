/** The state of a client's probe (probe.ts), what happens to it, and what it has done. */
import type { Endpoint } from "../endpoint.ts";

/** When nothing is due. */
export const never = Number.POSITIVE_INFINITY;

/** A sidecar that is to see us: its addresses, IPv4 first; none, if they cannot be found. */
export type Sidecar = {
  readonly host: string;
  readonly ips: readonly string[];
  readonly ports: readonly number[];
};

export type ProbeEvent =
  /** The server asks that this sidecar sees us. One nonce for each address and port (`noncesFor`). */
  | { readonly kind: "asked"; readonly sidecar: Sidecar; readonly nonces: readonly string[] }
  /** A server that knows Orion alone asks: it has one port, and does not answer. */
  | { readonly kind: "asked-plainly"; readonly to: Endpoint }
  /** An answer that `awaits` takes, whose mac was checked. `seen`: where the sidecar sees us. */
  | {
      readonly kind: "answer-received";
      readonly from: Endpoint;
      readonly nonce: string;
      readonly seen: Endpoint;
      readonly cookie: string;
      /** For the next probe there, if one is due. */
      readonly nextNonce: string;
    }
  /** The time of `wakeAt` came. */
  | { readonly kind: "deadline-passed" }
  /** All is known: nothing is sent any more. */
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
  /** Something happened, worth a line in the report. */
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
  /** The one that was last asked for. */
  readonly sidecar: Sidecar | null;
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
