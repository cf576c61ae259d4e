/** How long messages may be, and how much they may say of each thing. */
export const wireLimits = {
  /** Bytes of a WebSocket message from a client. The largest honest one is under 2 000. */
  frameBytes: 16 * 1024,
  /** Bytes of a datagram that is no packet of a peer: Orion's is under 200, a bind under 500, a probe with 8 of the longest candidates under 1 000. */
  datagramBytes: 1024,
  /** Bytes of a STUN request: what fits into a packet on every network (RFC 8489). Those of browsers have 20 or 28. */
  stunBytes: 548,
  /** Bytes of one packet of a game: what passes every network in one piece with our header and those of IPv6 and a tunnel. */
  gamePacketBytes: 1_200,

  /** UTF-16 units of a lobby's or a member's name (Orion). */
  nameLength: 50,
  /** UTF-16 units of a chat message (Orion). */
  chatLength: 250,
  /** Seats of a lobby, the host's included (Orion). */
  seats: 64,

  /** Characters of a name that people read, of a lobby or a member, in any script. */
  displayNameLength: 50,
  /** Characters of a lobby's password. */
  passwordLength: 64,
  /** Characters of a game's name, by which lobbies are found. */
  gameLength: 64,
  /** Characters of the reason that a host gives when it removes a member. */
  reasonLength: 200,
  /** Characters of a key of lobby or member data. */
  dataKeyLength: 32,
  /** Keys of a lobby's data. */
  lobbyDataKeys: 16,
  /** Bytes of it, as JSON. */
  lobbyDataBytes: 4 * 1024,
  /** Of that, bytes that are listed: the first keys that fit. */
  listedDataBytes: 512,
  /** Keys of a member's data. */
  memberDataKeys: 8,
  /** Bytes of it, as JSON. A full lobby has 64 members. */
  memberDataBytes: 1024,
  /** Bytes of JSON of what one member signals to another: a description of a WebRTC session has some 3 000. */
  signalBytes: 8 * 1024,
  /** Bytes of a snapshot. */
  snapshotBytes: 64 * 1024,
  /** Milliseconds that a member may be away at most. */
  longestGraceMs: 5 * 60_000,
  /** Lines of chat that a member who was away is told. */
  missedChat: 50,
  /** Conditions of one search. */
  searchConditions: 4,
  /** Characters of one of them: a key, and the longest text that is listed. */
  conditionLength: 560,
  /** Characters of the cursor of a sorted list: it has the value that the page ends with. */
  cursorLength: 1_024,

  /** Features that a client may say it has: there are few. */
  features: 16,
  /** Characters of a feature's name. */
  featureLength: 32,
  /** Local addresses a client may say it has: a machine with two networks, IPv4 and IPv6, and some to spare. */
  candidates: 8,
  /** IPs besides the newest from which one client's datagrams came between two posts: its own, and those of who has read one. */
  otherSightings: 3,
  /** Lines in the report of how connecting to one peer went: enough for every path tried. */
  timelineLines: 20,
  /** UTF-16 units of one of them. */
  timelineText: 80,

  /** Lobbies in one page of a listing that asks for pages. */
  pageSize: 200,

  /** Bytes of a sidecar's post: 500 observations of Orion's clients, or 160 of the longest (core/wire/sidecar-post.ts). */
  sidecarPostBytes: 144 * 1024,
  /** Observations in one post, if its bytes suffice. */
  observationsPerPost: 500,
} as const;
