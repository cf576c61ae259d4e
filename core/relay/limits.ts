/** What a relay carries: for one link, for one lobby, for one address, and in all. */
export const relayLimits = {
  /** Milliseconds that a relay's ticket lasts. Its session renews it. When the session ends, the ticket outlives it by no more than this. */
  relayTicketMs: 10 * 60_000,
  /** Milliseconds after its end in which a ticket can still be renewed: the client asked in time, but its message or the answer was late. */
  relayRenewGraceMs: 60_000,
  /** Milliseconds from its introduction for which the tickets of a link are renewed: longer than an evening's game. */
  relayLinkMs: 6 * 60 * 60_000,
  /** Links one relay carries: five times the most it was measured with. 18 MB, and twice that if every end has an address of its own. */
  relayLinks: 10_000,
  /** Part of a relay that one lobby, or one address, may have: of its rate in all (of IPv6, a /48), and of its links, counted at both ends (a /64). */
  relayLargestPart: 1 / 4,
  /** Milliseconds that a link with one bound end lives, whatever that end sends. An honest peer binds within seconds. */
  relayHalfBoundMs: 30_000,
  /** Links with one bound end that one address may have. A wider network may have this times its shares. A hundred players behind one address who all start at once have 175, for moments. */
  relayHalfBound: 256,
  /** Milliseconds without a packet or a bind after which an end of a link counts as gone, and a link without ends is freed. */
  relayIdleMs: 30_000,
  /** Bytes a second of one link, both ways together: a fast game for two takes a tenth. */
  relayLinkRate: 256 * 1024,
  /** Bytes a second of one lobby's links together. */
  relayLobbyRate: 2 * 1024 * 1024,
  /** Bytes a second of all links, both ways together, unless set otherwise: 100 Mbit/s into the machine and as much out of it. */
  relayTotalRate: 12 * 1024 * 1024,
  /** Bytes of one link in all: its full rate for four hours. */
  relayLinkBytes: 4 * 1024 ** 3,
  /** The fewest bytes that a packet counts as, because a machine's work for a packet hardly depends on its length. Before, 160 000 packets of 8 bytes a second were within every budget. */
  relayPacketBytes: 100,
  /** Milliseconds of a relay's rates that may be sent at once: a game that loads a level. */
  relayBurstMs: 2_000,
  /** Part of what a relay may send at once that is kept for packets within a fair share. Other packets get the rest. */
  relayReserve: 1 / 2,
  /** Part of what a lobby may send at once that is kept for those of its links that stay within an equal share. Less than half: a link hears of it before. */
  relayLobbyReserve: 1 / 4,
  /** Milliseconds between two computations of the fair shares, while the relay has little to spare. With 10 000 lobbies one takes some 2 ms. */
  relaySharesMs: 100,
  /** Milliseconds of its fair share that a lobby, an address, or a link of a lobby may send at once: a game that sends 20 times a second needs 50. */
  relayShareBurstMs: 250,
  /** Milliseconds after which the pace of a party that sends nothing counts half. So a party that sends in bursts still counts between them. */
  relayPaceHalfMs: 1_000,
  /** Milliseconds between two notices of one kind to a link that sends too much. */
  relayNoticeMs: 1_000,
  /** Notices a second to links of a full relay, or of a busy address, and as many to those of one busy lobby. Each is signed twice, just when the machine is busy. The other links hear it later. A lobby of 64 has 2 016 links: to tell all at once took 40 to 60 ms. */
  relayFullNotices: 100,
  /** Lobbies whose notices are counted: far fewer can have used up their rate at a time. */
  relayFullLobbies: 1_000,
  /** Milliseconds before its end that a link is told: time for another way, or for a last word to the players. */
  relayLastWordMs: 60_000,
} as const;
