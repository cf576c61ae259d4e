/**
 * What comes in by HTTP: bodies, codes, and what one address may do. A school, a LAN party or a carrier has one address, so its
 * figures are for 100 honest players within a minute.
 */
export const edgeLimits = {
  /** Bytes of an HTTP request body. The largest honest one is under 300. */
  bodyBytes: 16 * 1024,
  /** Milliseconds in which a body must have come. The longest of a sidecar comes in 2 s over 1 Mbit/s. */
  bodyMs: 10_000,
  /** Bytes of a refused body that are still read, so that the client gets the answer. Nobody sends more by mistake. */
  drainBytes: 8 * 1024 * 1024,
  /** Milliseconds that this may take: 1 MiB over a slow mobile network. */
  drainMs: 10_000,
  /** Milliseconds without a byte after which the server assumes that the client has sent everything. */
  drainPauseMs: 2_000,

  /** Lounges tried for a client: a dozen widens the choice to thousands, the rest finds one of them while one in six has room. */
  loungeDraws: 40,
  /** Unknown codes that an isolate asks lobby objects about at once: each may create an object. */
  unknownCodeBurst: 20,
  /** The same a second, from then on. */
  unknownCodesPerSecond: 10,
  /** Codes of open lobbies that an isolate remembers, to let players join these whatever others guess. */
  codesRemembered: 10_000,

  /** Heartbeats of one sidecar that are taken in `addressPeriodS`: an honest one has 6, and 12 while the edge refuses them. Else a thief of its key costs $31 a day. */
  sidecarHeartbeats: 60,
  /** Posts of observations, with those that stand for their calls: 40 a second of a busy sidecar that tell two objects each. A thief costs $3 a day in each place of the platform's. */
  sidecarObservations: 3_000,
  /** Calls that count like one post. */
  callsCounted: 5,
  /** Milliseconds a post waits for an object to pass its observations on; then the sidecar is told to send those again. */
  observationPatienceMs: 2_000,

  /** Milliseconds that an isolate believes its last answer to whether the machine's storage has room. */
  roomAgeMs: 200,
  /** Milliseconds it waits for that answer. */
  roomPatienceMs: 200,

  /** Seconds over which the platform counts what one address does, in one of its places: 10 or 60. */
  addressPeriodS: 60,
  /** WebSockets an address may open in that time: 100 players who all try it five times, and some. */
  addressConnects: 600,
  /** Requests to host, join or start: 100 players with ten each. As many again without a good token, which are counted apart. */
  addressRequests: 1_000,
  /** Requests in that time that a client may make although its address has used up its own: to join, to start, and to mistype twice. */
  clientRequestsKept: 5,
  /** Clients whose requests an isolate remembers: a megabyte. */
  clientsRemembered: 8_192,
  /** Codes of no lobby that an address may try: 100 players who mistype theirs, on the path and in the request. With 10 000 lobbies open one guess in 3 900 hits. */
  addressFailedJoins: 200,
  /** Listings: 100 players whose game asks every two seconds. */
  addressListings: 3_000,
  /** The part of its own limits that a network may use in a minute when a wider network is full: 30 WebSockets, 10 codes of no lobby. */
  quietShare: 1 / 20,
  /** Networks for which an isolate remembers that part: some megabytes. A network that it forgot counts as quiet. */
  networksRemembered: 16_384,
  /** Milliseconds a request waits for the platform's counting before it goes on without it. */
  addressPatienceMs: 200,
  /** Codes of no lobby that all may try in that time, in `addressFailedJoins`: 3 000, one in twenty of 1 000 joins a second. Beyond it each address has fewer. */
  failedJoinShares: 15,
  /** Codes of no lobby that an address may then try: a player who mistypes twice, and a neighbour. */
  besiegedFailedJoins: 3,
  /** Networks that an isolate remembers for having tried codes of no lobby: a megabyte. */
  guessersRemembered: 8_192,

  /** Millionths of a dollar that a network costs in an isolate until its budget is told: some 30 sessions of a player. To tell it costs a seven-hundredth. */
  toldMicros: 1_000,
  /** Milliseconds until a budget that did not answer is told again. */
  budgetAgainMs: 60_000,
  /** Networks whose costs an isolate remembers. */
  networksTallied: 8_192,
} as const;
