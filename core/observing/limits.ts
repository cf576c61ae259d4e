/** What a sidecar keeps of the endpoints that it has seen, and how often it posts them. */
export const observingLimits = {
  /** Milliseconds a sidecar waits for the datagram to its other port before it reports a client that was seen at one. */
  otherPortMs: 30,
  /** Posts of observations a sidecar has under way. */
  observationPosts: 4,
  /** Milliseconds a sidecar gathers observations before it posts them. */
  observationBatchMs: 2,
  /** Milliseconds an observation is worth delivering. Older ones are dropped: the next reminder asks again. */
  observationLifeMs: 30_000,
  /** Milliseconds between two posts of one client from the same endpoint. From another one it is posted at once. */
  observationIntervalMs: 200,
  /** Objects that one post tells. The platform lets one request make 50 calls on the Free plan. The rest of a post is asked for again. */
  objectsPerPost: 50,

  /** Milliseconds for which a client is ignored that the edge does not hold, doubled each time: client ids are never given twice. */
  goneMs: 60_000,
  /** The longest. */
  goneMostMs: 60 * 60_000,
  /** Milliseconds for which a client is ignored that is in no mediation, doubled each time. Its newest datagram is posted at their end. */
  idleMs: 1_000,
  /** The longest. */
  idleMostMs: 60_000,
  /** Milliseconds after the edge's word for which a client counts as wanted: reminders come every 10 s. */
  wantedMs: 60_000,
  /** Calls at once that posts of wanted clients may cause, beyond those that make them wanted: 300 lobbies whose members are asked again. */
  wantedCallBurst: 300,
  /** Those a second, for long. Clients of 400 sockets that spoke as often as they may cost all others the sidecar: the edge refused it. */
  wantedCallsPerSecond: 60,
  /** Posts at once. */
  postBurst: 100,
  /** Those a second, for long: a busy sidecar gathers for 80 ms. With the calls of all budgets, three quarters of what the edge takes of one sidecar in a minute. */
  postsPerSecond: 12,
  /** Calls to objects that the edge counts as one post. */
  callsCounted: 5,
  /** Posts at once, calls included, whatever turns out wanted: 4 000 players who are all held by different objects. */
  countedBurst: 900,
  /** Those a second, for long: in a minute, nine tenths of what the edge takes of one sidecar. Beyond that, it would take nothing at all for a minute. */
  countedPerSecond: 30,
  /** Posts of a wanted client that go first, at once: three tries at each of two ports, and two changes. */
  wantedBurst: 8,
  /** Those a second, for long: one in 5 s, of which an honest client needs half. The rest goes by the budget below. */
  wantedPerSecond: 0.2,
  /** Clients of which a sidecar remembers what the edge said: about 10 MB. */
  standingsRemembered: 50_000,

  /** Hours after which a token counts as old. Who connected before can start all the same, but goes last while the budget is short. */
  oldTokenHours: 3,
  /** Calls that posts of unproven clients may cause at once, of which nobody knows whether they are wanted: a lobby of 64 starts at once, seven times. */
  spareCallBurst: 500,
  /** Those a second, for long: $0.36 a day, at $0.15 a million. A post counts as two of them, and those that were wanted count for nothing. */
  spareCallsPerSecond: 28,
  /** Calls that a post itself counts as: a Worker's request is $0.30 a million. */
  callsPerRequest: 2,
  /** The same at once for clients that are proven by a probe, and were not wanted so far. */
  provenCallBurst: 500,
  /** Those a second, for long: $0.18 a day. */
  provenCallsPerSecond: 14,
  /** Milliseconds for which such clients are gathered while their budget is short: a request for each would use up two thirds of it. */
  spareGatherMs: 500,
  /** Part of the budget that is kept for tokens that are not old. */
  spareForFresh: 0.5,
  /** Clients that wait in each of the six lists of turns: a crowd of 5 000 that starts at once. Their sum is below `observationsHeld`. */
  waitingInTurn: 6_000,
  /** Networks that a list of turns remembers for having had one: with a flood from more of them, the newest go first. */
  servedNetworks: 32,
  /** Milliseconds after which a client that still waits, and sends again, has no place among the new any more. Honest ones send their tries within 400. */
  retryMs: 1_000,
  /** Milliseconds for which a token counts as met, once or twice that: all that one address can collect in three hours, sent more slowly than once in that time, are 30 a second. */
  metMs: 60 * 60_000,
  /** Bytes of each of the two tables of tokens that were met: 8 bits for each of a million. A power of two. */
  metBytes: 2 ** 20,

  /** Tokens a sidecar holds observations for: 19 MB of Orion's clients, 54 with 3 candidates each, 82 with 8 (measured). */
  observationsHeld: 50_000,
} as const;
