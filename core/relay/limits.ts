/** What a relay carries: for one link, for one lobby, and in all. */
export const relayLimits = {
  /** Milliseconds a relay's ticket is good for, and a link lasts on it: longer than an evening's game. */
  relayTicketMs: 6 * 60 * 60_000,
  /** Links one relay carries: five times the most it was measured with. About 12 MB. */
  relayLinks: 10_000,
  /** Milliseconds without a packet or a bind after which an end of a link is taken for gone, and a link without ends is freed. */
  relayIdleMs: 30_000,
  /** Bytes a second of one link, both ways together: a fast game for two takes a tenth. */
  relayLinkRate: 256 * 1024,
  /** Bytes a second of one lobby's links together. */
  relayLobbyRate: 2 * 1024 * 1024,
  /** Bytes a second of all links, both ways together, unless set otherwise: 100 Mbit/s into the machine and as much out of it. */
  relayTotalRate: 12 * 1024 * 1024,
  /** Bytes of one link in all: its full rate for four hours. */
  relayLinkBytes: 4 * 1024 ** 3,
  /** Milliseconds of a relay's rates that may be sent at once: a game that loads a level. */
  relayBurstMs: 2_000,
  /** Milliseconds between two notices of one kind to a link that sends too much. */
  relayNoticeMs: 1_000,
  /** Notices a second that the relay as a whole carries too much: each is signed twice, in just that moment. The rest hear it later. */
  relayFullNotices: 100,
  /** Milliseconds before its end that a link is told: time for another way, or for a last word to the players. */
  relayLastWordMs: 60_000,
} as const;
