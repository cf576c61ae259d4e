/**
 * What a sidecar does for strangers and keeps of them, and what it writes. Observations and the relay have tables of their own.
 */
export const sidecarLimits = {
  /** Milliseconds between a sidecar's heartbeats. */
  heartbeatMs: 10_000,
  /** Milliseconds that a sidecar posts nothing of one kind at most when the edge asks it to wait (429): what the edge counts in. */
  longestWaitMs: 60_000,

  /** Binds of one ticket from one address that are looked at in `relayBindsMs`: an honest client says one a second, and three at first. */
  relayBinds: 8,
  /** Milliseconds in which those are counted. */
  relayBindsMs: 2_000,
  /** Tickets whose binds are counted: those of all ends. About 3 MB. */
  relayBindsCounted: 20_000,
  /** Milliseconds for which a relay that stops still carries its links, once they are told. */
  relayGoodbyeMs: 500,
  /** Bytes that wait in a relay's socket before it drops packets: some 60 milliseconds of a gigabit. */
  relayQueueBytes: 8 * 1024 * 1024,

  /** Clients of which a sidecar counts the probes that got no cookie back, until one client returns one. */
  unprovenClients: 64,
  /** Probes without a cookie of one client, from which on it counts as not reached: an honest client that is reached sends 2 to each port. */
  unprovenProbes: 8,
  /** Milliseconds for which nobody returns a cookie until a sidecar says that its answers do not arrive: a slow network takes 1 or 2 s. */
  unprovenMs: 5_000,
  /** Milliseconds after which those clients are forgotten: two players with odd networks in one day prove nothing. */
  unprovenKeptMs: 10 * 60_000,
  /** Milliseconds between two lines about it. */
  unprovenLineMs: 60 * 60_000,

  /** Addresses of its machine for which a sidecar has sockets of their own. A host of many containers has dozens. One more socket serves the rest. */
  localAddresses: 64,
  /** Milliseconds between two looks at which addresses the machine has. */
  localAddressesMs: 10_000,
  /** Milliseconds for which a sidecar keeps the socket of an address that is gone: a network that comes back has lost nothing. */
  localAddressKeptMs: 60_000,

  /** Milliseconds of a cookie's epoch. It is good for that one and the next: a client that binds every few seconds keeps one. */
  cookieEpochMs: 2 * 60_000,
  /** Part of its time in which a sidecar has nothing to do, or it counts as busy: whatever comes in one burst still finds it ready. */
  sparePart: 0.1,
  /** Milliseconds of each second or so that a busy sidecar still checks datagrams, whoever sends them: 7 000 of the longest, more than players send. */
  checkingMs: 100,
  /** Milliseconds that one check counts as at most: a longer one has waited for another program. */
  longestCheckMs: 0.1,
  /** Datagrams of one network that are checked in that time even beyond that: all that a lobby of 64 behind one address says when it starts. */
  networkChecks: 500,
  /** Networks whose datagrams are counted, in some 100 KB: of 200 000 datagrams in a second none is counted 200 too low. */
  checkedNetworks: 1_024,

  /** Bytes of its own output that a process keeps for a reader that is slow: about 5 000 lines. More lines are dropped and counted. */
  outputBytes: 1024 ** 2,
  /** Milliseconds between two lines of a sidecar that tell what it refused: a flood of a day is 1 440 of them. */
  refusalLineMs: 60_000,
  /** Lines at once in which a sidecar tells that it stands otherwise with the edge: for a network that comes and goes. */
  standingLineBurst: 10,
  /** Those a second, for long: one in a minute. */
  standingLinesPerSecond: 1 / 60,
} as const;
