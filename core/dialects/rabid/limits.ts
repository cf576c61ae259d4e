/** What a gateway of Rabid Hole Punch does for its players. The limits by address are in core/dialects/limits.ts. */
export const rabidLimits = {
  /** Milliseconds of silence after which a player is dropped: the original drops one after 5 to 13 s. A player pings every 500. */
  rabidSilentMs: 8_000,
  /** Milliseconds for which a player must have been silent before another port of its IP address may speak for it: three of its pings. */
  rabidRebindMs: 1_600,
  /** Ports that a player has had before which may take it back at once: who sends from them was there first. More changes fit in no silence. */
  rabidFormerPorts: 4,
  /** Milliseconds for which a lobby keeps the place of a player whose gateway has lost its connection to the edge. Pings are answered meanwhile. */
  rabidGraceMs: 15_000,
  /** Milliseconds for which a gateway tries to open or to join a session: the plugin gives up after 15 s. */
  rabidOpenForMs: 14_000,
  /** Milliseconds without a repeat after which nobody waits for the session any more: six of the plugin's repeats. */
  rabidUnrepeatedMs: 3_000,
  /** Requests to the edge of one address, IPv4 or IPv6 /64, to open or to join a session, at once. */
  rabidOpenings: 4,
  /** Those a second, for long. */
  rabidOpeningsPerSecond: 0.5,
  /** Addresses of which that is counted, twice as many at times. */
  rabidOpeningAddresses: 8_192,
  /** Players on their way in at once, besides those of this machine itself: 2 s of `unprovenConnectsPerSecond`, so that nobody waits longer for the edge. */
  rabidOpeningsAtOnce: 40,
  /** Those of one IPv4 /24, or IPv6 /48. */
  rabidOpeningsOfNetwork: 5,
  /** Milliseconds for which a player must have been alone in its session before a newcomer may take its place, where all are taken. */
  rabidAloneMs: 30_000,
  /** Milliseconds until the gateway asks the edge again to start a session, after a refusal. The plugin repeats every 500. */
  rabidStartAgainMs: 1_000,
  /** Milliseconds that the edge waits for players whom their gateways have not heard three times over a second. Then it starts without them, if two are left. */
  rabidStartForMs: 15_000,
  /** Times that the start is told to a player that has not confirmed it, as in the original. */
  rabidStartRounds: 8,
  /** Milliseconds between them, or more if that would be more than `rabidStartBytes` a second. */
  rabidRoundMs: 100,
  /** Milliseconds from the first to the last: after 2 s the plugin listens on that port for its peers. */
  rabidRoundsMs: 1_100,
  /** Bytes of starts a second to one player. */
  rabidStartBytes: 1_024,
  /** Bytes of starts a second from the port, and at once. */
  rabidStartBytesFromPort: 100 * 1_024,
  /** Part of what may be sent at once that is kept for players who have not been told at all. */
  rabidStartReserve: 1 / 2,
  /** Milliseconds for which a started session keeps its name, and answers those who missed the start. */
  rabidStartedMs: 5_000,
  /** Milliseconds after which a started session is forgotten, even if the edge has not said that it is over. */
  rabidForgottenMs: 15_000,
  /** Times that a player is told that it was dropped or removed, as in the original. */
  rabidFarewells: 3,
  /** Milliseconds between them, as in the original. */
  rabidFarewellMs: 50,
  /** Milliseconds for which a repeated request gets the same last answer, without a request to the edge. */
  rabidFarewellKeptMs: 3_000,
  /** Last answers that are kept. */
  rabidFarewellsKept: 4_096,
  /** Milliseconds between two looks for silent players. */
  rabidSweepMs: 250,
} as const;
