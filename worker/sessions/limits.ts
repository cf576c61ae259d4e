import { observingLimits } from "../../core/observing/limits.ts";

/** What each client may ask of the object that holds its WebSocket, and how much may wait for one that does not read. */
export const holderLimits = {
  /** Milliseconds until an object that nothing happens to first looks for pings by itself: each look wakes it and costs a row. */
  pingCheckMs: 120_000,
  /** The longest time between two of these looks; from the first on, each is twice as far away. Twice as often would cost 10 000 idle lobbies $8 a month more. */
  pingCheckMostMs: 60 * 60_000,

  /** Codes drawn for a lobby until one is free. With 250 000 lobbies open, every fifth draw meets one of them. */
  codeDraws: 8,
  /** Lobbies that may refuse a player who is matched, before one is opened for it: each may know its name, or have been filled by codes. */
  matchRefusals: 4,
  /** Questions to the directory that may fail in one match, each after its tries: its object may have been moved while the player waited. */
  matchFailures: 2,

  /** Requests to host, join or start that a client may make at once. A player makes a few in a minute. */
  requestBurst: 60,
  /** Those a second, for long. */
  requestsPerSecond: 2,
  /** Codes of no lobby that a client may try at once. */
  failedJoinBurst: 20,
  /** Those a second, for long. */
  failedJoinsPerSecond: 0.5,
  /** Those that a client may lately have tried, and still be told of lobbies while a neighbour at its address guesses: one that mistyped once or twice is no guesser. */
  neighbourFailedJoins: 2,

  /** Messages with which a client may have tickets for the relay renewed at once: the host of 64 needs two every six minutes. */
  renewBurst: 8,
  /** Those a second, for long: one costs up to 126 HMACs, some 2 ms. */
  renewsPerSecond: 1 / 20,

  /** Lobbies whose hosts have removed a session, that it remembers: tickets of older ones have expired. */
  removalsKept: 4,
  /** Endpoints at once that a session pays for, if a sidecar says that it has seen them: what an honest sidecar says of one client. */
  sightingsCharged: observingLimits.wantedBurst,
  /** Those a second, for long. A thief of a sidecar's key says as many as he likes, and spent the budget of a whole network in a minute. */
  sightingsChargedPerSecond: observingLimits.wantedPerSecond,

  /** Millionths of a dollar that a session may spend before its network's budget is asked: what a talkative player costs in 10 minutes by the plain path. */
  purseMicros: 16,
  /** The least that it is given at a time. */
  purseLeastDraw: 8,
  /** Those that it is given, for each that it was given so far. */
  purseGrowth: 0.5,
  /** The most it is given at a time: to ask costs a hundredth of that. */
  purseMostDraw: 320,
  /** Those taken out of a purse at a time, for the object's memory: a sleep loses what is left of them. Eight lines of chat by the direct path. */
  purseHandMicros: 0.25,
  /** Milliseconds until a budget that gave nothing, or did not answer, is asked again: not by all its sessions at once, over and over. */
  purseAskAgainMs: 60_000,
  /** Milliseconds after which what is left of a purse is spent no more: else the purses of many days are spent on one. */
  purseLifeMs: 6 * 60 * 60_000,
  /** Those that a session in no lobby may cost when its network's budget is empty, until its socket closes: some 100 messages that are dropped. */
  purseOverdraft: 3,
  /** The same of a member, whose going ends its lobby or hurts it: 500 messages, 10 reports, or 11 hours of looks. It has paid more than that to get there. */
  memberOverdraft: 15,

  /** Bytes that a message waiting to be read takes in the platform besides its length: 750 to 1 100 (measured: docs/decisions/007). */
  frameOverheadBytes: 1_100,
  /** Bytes, each message with that, that wait for one client before it goes: 450 long chat messages more than its network holds. */
  unreadBytes: 1024 ** 2,
  /**
   * The same of all clients of an object together; then the ones go that most waits for. Twenty objects share the 128 MB of an
   * isolate at Cloudflare, so each has a twentieth.
   */
  objectUnreadBytes: 6 * 1024 ** 2,
  /** Milliseconds for which it must have waited: a client that reads takes a whole burst of chat in less. */
  unreadMs: 1_000,
  /**
   * Milliseconds after which a client goes that has taken nothing of what waits for it, however little that is. What a client's network holds is not
   * in it: so one that stands still has a megabyte more. A connection that broke without a word takes nothing for ever.
   */
  untakenMs: 60_000,
  /** The same, sent to one client between two notes of how many messages it was: 32 notes for what may wait for it. */
  unreadMarkBytes: 32 * 1024,
  /**
   * Bytes that wait for clients which were told to go, and do not. With more of those that had `closingMs`, or twice as much
   * of all, the object ends itself, which frees all: at half an isolate, before the platform ends it with its neighbours.
   */
  stuckUnreadBytes: 32 * 1024 ** 2,

  // Where the platform does not say what waits.

  /** Bytes sent to a client that says nothing itself, nor pings, until it counts as one that does not read: two hours at a chat message a second. */
  unansweredBytes: 16 * 1024 ** 2,
  /** The same of all clients of an object together: then the one that most was sent to goes. */
  objectUnansweredBytes: 256 * 1024 ** 2,
  /** What `stuckUnreadBytes` is where the platform says what waits. */
  stuckBytes: 256 * 1024 ** 2,

  /** Milliseconds that the connection of a client of groovejet, which may be a member before it has said a word, has to take the first byte. Each awake second costs $1.60 a million. */
  unopenedMs: 3_000,
  /** Milliseconds that a client has to go when its socket was closed. */
  closingMs: 10_000,
} as const;
