/** What a noray client may send, and what a gateway keeps for it. */
export const norayLimits = {
  /** Bytes of one line. The longest command names an oid of 64 characters. A longer line is left out, up to its end. */
  norayLineBytes: 1_024,
  /** Commands that one connection may send at once. A lobby browser that tries every host in turn sends a few. As many guests are introduced to one host. */
  norayCommandBurst: 40,
  /** Commands that one connection may send a second, for long, and introductions to one host. Each makes the host send 80 small packets. */
  norayCommandsPerSecond: 5,
  /** Part of the introductions to one host that is kept for networks whose guests were introduced to it seldom of late. */
  norayIntroductionReserve: 1 / 2,
  /** Introductions to one host that the guests of one /24 may have of that part: one guest by address and by relay, and both once more. */
  norayQuietIntroductions: 4,
  /** The same a second, for long. It takes 50 busy networks to use up what a host has. */
  norayQuietIntroductionsPerSecond: 0.1,
  /** Networks of which that is counted, for each host anew, and twice as many at times: some 6 MB. */
  norayIntroductionNetworks: 16_384,
  /** Commands beyond these that are dropped until all of the first may be sent again. Then the connection is closed: nobody plays there. */
  norayCommandsDropped: 200,
  /** Bytes that are read of one connection at once. All commands that it may send at once have 40 KB at most. */
  norayReadBurst: 64 * 1_024,
  /** Bytes that are read of it a second, for long. The rest waits at the client. */
  norayReadRate: 64 * 1_024,
  /** Bytes that may wait for a client that does not read. Its lines have some 150 bytes. Beyond, the connection is closed. */
  norayUnreadBytes: 64 * 1_024,
  /** TCP connections of one IPv4 address in one gateway: a school, or a LAN party. Sessions at the edge have tighter bounds. */
  norayAddressConnections: 32,
  /** The same of a /24. */
  norayWideConnections: 256,
  /** TCP connections in one gateway: half of them may only play. */
  norayConnections: 4_000,
  /** Milliseconds of silence after which the system asks a TCP client for a sign of life. Ten more seconds end a connection that is half open. */
  norayKeepAliveMs: 30_000,
  /** Milliseconds for which a connection that never registered may stay silent. Some clients connect in a menu. */
  norayIdleMs: 10 * 60_000,

  /** Characters of an oid at most: it is the name of a lobby. */
  norayOidLength: 64,
  /** Characters of a pid at least: it is a secret. */
  norayShortestPid: 16,
  /** Characters of a pid at most. */
  norayPidLength: 256,
  /** Draws of an oid until one is free. Short oids of a busy server need a few. */
  norayOidDraws: 20,

  /** Datagrams with one pid that are answered at once. Clients send ten a second, for 8 s at most. */
  norayPidBurst: 100,
  /** The same a second, for long. */
  norayPidsPerSecond: 20,
  /** Wrong pids of one address that are answered a second. An honest client stops at the first such answer. */
  norayWrongPids: 5,
  /** Wrong pids that are answered a second in all: 17 KB. */
  norayWrongPidsInAll: 1_000,
  /** Addresses whose wrong pids are counted. */
  norayWrongPidAddresses: 10_000,

  /** Bytes a second that one player may send by the relay, to all of its peers together, unless set otherwise. A host of 16 sends 32 KB to each. */
  norayRelayRate: 512 * 1_024,
  /** Bytes a second that all may send, unless set otherwise: 100 Mbit/s into the machine and as much out of it. */
  norayTotalRate: 12 * 1_024 * 1_024,
  /** Part of that which the players of one address may send. When there is little to spare, its fair share and that of its /24. */
  norayNetworkPart: 1 / 4,
  /** Relays of one IPv4 address in one gateway. Each outlives its player's connection, so those are bounded too: here by twice as many. */
  norayAddressRelays: 64,
  /** The same of a /24. */
  norayWideRelays: 256,
  /** Bytes that one player may send by the relay to another who has not been heard there, or not since where its address is not that of its TCP connection: it may be somebody who wants none of it. */
  norayUnheardBytes: 64 * 1_024,
  /**
   * Bytes, headers included, that one relay sends to its player before that has answered, where its datagrams do not come from the address
   * of its TCP connection: its handshakes have 32 bytes each. A made-up source points a relay at a neighbour in the /24.
   */
  norayUnprovenBytes: 2_048,
  /** Bytes beyond these that such a player gets for each byte that came from it: else strangers could use up the first ones. */
  norayUnprovenTimes: 3,
  /** Bytes of the headers of IPv4 and UDP. */
  norayHeaderBytes: 28,
  /** Milliseconds after which a player's address counts as left, and another port of the same IP address may take its place. A game sends many packets in that time. */
  norayQuietMs: 3_000,
  /** Strangers from a player's own IP address that one relay remembers: they get a relay of their own after `norayQuietMs`. */
  norayStrangers: 4,
  /** Relays made for such strangers, for each relay that they send to. */
  norayDynamicRelays: 4,

  /** Hosts of one address that are made known to other gateways at once. Each costs a session. */
  norayAnnouncements: 4,
  /** The same a second, for long: the next ones wait. */
  norayAnnouncementsPerSecond: 0.5,
  /** Addresses of which that is counted, twice as many at times. */
  norayAnnouncementAddresses: 10_000,
  /** Members of a host's lobby: the host, and guests who look it up at this moment. */
  norayLobbyMembers: 32,
  /** Milliseconds for which the edge keeps the lobby of a host whose session has lost its connection. It comes back by itself. */
  norayGraceMs: 30_000,
  /** Milliseconds until a host's session is opened again when it was lost. Doubled with each failure, and give or take half. */
  norayPauseMs: 500,
  /** The longest of these. */
  norayLongestPauseMs: 60_000,
  /** Milliseconds that two gateways have to tell each other about their players. The client waits for 8 s. */
  norayMeetingMs: 6_000,
  /** Oids asked for at the edge by one address at once, when no host of this gateway has it. Each costs a session. A /24 may ask for eight times as many. */
  norayLookUpBurst: 6,
  /** The same a second, for long. */
  norayLookUpsPerSecond: 0.2,
  /** Addresses and networks of which that is counted, twice as many at times. */
  norayLookUpAddresses: 10_000,
  /** Oids asked for at one time. */
  norayLookUps: 200,
  /** Milliseconds for which an oid that nobody has is not asked for again. */
  norayUnknownMs: 2_000,
  /** Oids that are remembered so, twice as many at times. */
  norayUnknownOids: 1_000,
} as const;
