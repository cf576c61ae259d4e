/** groovejet's rooms, and those who look for them. */
export const groovejetLimits = {
  /** Milliseconds that a room lasts without its host, and that a guest's place waits for it: a machine that starts again takes less. */
  roomGraceMs: 120_000,
  /** Messages of a client that wait while its room is asked to let it in: an offer, and some to spare. */
  waitingMessages: 8,
  /** Codes of no room that a network may try in one lounge at once, and rooms that its hosts may open there by a query. Each costs a connection, too. */
  wrongCodes: 20,
  /** Those a second, for long: 60 players of one network who mistype once a minute. */
  wrongCodesPerSecond: 1,
  /** Codes of no room that a network may have tried lately, and count as one that does not guess: a player who mistypes twice, and a neighbour who does once. */
  quietCodes: 3,
  /** Those of them that are forgotten in a second: all in a minute. */
  quietCodesPerSecond: 1 / 20,
  /** Codes of no room that all clients of one lounge may have it ask lobbies about at once, and a second for long: each may create an object. Half of those at once are kept for networks that do not guess. */
  unknownCodes: 20,
  /** Rooms that a lounge knows to be open, so that players can join these however much others guess. */
  openRooms: 1_024,
  /** Networks whose wrong codes a lounge remembers. */
  wrongCodeNetworks: 1_024,
} as const;
