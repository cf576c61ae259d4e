/**
 * What several parts of the service go by: how often a client may speak, how much a lobby may chat, and after how long a silence
 * somebody is taken for gone.
 */
export const sharedLimits = {
  /** WebSocket messages a client may send a second, for a while. No game needs a tenth of it. */
  framesPerSecond: 100,
  /** WebSocket messages a client may send at once, before the rate above applies. */
  frameBurst: 200,
  /** WebSocket messages a client may send a second for hours: a player who types says one in seconds, and each may cost a call between objects. */
  steadyFramesPerSecond: 5,
  /** Those it may send before that rate applies: ten a second for four minutes. They are earned again in four minutes of silence. */
  steadyFrameBurst: 1_200,
  /** The same of a client in a lobby's object that is in no lobby: it says what it can do, and joins. */
  strangerFrames: 10,
  /** WebSocket messages such a client may send a second, from then on. */
  strangerFramesPerSecond: 1,
  /** WebSocket messages dropped for being too many before the socket is closed: about 3 s of a hard flood, or a minute at twice the steady rate. */
  framesDropped: 300,

  /** Chat messages a member of any lobby may say at once, if the lobby has not had much: one for each other member of a full one. */
  chatBurst: 64,
  /** Chat messages a lobby delivers a second, counted at each member that hears one: 15 to all of a full lobby, 125 to eight. */
  chatDeliveriesPerSecond: 1_000,
  /** Those it delivers at once: 250 messages to all of a full lobby. */
  chatDeliveryBurst: 16_000,

  /** Milliseconds between two pings of a client that says it pings: routers forget a silent connection after a minute at the earliest. */
  pingMs: 30_000,
  /** Milliseconds without one after which it is gone, found silent at two looks: browsers wake a page nobody looks at once a minute. */
  pinglessMs: 100_000,
  /** Milliseconds in which a client of the SDK expects the answer to a ping. */
  pongMs: 10_000,

  /** Milliseconds by which an alarm may come late. Later than that, the clock jumped, or the machine stood still. */
  clockSlackMs: 5_000,
  /** Milliseconds by which a sidecar's clock may be wrong: a post signed earlier, or later, is not taken. */
  postClockMs: 15 * 60_000,

  // What a wider network may do, in shares of what one address may do. An owner of the whole of it gets no more.

  /** Shares of an IPv4 /24: a carrier's, or eight schools' or LAN parties'. */
  sharesOf24: 8,
  /** Of an IPv6 /56: one household. The address that is counted is a /64. */
  sharesOf56: 2,
  /** Of an IPv6 /48: a rented server's, a company's, or some thousand phones'. */
  sharesOf48: 4,
  /** Of an IPv6 /32: a whole provider's. */
  sharesOf32: 32,
  /** Of the gateways of one sidecar, of what a network may cost: two with 2 000 players each all day, who meet every ten minutes, cost less than half of it. */
  sharesOfGateways: 100,

  /** Clients a lounge holds, unless set otherwise: enough that friends often share one. */
  loungeFill: 256,
  /** The most that this may be set to. */
  loungeSockets: 1_024,

  /** Milliseconds without a heartbeat after which a sidecar is taken for dead: two lost and half of another. */
  sidecarLifeMs: 25_000,
  /** Datagrams a second from which on a sidecar counts as overloaded: a third of what one core can receive. Players are sent to another that is as near. */
  overload: 50_000,
  /** Milliseconds without a word from any sidecar, or to it, that count as a jump of the clock: an object that is idle for longer forgets them. */
  fleetGapMs: 60_000,
  /** Milliseconds that a sidecar has for its next heartbeat when the clock has jumped: one interval and a quarter. */
  fleetSpareMs: 12_500,
} as const;
