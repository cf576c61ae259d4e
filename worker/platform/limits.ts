/** How often objects call each other, how often a call is tried, and how many lines go into the log. */
export const platformLimits = {
  /** Milliseconds between the tries of a call from one object to another; after the last the call is lost. */
  retryDelaysMs: [50, 200, 1_000, 3_000, 8_000],
  /** The same where a player waits for the answer. */
  promptRetryDelaysMs: [50, 200, 1_000],
  /** Times that the platform itself repeats one of these tries, as Cloudflare does. */
  platformRetries: 2,
  /** Milliseconds after which it begins no more of those: with our own tries, a player waits for 4 s at most while an object is out of reach. */
  platformRetryMs: 1_500,
  /** Calls by which a lobby tells members in one other object what happens, as fast as each is answered. */
  callBurst: 20,
  /** The same a second, from then on. What happens meanwhile goes with the next call, so a busy lobby's chat is a quarter of a second late at most. */
  callsPerSecond: 4,
  /** The same by which a lobby tells members in all other objects together: four lines of chat to 63 members, each in another lounge. */
  allCallBurst: 252,
  /** The same a second, from then on: ten lounges are told twice a second, so a busy lobby of 64 that shares these is heard half a second late. */
  allCallsPerSecond: 20,
  /** Calls by which one object tells a lobby what its clients there say, as fast as each is answered. */
  newsBurst: 60,
  /** The same a second, from then on: what is said within a tenth of a second travels together, which nobody notices. */
  newsPerSecond: 10,
  /** Items that wait for one object to answer another; what comes beyond is lost, and an audit finds out. */
  flightQueue: 2_000,
  /** Milliseconds a receiver remembers the last batch of a peer, to know it when it is repeated: longer than all the tries. */
  batchRememberedMs: 60_000,

  /** Seconds for which a member's TURN credential is good: a long session. A connection that comes later gets another. */
  turnLifeS: 4 * 3600,
  /** Milliseconds that the API of TURN may take. A member waits for it before its first connection by WebRTC. */
  turnPatienceMs: 2_500,
  /** Characters of its answer. */
  turnAnswerLength: 16 * 1024,

  /** Objects that keep the operator's statistics, and share the lobbies. Each of them hears some thousand pieces of news a second. */
  statsObjects: 8,
  /** Milliseconds after which a lobby no longer waits for its last news to be taken before it tells the next. */
  statsPatienceMs: 10_000,
  /** Times at once that a lobby tells the statistics how many members it has: a lobby that fills up. */
  statsNewsBurst: 16,
  /** The same a second, from then on. What happens meanwhile goes with the next news. */
  statsNewsPerSecond: 1 / 5,
  /** Outcomes of mediations that wait for a lobby's next news. */
  statsNewsKept: 16,
  /** Milliseconds that an isolate adds up refusals before it tells the statistics: less than the platform lets it wait after an answer. */
  refusalsToldMs: 15_000,
  /** Milliseconds between two times that the fleet tells the statistics how many sidecars are alive. */
  fleetToldMs: 60_000,

  /** Milliseconds an isolate waits for a budget, which may be far away when it is asked first; then it goes on. */
  budgetPatienceMs: 1_000,

  /** Lines about refusals that an isolate writes into its log at once. */
  refusalLineBurst: 20,
  /** Those a second, for long: one in 20 s. The others are counted. At Cloudflare a line costs more than most of what is refused: two a second in each of a hundred isolates are $10 a day. */
  refusalLinesPerSecond: 1 / 20,
  /** Lines about the lives of lobbies that an isolate writes at once, if its operator wants them: ten lobbies that open and connect. */
  lobbyLineBurst: 100,
  /** Those a second, for long: one lobby's whole life. The others are counted. */
  lobbyLinesPerSecond: 10,
  /** Lines about faults of ours, or of the platform, that an isolate writes at once: the first seconds of any outage, each with its ids. */
  faultLineBurst: 100,
  /** Those a second, for long: enough to follow an outage by, where every request would bring one. The others are counted. */
  faultLinesPerSecond: 10,
  /** Milliseconds after which a fault of a kind that was not written since is always written: what is rare is not lost among the frequent. */
  faultLineAgainMs: 10_000,
} as const;
