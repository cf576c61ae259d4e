/**
 * What comes in by HTTP: bodies, codes, and what one address may do. A school, a LAN party or a carrier has one address, so its
 * figures are for 100 honest players within a minute.
 */
export const edgeLimits = {
  /** Bytes of an HTTP request body. The largest honest one is under 300. */
  bodyBytes: 16 * 1024,
  /** Milliseconds that a body may take to arrive. The longest of a sidecar takes 2 s at 1 Mbit/s. */
  bodyMs: 10_000,
  /** Bytes of a refused body that are still read, so that the client gets the answer. Nobody sends more by mistake. */
  drainBytes: 8 * 1024 * 1024,
  /** Milliseconds that this may take: 1 MiB over a slow mobile network. */
  drainMs: 10_000,
  /** Milliseconds without a byte after which the server assumes that the client has sent everything. */
  drainPauseMs: 2_000,

  /** Lounges tried for a client. A dozen tries widen the choice to thousands. The rest find one of those if one in six has room. */
  loungeDraws: 40,
  /** Unknown codes that an isolate asks lobby objects about at once: each may create an object. */
  unknownCodeBurst: 20,
  /** The same a second, from then on. */
  unknownCodesPerSecond: 10,
  /** Codes of open lobbies that an isolate remembers, so that players can join these however much others guess. */
  codesRemembered: 10_000,

  /** Heartbeats taken from one sidecar in `addressPeriodS`. An honest one sends 6, or 12 while the edge refuses them. Without this bound a thief of its key costs $31 a day. */
  sidecarHeartbeats: 60,
  /** Posts of observations taken from one sidecar in `addressPeriodS`; `callsCounted` calls count as one more. A busy sidecar posts 40 times a second, to two objects each. A thief of its key costs $3 a day in each data center. */
  sidecarObservations: 3_000,
  /** Seconds over which the platform counts what the gateways of one sidecar do. */
  gatewayPeriodS: 10,
  /** WebSockets that gateways of one sidecar may open in that time: they open 50 a second at most. Each counts for its player's address, too. */
  gatewayConnects: 600,
  /** Their other requests in that time: three for each WebSocket, and some to spare. A thief of the sidecar's key can name as many addresses as he likes. */
  gatewayRequests: 2_000,
  /** Addresses that an isolate remembers for a gateway's header that was genuine: more than a fleet has sidecars. */
  gatewaySendersRemembered: 1_024,
  /** Milliseconds a post waits for an object to take its observations. After that the sidecar is told to send them again. */
  observationPatienceMs: 2_000,

  /** Milliseconds that an isolate believes its last answer to whether the machine's storage has room. */
  roomAgeMs: 200,
  /** Milliseconds it waits for that answer: on a busy machine it comes late, and players who wait are better off than players who are refused. */
  roomPatienceMs: 2_000,
  /** Milliseconds between two looks of a request that waits for the answer to another. */
  roomPauseMs: 5,
  /** Seconds after which a client that it refused for lack of room may ask again: objects without work have closed their files by then. */
  roomRetryS: 10,
  /** Requests that it lets in if there is no answer in that time, and the last one did not allow more. */
  roomUntold: 20,

  /** Seconds over which the platform counts what one address does, in each of its data centers: 10 or 60. */
  addressPeriodS: 60,
  /** WebSockets an address may open in that time: 100 players who each try five times, and some to spare. */
  addressConnects: 600,
  /** Requests to host, join or start that an address may make in that time: 100 players with ten each. Requests without a good token have a second counter of the same size. */
  addressRequests: 1_000,
  /** Requests in that time that a client may make although its address has used up its allowance: to join, to start, and to mistype twice. */
  clientRequestsKept: 5,
  /** Clients whose requests an isolate remembers: a megabyte. */
  clientsRemembered: 8_192,
  /** Codes of no lobby that an address may try in that time: 100 players who mistype theirs, on the path and in the request. With 10 000 lobbies open, one guess in 3 900 hits. */
  addressFailedJoins: 200,
  /** Codes for rooms of groovejet's older clients that an isolate draws for an address in that time. Each has passed the keyed check: with the 17 of 600 made-up codes that do, somebody who guesses has twice as many. All isolates of a data center draw `addressFailedJoins` at most. */
  addressDrawnRooms: 20,
  /** Listings that an address may ask for in that time: 100 players whose game asks every two seconds. */
  addressListings: 3_000,
  /** The part of its own limits that a network may use in a minute when a wider network is full: 30 WebSockets, 10 codes of no lobby. */
  quietShare: 1 / 20,
  /** Networks for which an isolate remembers that part: some megabytes. A network that it forgot counts as quiet. */
  networksRemembered: 16_384,
  /** Milliseconds a request waits for the platform's counting before it goes on without it. */
  addressPatienceMs: 200,
  /** Codes of no lobby that all addresses together may try in that time, as a multiple of `addressFailedJoins`: 3 000, or one in twenty of 1 000 joins a second. Beyond that each address has fewer, for a minute. */
  failedJoinShares: 15,
  /** Codes of no lobby that an address may try while all together try too many: a player who mistypes twice, and a neighbour who does once. */
  besiegedFailedJoins: 3,
  /** Networks that an isolate remembers for having tried codes of no lobby: a megabyte. */
  guessersRemembered: 8_192,

  /** Milliseconds that an isolate believes its last look at the deployment's health: however many ask `/healthz`, the fleet is asked this often. */
  healthAgeMs: 5_000,
  /** Milliseconds that it waits for the fleet's answer, and for that of a request that is looking already. */
  healthPatienceMs: 2_000,
  /** Milliseconds between two looks of a request that waits for that. */
  healthPauseMs: 5,
  /** Milliseconds until it asks the fleet a second time, if the first call failed. */
  healthAgainMs: 100,

  /** Wrong keys of the operator that one network may try in a minute. No right key is found so in the life of the universe. */
  operatorTries: 10,
  /** The same of all networks together. Beyond it each network has one: nobody who guesses from everywhere locks the operator out. */
  operatorTriesOfAll: 100,
  /** Networks that an isolate remembers for having tried wrong ones. */
  operatorTriersRemembered: 8_192,
  /** Milliseconds that the operator's view waits for each object that it asks; then it shows what the others say. */
  operatorPatienceMs: 3_000,
  /** Lobbies that it lists, those heard of last. */
  operatorLobbies: 200,

  /** Millionths of a dollar that an isolate adds up for a network before it tells the network's budget: some 30 sessions of a player. Telling costs a seven-hundredth of that. */
  toldMicros: 1_000,
  /** Milliseconds until a budget that did not answer is told again. */
  budgetAgainMs: 60_000,
  /** Networks whose costs an isolate remembers. */
  networksTallied: 8_192,
} as const;
