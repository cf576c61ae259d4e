/** How connecting went, for a log or an operator: no secrets, but the players' addresses. */
import type { Cause } from "../core/link/cause.ts";
import type { pathKinds } from "../core/wire/path-kinds.ts";

/** What happened, by the milliseconds since it began. */
export type TimelineEntry = { atMs: number; what: string };

/** How a client fares with one peer. */
export type PeerReport = {
  /** Empty if the server is an older one. */
  clientId: string;
  name: string;
  path: (typeof pathKinds)[number] | null;
  rttMs: number | null;
  /** Why there is no path, or no direct one. */
  cause: Cause | (string & {}) | null;
  timeline: TimelineEntry[];
};

/** How a client fares with all its peers; the cause is what kept it from every one. */
export type ConnectionReport = {
  cause: Cause | (string & {}) | null;
  timeline: TimelineEntry[];
  peers: PeerReport[];
};
