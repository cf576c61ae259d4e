/** The ways players get to the internet that the lab has, and what each does to their datagrams. */

/** In the order of the matrix: from the easiest to connect to the hardest. */
export const accesses = [
  "none",
  "full-cone",
  "port-restricted",
  "same-lan",
  "lossy",
  "symmetric",
  "cgnat",
  "udp-dropped",
] as const;
export type Access = (typeof accesses)[number];

/** Each pair has an instance of its own for either player: two homes of one kind are two NATs. */
export const sides = ["a", "b"] as const;
export type Side = (typeof sides)[number];

/** What a NAT does; words of RFC 4787, with the older names of RFC 3489 that players know. */
export type Nat = {
  /** Endpoint-independent: one public port for all destinations. Per destination: a new random port for each. */
  mapping: "endpoint-independent" | "per-destination";
  /** None: whoever knows the public endpoint gets in. By endpoint: only from where a datagram was sent to. */
  filtering: "none" | "by-endpoint";
  /** Whether UDP is let through at all. TCP always is. */
  udp: boolean;
};

/** An uplink's troubles. */
export type Troubles = {
  /** What a round trip takes longer. */
  delayMs: number;
  /** Of each direction. */
  lossPercent: number;
  /** What either direction takes longer at most besides, another time for each packet. No packet overtakes another. */
  jitterMs?: number;
  /** Times in which nothing gets through, in neither direction: so long, and so many milliseconds apart on average. */
  gaps?: { everyMs: number; forMs: number };
};

const cone: Nat = { mapping: "endpoint-independent", filtering: "by-endpoint", udp: true };
const symmetric: Nat = { mapping: "per-destination", filtering: "by-endpoint", udp: true };

/** How one access is built: the NATs from the player outwards, and the troubles of the uplink. */
export const builds: Record<Access, { title: string; nats: Nat[]; troubles: Troubles | null }> = {
  none: { title: "a public address, no NAT", nats: [], troubles: null },
  "full-cone": { title: "full cone", nats: [{ ...cone, filtering: "none" }], troubles: null },
  "port-restricted": { title: "port-restricted cone", nats: [cone], troubles: null },
  "same-lan": {
    title: "port-restricted cone without hairpin; two of these are behind the same one",
    nats: [cone],
    troubles: null,
  },
  lossy: {
    title: "port-restricted cone; 40 ms longer round trips, 2 % lost each way",
    nats: [cone],
    troubles: { delayMs: 40, lossPercent: 2 },
  },
  symmetric: { title: "symmetric", nats: [symmetric], troubles: null },
  cgnat: {
    title: "port-restricted cone behind a carrier's symmetric NAT",
    nats: [cone, symmetric],
    troubles: null,
  },
  "udp-dropped": {
    title: "HTTP and WebSocket only: UDP is dropped",
    nats: [{ ...cone, udp: false }],
    troubles: null,
  },
};
