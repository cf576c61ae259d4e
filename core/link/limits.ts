/** How many packets each way to a peer may cost, and how long it is tried. */
export const linkLimits = {
  /** Checks and answers a minute that one client sends, over all its links, to public addresses that nothing has proved to be a peer's: half at once. */
  unprovenChecks: 60,
  /**
   * The same to claimed addresses in the IPv6 /64 that the peer's WebSocket comes from: 63 guests claim three each. A liar can aim them
   * at a neighbour in its /64, and nowhere else.
   */
  homeChecks: 600,
  /** The same into its own networks: 63 players of a LAN party claim three addresses each, and all but one lead nowhere. */
  nearChecks: 600,
  /** Milliseconds until a check that was withheld for that is due again. */
  withheldMs: 1_000,
  /** Public IPv6 addresses that a peer's claims are believed of: what an honest server tells (core/lobby/limits.ts). */
  v6Claims: 3,
  /** Packets to an address that a peer only claims, or that is guessed, before one of its came from there: a liar aims no more. */
  claimedProbes: 5,
  /** Ports guessed for a peer whose NAT counts upwards or downwards: the host's other links take some of them. */
  guessedPorts: 6,
  /** Ports between two sights of a NAT that counts: any farther apart, others use it too much to guess. */
  guessedStep: 16,
  /** Addresses of a peer learned from its packets: it changes them at most every few minutes. */
  metCandidates: 16,
  /** Checks to an address a verified packet came from, for each such packet. */
  triggeredChecks: 3,
  /** Checks through the relay, once both ends are there. */
  relayChecks: 16,
  /** Checks to a peer's observed endpoint in one attempt: its pace sends some 38 in `directMs`, and more where it is late. */
  observedChecks: 48,
  /** Checks of one path whose answers are waited for: at the fastest pace, 1.6 s there and back. */
  awaitedChecks: 16,
  /** Numbers of a peer that are remembered: two seconds' worth of port probing. Those below the lowest are too old. */
  replayWindow: 512,
  /**
   * Numbers skipped at most before and after a check that a third party may get: a forged answer is right once in a million, and 2^53
   * numbers last for 40 years.
   */
  skippedNumbers: 2 ** 24,
  /** Answers a second to one peer: it sends 256 checks at most while it is looked for, and half that besides. */
  answersPerSecond: 500,
  /** Lines of one link's report. */
  linkNotes: 64,
  /** Milliseconds of attempts to connect directly: netfox gives up after 8 s, Orion's mediation after some more. */
  directMs: 10_000,
  /** The same where both networks change their ports: ordinary checks work at once or not at all, and one side may be 2 s late. */
  bothDependentMs: 3_000,
  /** Milliseconds between checks of a path at first; each ten checks later twice as much. */
  checkMs: 100,
  /** Milliseconds between checks of the path in use while packets come over it: for the round-trip time. */
  steadyCheckMs: 5_000,
  /** Milliseconds of silence on the path in use until it is checked. */
  silenceMs: 1_000,
  /** Milliseconds until a check that was not answered is repeated on the path in use. */
  quickCheckMs: 200,
  /** Milliseconds between checks of a path in use that two checks have shown to be silent, and of its standbys. */
  silentCheckMs: 100,
  /** Milliseconds of silence after which the path in use is dead, if so many checks were not answered as well. */
  deadMs: 2_500,
  /** The same if another path was heard in that time. */
  outlivedMs: 1_800,
  /** Those checks: with a fifth of all packets lost a path dies by chance once in some hours (measured on the computed network). */
  deadChecks: 6,
  /** Checks unanswered after which a path is dead although packets come over it: they come one way only. */
  oneWayChecks: 10,
  /** Checks of a channel unanswered after which another socket is opened for it: an uplink that changes ends no TCP connection. */
  reopenChecks: 3,
  /** Milliseconds between checks of a path kept as a standby, and how long another is trusted: half of `relayIdleMs`. */
  standbyMs: 15_000,
  /** Milliseconds between binds of a relay: keeps NATs open, which forget UDP after 30 s, and shows that the sidecar lives. */
  relayRefreshMs: 10_000,
  /** Milliseconds until a bind that was not answered is repeated; each time twice as long. */
  relayRetryMs: 250,
  /** The longest wait for the next bind while the relay is needed. */
  relayRetryMostMs: 1_000,
  /** Milliseconds between checks of the direct paths there were once, while the relay is in use. */
  recheckMs: 10_000,
  /** Milliseconds a link that has lost every path looks for one: a sidecar restarts in less. */
  graceMs: 15_000,
  /** Milliseconds ordinary checks have before ports are probed: two round trips across a continent. */
  birthdayAfterMs: 300,
  /** Sockets opened behind a NAT with a random port for each destination: with the probes, 99.97 % (core/link/probing.ts). */
  birthdaySockets: 256,
  /** Packets sent to random ports of such a NAT: about 100 KB in all. */
  birthdayProbes: 2_048,
  /** Those a second: what a home router takes without losing much. */
  birthdayRate: 200,
  /** Milliseconds after which the sockets' mappings are refreshed. */
  birthdayAgainMs: 4_000,
  /** Milliseconds the others stay open when one is found: until it shows which of several the peer has found. */
  birthdayLingerMs: 2_000,
  /** Milliseconds from a link's opening until ports are not probed any more, nor a turn waited for: all probes, and a second for the last answers. */
  birthdayMs: 12_000,
} as const;
