/** What a gateway does for strangers who speak another protocol over UDP or TCP, and what it keeps of them. Operators can change those of sessions and datagrams. */
export const gatewayLimits = {
  /** Sessions of one IPv4 address, or IPv6 /64, in one gateway: a household, with guests. */
  addressSessions: 8,
  /** Sessions of one IPv4 /24, or IPv6 /48, in one gateway. */
  wideSessions: 20,
  /** Sessions in one gateway: each is a WebSocket to the edge. */
  sessions: 2_000,
  /** Datagrams a second that a gateway looks at from one address: a player of Rabid sends two. */
  addressDatagramsPerSecond: 5,
  /** Those at once. */
  addressDatagramBurst: 10,
  /** Milliseconds from the first datagram of an endpoint to one that may open a session: a made-up source sends one alone, and Rabid's plugin repeats every 500. */
  repeatedMs: 400,
  /** Milliseconds of silence after which an endpoint is as unknown as before. */
  forgottenMs: 5_000,
  /** Datagrams that make an endpoint a steady one, which may get more than it sent. */
  steadyDatagrams: 3,
  /** Milliseconds over which those must come. */
  steadyMs: 1_000,
  /** Endpoints of which that is known, twice as many at times: some 10 MB. A flood of 60 000 new ones a second makes it forget honest ones. */
  rememberedEndpoints: 32_768,

  /** Bytes of answers for each byte that an address without proof sent in `earnedMs`. */
  answerBytesPerByte: 3,
  /** Milliseconds for which bytes that came count. */
  earnedMs: 10_000,
  /** Bytes of answers a second to one IPv4 address, or IPv6 /64, and at once. */
  answerBytesToAddress: 1_024,
  /** Bytes of answers a second from one port to all such addresses together, and at once. */
  answerBytesFromPort: 100 * 1_024,
  /** Addresses of which that is counted, twice as many at times: some 8 MB. */
  answeredAddresses: 16_384,

  /** WebSockets a second that all gateways of a sidecar open: Cloudflare blocks addresses that ask thousands of times a second. */
  connectsPerSecond: 50,
  /** Of those, for new players whom no TCP connection has proved: a sender of made-up addresses, of which each costs one, leaves 30 for all others. */
  unprovenConnectsPerSecond: 20,
  /** Milliseconds between two of those, at least: less than their average, so that those who were late catch up. */
  connectSpacingMs: 10,
  /** Milliseconds without a connect after the first that the edge did not serve, give or take half. Each time it is doubled. */
  firstHoldMs: 1_000,
  /** The longest that comes to by itself. */
  longestHoldMs: 60_000,
  /** The longest that the edge may ask for. */
  longestAskedHoldMs: 5 * 60_000,
  /** Milliseconds between two pings of a gateway's session: routers forget a silent connection after a minute at the earliest. */
  gatewayPingMs: 45_000,
  /** Milliseconds that a gateway tries to open a session, unless its dialect says otherwise. */
  openingMs: 10_000,
} as const;

/** Those that an operator can change. */
export type AdmissionLimits = {
  readonly addressSessions: number;
  readonly wideSessions: number;
  readonly sessions: number;
  readonly addressDatagramsPerSecond: number;
};
