/** When a lobby looks for what it may have missed, how long it waits for its members' endpoints, and how often they may keep the others from playing. */
export const lobbyLimits = {
  /** Milliseconds between two looks at the clock while players connect, so that a jump of it is noticed. */
  clockLookMs: 30_000,

  /** Milliseconds that a host may be away until a member that can leads, where the lobby awaits hosts: a page that is loaded again is back in less. */
  hostAwaitedMs: 10_000,

  /** Milliseconds until a lobby first checks that members elsewhere are still held there; then twice as long each time. A third of it costs $2.85 a million sessions of 10 minutes. */
  auditIntervalMs: 15 * 60_000,
  /** The longest time between two of these checks: each costs two rows, and a call for each lounge. Until then a joiner finds out. */
  auditMostMs: 4 * 60 * 60_000,
  /** Milliseconds until a stored lobby wakes that has nobody elsewhere: its object was reset if its sockets are gone. */
  safetyMs: 4 * 60 * 60_000,
  /** Milliseconds until a lobby tries again to mend its directory entry, or a directory to ask a lobby. */
  listingRetryMs: 5_000,

  /** Milliseconds after a reminder in which it is not brought forward, even if a member hears nothing from the sidecar. */
  silentMs: 1_500,
  /** Milliseconds after which a member's endpoint must be seen again before it is told to others: most NATs forget UDP after 30 s. */
  observedMs: 20_000,
  /** Milliseconds after an event in which an object does not sleep. An endpoint needs no row of its own if a reminder within them writes one. */
  awakeMs: 10_000,
  /** Milliseconds a mediation waits for those that must be seen again; then it relies on what it has. */
  confirmMs: 3_000,
  /** Sidecars that a mediation asked before the last one, and still believes: reminders go to and fro between two. */
  sidecarsBefore: 1,
  /** Milliseconds that a lobby which goes on without lost members waits for those not seen yet, once two are. */
  stragglerMs: 5_000,
  /** One part of the members in so many is few: when no more are awaited, all are told who. */
  fewAwaited: 4,

  /** Public IPv6 candidates of a member that others are told: one that is kept, one that is temporary, and the last one's successor. */
  v6Candidates: 3,

  /** Starts that a member may call off: then those that follow go without it. One is bad luck, two are a pattern. */
  callOffs: 2,
  /** Milliseconds since the last of them until that is forgotten: three mediations in which somebody stays silent to the end. */
  callOffMs: 15 * 60_000,
  /** Members, and networks of former ones, that a lobby charges with starts at a time: all of a full lobby, and six. Members are never forgotten; of former ones, those charged longest ago are. */
  charged: 70,
  /** Times that the only member of a network may leave and return at once; a network of sixty may break twice. */
  returns: 8,
  /** Seconds until it may once more. */
  returnSeconds: 30,
  /** Networks whose departures a lobby counts; the ones that left longest ago are forgotten. */
  departedNetworks: 6,

  /** Bans that a lobby remembers; the oldest are forgotten. */
  bans: 64,
  /** Milliseconds that a banned member's network is banned. Others may get its address later. */
  networkBanMs: 60 * 60_000,

  /** Milliseconds that a member must have been there before its place waits for it. Otherwise a stranger could fill a lobby with absent players. */
  presentMs: 10_000,

  /** Milliseconds until the holder of a member that could not be reached is told to let its connection go; then twice as long each time. Each try has retries of its own for 12 s. */
  letGoMs: 5_000,

  /** Milliseconds between two reminders for newcomers of a lobby that plays, and the players they are connected to. */
  newcomerIntervalMs: 3_000,
  /** Times as long as the one before is each pause after which newcomers are tried again whom no sidecar could see: 26 tries in the first hour, 14 more in a day. */
  newcomerPauseGrowth: 1.25,
  /** Milliseconds that newcomers have to be seen. */
  newcomerGatheringMs: 15_000,
  /** Milliseconds that they then have to be connected. Other newcomers wait. */
  newcomerConnectingMs: 20_000,

  /** Requests that were done and can be repeated: those of the last seconds. */
  doneRequests: 8,
} as const;
