/** What the operator's statistics keep, and how often they are written. */
export const statsLimits = {
  /** Minutes of the shorter chart, the present one among them. */
  minutesKept: 60,
  /** Hours of the longer one, the present one among them. */
  hoursKept: 24,
  /** Lobbies that one object of eight knows: all of 300 000, and some to spare. Beyond it those heard of longest ago are forgotten. */
  lobbiesKnown: 40_000,
  /** Characters of what an object stores of them: a value may have 2 MB. */
  lobbiesLength: 1_500_000,
  /** Milliseconds after which a lobby is forgotten that nothing was heard of: a lobby that is stored says every four hours that it is open. */
  lobbyKnownMs: 26 * 60 * 60_000,
  /** Different causes, or codes of refusals, that are counted apart in one minute or hour: more than there are. */
  codesCounted: 200,

  /** Rows that an object writes at once: in a small deployment each piece of news has its own, and nothing is lost. */
  statsRowBurst: 60,
  /** Those a second, for long. An object that hears something more often stays awake, and keeps the rest in memory until the next. */
  statsRowsPerSecond: 1 / 10,
  /** Pieces of news within a minute from which on one row a minute is enough: the object never sleeps between them. */
  statsBusyNews: 60,
  /** Milliseconds between two rows of such an object: eight of them write 350 000 a month, which is $0.35. */
  statsBusyRowMs: 60_000,
  /** Milliseconds after which it is worth a row that a lobby is still open, although nothing has changed. */
  statsAliveRowMs: 12 * 60 * 60_000,
} as const;
