import { sharedLimits } from "../../core/limits.ts";

/** What the objects of lobbies, the directory and the fleet keep, and how long they wait for each other. */
export const objectLimits = {
  /** Clients in a lobby's object that are not in its lobby. The next one is held by a lounge. */
  strangersHeld: 16,
  /** Milliseconds that such a client has to join a lobby. It goes when something happens in the object after that: no timer wakes it. */
  strangerMs: 10_000,
  /** Milliseconds between two looks for those that have had their time. */
  strangerLookMs: 1_000,

  /** Milliseconds between two rows for a lobby's snapshots. Less than an object without events stays awake (10 s), so that what waits for the alarm is still there. */
  snapshotRowMs: 10_000,
  /** Times that a member may ask for servers of ICE at once; then once a minute. */
  iceRequests: 4,
  /** TURN credentials of one member that are good at a time. */
  turnCredentials: 3,
  /** Snapshots that a member may read at once; then one a second. */
  snapshotReads: 3,
  /** Signals that one member may send at once, each counted once for each KiB: an offer, an answer and 20 candidates, twice. */
  signalBurst: 64,
  /** Signals that it may send a second, for long. */
  signalsPerSecond: 10,
  /** The same that one member gets of each other member. */
  signalsHeardBurst: 32,
  /** Those a second, for long. */
  signalsHeardPerSecond: 2,

  /** Calls that a mediation for a newcomer costs as much as: five reminders, with two rows and two calls each. */
  newcomerCalls: 24,
  /** The same for each peer that it is connected to: asked, introduced, and told how it went. */
  peerCalls: 8,
  /** Calls that the end of an absence costs as much as, besides those that tell others of it: an alarm, and a row more than its join has paid for. */
  absenceCalls: 6,

  /** Milliseconds a directory entry is believed since its lobby was heard of. Then a reader has the lobby asked, which costs a call. */
  listingBelievedMs: 30 * 60_000,
  /** Milliseconds after which an entry is dropped whose lobby does not answer: longer than a lobby is ever silent. */
  listingLifeMs: 5 * 60 * 60_000,
  /** Entries of one shard of the directory: with 3 KB each at the most, half of an object's memory. The last of a network with many makes room for one with fewer; else a lobby beyond is open, but not listed. */
  listingEntries: 20_000,
  /** How much more than its part of `publicLobbiesPerAddress` one shard lists: codes are random, so a network's lobbies are not spread evenly. */
  listingSpread: 1.5,
  /** Lobbies that a directory asks for one reader. Cloudflare bounds the calls that one request may cause; the rest is asked 5 s later. */
  listingAsked: 500,
  /** Those that it asks at a time. */
  listingAsks: 32,
  /** Milliseconds it waits for one of them. Readers of the list wait for `directoryPatienceMs`. */
  listingAskMs: 3_000,
  /** Milliseconds that a place is kept for a player who is on the way to it: the call to its lobby takes a tenth of one second. */
  matchKeptMs: 10_000,
  /** Places that one shard keeps at a time. Beyond it players are sent without one, and may be sent again. */
  matchKept: 10_000,
  /** Milliseconds that others wait for a player to open a lobby; then the first of them opens one. */
  matchOpeningMs: 4_000,
  /** Lobbies to come that a shard knows at a time. Nobody waits for those beyond. */
  matchPending: 1_000,
  /** Milliseconds that a player waits for lobbies to come: two that nobody opens. */
  matchPatienceMs: 9_000,

  /** Milliseconds a lobby waits for the directory before it goes on without it. */
  directoryPatienceMs: 1_000,

  /** Milliseconds that a network's budget is kept after its last use: then it is full again. */
  budgetKeptMs: 24 * 60 * 60_000,
  /** Millionths of a dollar that are in a budget again when a network is let in again: some 30 sessions, so that it does not come and go at each. */
  budgetAgainMicros: 1_000,

  /** Millionths of a dollar that a relay over WebSocket claims at first: a minute of a pair. To claim costs a fortieth of that. */
  relayFirstClaim: 60,
  /** The most it claims at a time. It claims twice as much as the last time, up to this: half an hour of a pair. What it does not use is lost when it ends. */
  relayMostClaim: 2_000,
  /** Milliseconds between two notes of what is left of its claim, for the relay's sleep. */
  relayClaimKeptMs: 1_000,
  /** Milliseconds after which a budget that did not answer is asked again. Until then the relay goes on. */
  relayClaimAgainMs: 60_000,
  /** Bytes of texts that may wait for a member of a relay, where the platform says how many do: it does not read. */
  relayTextBytes: 64 * 1024,

  /** Rows of one sidecar that the fleet writes at once: an honest one writes one in 10 s. The rest is kept in memory. */
  fleetRowBurst: 10,
  /** Those a second, for long. A thief of its key, from everywhere, costs $0.10 a day by them. */
  fleetRowsPerSecond: 1,
  /** Sidecars in a fleet. */
  fleetSize: 256,
  /** Milliseconds a Worker isolate may use the fleet it read last. */
  fleetAgeMs: 5_000,
  /** Milliseconds a lobby waits for the fleet before it takes the sidecars known before. */
  fleetPatienceMs: 2_000,
  /** Milliseconds an isolate may use the fleet it read last to name STUN servers: as long as a silent sidecar counts as alive. One that is gone costs a page nothing but an answer. */
  fleetHintAgeMs: sharedLimits.sidecarLifeMs,
  /** Milliseconds that such a name is waited for: a page waits for its servers 3 s. */
  fleetHintPatienceMs: 1_000,
} as const;
