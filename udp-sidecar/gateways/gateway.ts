/**
 * A gateway: it speaks another protocol with its players, and is a client of the edge for each of them (docs/architecture.md). A sidecar
 * starts its gateways, gives all the same context, and stops them before it says goodbye.
 */
import type { AdmissionLimits } from "../../core/dialects/limits.ts";
import type { GatewayDialect } from "../../core/dialects/names.ts";
import type { SidecarKey } from "../../core/sidecar-key.ts";
import type { Observation } from "../../core/wire/sidecar-post.ts";
import type { Line } from "../log.ts";
import type { EdgeSessions } from "./edge-sessions.ts";

/** What all gateways of a sidecar are given. */
export type GatewayContext = {
  /** The Worker's base URL. */
  edge: URL;
  key: SidecarKey;
  /** The one local address to listen on; all of them without. */
  bind: string | undefined;
  /** Where players reach this machine, if the operator has said. */
  publicHost: string | undefined;
  /** Limits by address, as the operator wants them. */
  admission: AdmissionLimits;
  /** Milliseconds since 1970, by the edge's clock as far as it is known. It may jump. */
  clock: () => number;
  /** Milliseconds since any moment, never set back nor ahead. */
  elapsed: () => number;
  /** A line for the operator. */
  tell: (line: Line) => void;
  /** Where a player's datagram came from, for the edge. False if too many are held already. */
  observe: (observation: Observation) => boolean;
  /** The gateway's sessions at the edge. All gateways of a sidecar share one pace. */
  sessions: (gateway: GatewayDialect) => EdgeSessions;
};

/** Plain numbers, counted up where it happens, and read by whoever wants to know. */
export type GatewayCounts = {
  /** Datagrams or lines that came, by what became of them. */
  readonly messages: Readonly<Record<string, number>>;
  /** What was not answered, passed on or opened, by cause. */
  readonly drops: Readonly<Record<string, number>>;
};

export type Gateway = {
  readonly name: GatewayDialect;
  /** The ports that are bound, by what they are for: `{ udp: 57775 }`. */
  readonly ports: Readonly<Record<string, number>>;
  readonly counts: GatewayCounts;
  /** Those that use it now. */
  players(): number;
  /** Relay ports in use now; 0 in a gateway without relays. */
  relays(): number;
  /** Closes its ports, and leaves its lobbies. May be called again. */
  stop(): Promise<void>;
};
