/** Every bound of the service, with its unit and its reason. Nothing a stranger sends may go past one. */
export const limits = {
  /** Bytes of an HTTP request body. The largest honest one is under 300. */
  bodyBytes: 16 * 1024,
  /** Bytes of a refused body that are still read, so that the client gets the answer. Nobody sends more by mistake. */
  drainBytes: 8 * 1024 * 1024,
  /** Milliseconds that this may take: 1 MiB over a slow mobile network. */
  drainMs: 10_000,
  /** Milliseconds without a byte after which the server assumes that the client has sent everything. */
  drainPauseMs: 2_000,
  /** Bytes of a WebSocket message from a client. The largest honest one is under 2 000. */
  frameBytes: 16 * 1024,
  /** Features that a client may say it has: there are two. */
  features: 16,
  /** Characters of a feature's name. */
  featureLength: 32,
  /** Bytes of a datagram that is no packet of a peer: Orion's is under 200, a bind under 500, a probe with 8 of the longest candidates under 1 000. */
  datagramBytes: 1024,
  /** UTF-16 units of a lobby's or a member's name (Orion). */
  nameLength: 50,
  /** UTF-16 units of a chat message (Orion). */
  chatLength: 250,
  /** Seats of a lobby, the host's included (Orion). */
  seats: 64,

  /** Milliseconds between two pings of a client that says it pings: routers forget a silent connection after a minute at the earliest. */
  pingMs: 30_000,
  /** Milliseconds without one after which it is gone, found silent at two looks: browsers wake a page nobody looks at once a minute. */
  pinglessMs: 100_000,
  /** Milliseconds until an object that nothing happens to first looks for pings by itself: each look wakes it and costs a row. */
  pingCheckMs: 120_000,
  /** The longest time between two of these looks; from the first on, each is twice as far away. Twice as often would cost 10 000 idle lobbies $8 a month more. */
  pingCheckMostMs: 60 * 60_000,
  /** Milliseconds in which a client of the SDK expects the answer to a ping. */
  pongMs: 10_000,
  /** WebSocket messages a client may send a second, for as long as it likes. No game needs a tenth of it. */
  framesPerSecond: 100,
  /** WebSocket messages a client may send at once, before the rate above applies. */
  frameBurst: 200,
  /** The same of a client in a lobby's object that is in no lobby: it says what it can do, and joins. */
  strangerFrames: 10,
  /** WebSocket messages such a client may send a second, from then on. */
  strangerFramesPerSecond: 1,
  /** WebSocket messages dropped for being too many before the socket is closed: about 3 s of a hard flood. */
  framesDropped: 300,

  /** Clients a lounge holds, unless set otherwise: enough that friends often share one. */
  loungeFill: 256,
  /** The most that this may be set to. */
  loungeSockets: 1_024,
  /** Lounges tried for a client: a dozen widens the choice to thousands, the rest finds one of them while one in six has room. */
  loungeDraws: 40,
  /** Clients in a lobby's object that are not in its lobby. The next one is held by a lounge. */
  strangersHeld: 16,
  /** Codes drawn for a lobby until one is free. With 250 000 lobbies open, every fifth draw meets one of them. */
  codeDraws: 8,
  /** Unknown codes that an isolate asks lobby objects about at once: each may create an object. */
  unknownCodeBurst: 20,
  /** The same a second, from then on. */
  unknownCodesPerSecond: 10,
  /** Codes of open lobbies that an isolate remembers, to let players join these whatever others guess. */
  codesRemembered: 10_000,

  /** Milliseconds by which an alarm may come late. Later than that, the clock jumped, or the machine stood still. */
  clockSlackMs: 5_000,
  /** Milliseconds between two looks at the clock while players connect, so that a jump of it is noticed. */
  clockLookMs: 30_000,

  /** Milliseconds until a lobby first checks that members elsewhere are still held there; then twice as long each time. */
  auditIntervalMs: 5 * 60_000,
  /** The longest time between two of these checks: each costs two rows, and a call for each lounge. Until then a joiner finds out. */
  auditMostMs: 4 * 60 * 60_000,
  /** Milliseconds until a stored lobby wakes that has nobody elsewhere: its object was reset if its sockets are gone. */
  safetyMs: 4 * 60 * 60_000,
  /** Milliseconds a directory entry is believed since its lobby was heard of. Then a reader has the lobby asked, which costs a call. */
  listingBelievedMs: 30 * 60_000,
  /** Milliseconds after which an entry is dropped whose lobby does not answer: longer than a lobby is ever silent. */
  listingLifeMs: 5 * 60 * 60_000,
  /** Entries of one shard of the directory: with 1 KB each, a sixth of an object's memory. A lobby beyond is open, but not listed. */
  listingEntries: 20_000,
  /** Lobbies that a directory asks at a time. */
  listingAsks: 32,
  /** Milliseconds it waits for one of them. Readers of the list wait for `directoryPatienceMs`. */
  listingAskMs: 3_000,
  /** Milliseconds a lobby waits for the directory before it goes on without it. */
  directoryPatienceMs: 1_000,
  /** Milliseconds until a lobby tries again to mend its directory entry, or a directory to ask a lobby. */
  listingRetryMs: 5_000,
  /** Lobbies in one page of a listing that asks for pages. */
  pageSize: 200,

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
  /** Items that wait for one object to answer another; what comes beyond is lost, and an audit finds out. */
  flightQueue: 2_000,
  /** Milliseconds a receiver remembers the last batch of a peer, to know it when it is repeated: longer than all the tries. */
  batchRememberedMs: 60_000,

  /** Milliseconds between a sidecar's heartbeats. */
  heartbeatMs: 10_000,
  /** Milliseconds without a heartbeat after which a sidecar is taken for dead: two lost and half of another. */
  sidecarLifeMs: 25_000,
  /** Milliseconds without a word from any sidecar, or to it, that count as a jump of the clock: an object that is idle for longer forgets them. */
  fleetGapMs: 60_000,
  /** Milliseconds that a sidecar has for its next heartbeat when the clock has jumped: one interval and a quarter. */
  fleetSpareMs: 12_500,
  /** Sidecars in a fleet. */
  fleetSize: 256,
  /** Milliseconds a Worker isolate may use the fleet it read last. */
  fleetAgeMs: 5_000,
  /** Milliseconds a lobby waits for the fleet before it takes the sidecars known before. */
  fleetPatienceMs: 2_000,
  /** Bytes of a sidecar's post: 500 observations of Orion's clients, or 160 of the longest (core/wire/sidecar-post.ts). */
  sidecarPostBytes: 128 * 1024,
  /** Observations in one post, if its bytes suffice. */
  observationsPerPost: 500,
  /** Objects that one post tells. The platform lets one request make 50 calls on the Free plan. */
  holdersPerPost: 50,
  /** Posts of observations a sidecar has under way. */
  observationPosts: 4,
  /** Milliseconds a post waits for an object to pass its observations on; then the sidecar is told to send those again. */
  observationPatienceMs: 2_000,
  /** Milliseconds a sidecar gathers observations before it posts them. */
  observationBatchMs: 2,
  /** Milliseconds an observation is worth delivering. Older ones are dropped: the next reminder asks again. */
  observationLifeMs: 30_000,
  /** Milliseconds between two posts of one client from the same endpoint. From another one it is posted at once. */
  observationIntervalMs: 200,
  /** Tokens a sidecar holds observations for: 19 MB of Orion's clients, 54 with 3 candidates each, 82 with 8 (measured). */
  observationsHeld: 50_000,

  /** Local addresses a client may say it has: a machine with two networks, IPv4 and IPv6, and some to spare. */
  candidates: 8,
  /** Lines in the report of how connecting to one peer went: enough for every path tried. */
  timelineLines: 20,
  /** UTF-16 units of one of them. */
  timelineText: 80,
  /** Bytes of one packet of a game: what passes every network in one piece with our header and those of IPv6 and a tunnel. */
  gamePacketBytes: 1_200,
  /** Milliseconds a sidecar waits for the datagram to its other port before it reports a client that was seen at one. */
  otherPortMs: 30,
  /** Milliseconds after a reminder in which it is not brought forward, even if a member hears nothing from the sidecar. */
  silentMs: 1_500,
  /** Milliseconds after which a member's endpoint must be seen again before it is told to others: most NATs forget UDP after 30 s. */
  observedMs: 20_000,
  /** Milliseconds a mediation waits for those that must be seen again; then it relies on what it has. */
  confirmMs: 3_000,
  /** Milliseconds that a lobby which goes on without lost members waits for those not seen yet, once two are. */
  stragglerMs: 5_000,

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
  /** Binds of one ticket from one address that are looked at in `relayBindsMs`: an honest client says one a second, and three at first. */
  relayBinds: 8,
  /** Milliseconds in which those are counted. */
  relayBindsMs: 2_000,
  /** Tickets whose binds are counted: those of all ends. About 3 MB. */
  relayBindsCounted: 20_000,
  /** Milliseconds before its end that a link is told: time for another way, or for a last word to the players. */
  relayLastWordMs: 60_000,
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

  // Links between peers (core/link/).

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
  /** Numbers a peer's check may come late by: two seconds' worth of port probing. */
  replayWindow: 512,
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
  /** Milliseconds between checks of a silent path in use. */
  quickCheckMs: 200,
  /** Milliseconds of silence after which the path in use is dead, if so many checks were not answered as well. */
  deadMs: 2_500,
  /** Those checks: with a fifth of all packets lost a path dies by chance once in some hours (measured on the computed network). */
  deadChecks: 6,
  /** Checks unanswered after which a path is dead although packets come over it: they come one way only. */
  oneWayChecks: 10,
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

  // Abuse (worker/). A school, a LAN party or a carrier has one address: figures are for 100 honest players within a minute.

  /** Seconds over which the platform counts what one address does, in one of its places: 10 or 60. */
  addressPeriodS: 60,
  /** WebSockets an address may open in that time: 100 players who all try it five times, and some. */
  addressConnects: 600,
  /** Requests to host, join or start: 100 players with ten each. */
  addressRequests: 1_000,
  /** Codes of no lobby that an address may try: 100 players who mistype theirs, on the path and in the request. With 10 000 lobbies open one guess in 3 900 hits. */
  addressFailedJoins: 200,
  /** Listings: 100 players whose game asks every two seconds. */
  addressListings: 3_000,
  /** Milliseconds a request waits for the platform's counting before it goes on without it. */
  addressPatienceMs: 200,
  /** Addresses an isolate remembers that have guessed too many codes. */
  addressesRemembered: 4_096,

  /** Requests to host, join or start that a client may make at once. A player makes a few in a minute. */
  requestBurst: 60,
  /** Those a second, for long. */
  requestsPerSecond: 2,
  /** Codes of no lobby that a client may try at once. */
  failedJoinBurst: 20,
  /** Those a second, for long. */
  failedJoinsPerSecond: 0.5,

  /** Chat messages a member of any lobby may say at once, if the lobby has not had much: one for each other member of a full one. */
  chatBurst: 64,
  /** Chat messages a lobby delivers a second, counted at each member that hears one: 15 to all of a full lobby, 125 to eight. */
  chatDeliveriesPerSecond: 1_000,
  /** Those it delivers at once: 250 messages to all of a full lobby. */
  chatDeliveryBurst: 16_000,
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
  /** Milliseconds that an isolate believes its last answer to whether the machine's storage has room. */
  roomAgeMs: 200,
  /** Milliseconds it waits for that answer. */
  roomPatienceMs: 200,
  /** Milliseconds that a client has to go when its socket was closed. */
  closingMs: 10_000,

  /** Milliseconds by which a sidecar's clock may be wrong: a post signed earlier, or later, is not taken. */
  postClockMs: 15 * 60_000,

  /** Lines about refusals that an isolate writes into its log at once. */
  refusalLineBurst: 20,
  /** Those a second, for long. The others are counted. */
  refusalLinesPerSecond: 2,
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
  /** Bytes of its own output that a process keeps for a reader that is slow: about 5 000 lines. More lines are dropped and counted. */
  outputBytes: 1024 ** 2,
  /** Milliseconds between two lines of a sidecar that tell what it refused: a flood of a day is 1 440 of them. */
  refusalLineMs: 60_000,
  /** Lines at once in which a sidecar tells that it stands otherwise with the edge: for a network that comes and goes. */
  standingLineBurst: 10,
  /** Those a second, for long: one in a minute. */
  standingLinesPerSecond: 1 / 60,
} as const;
