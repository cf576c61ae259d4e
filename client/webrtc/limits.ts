/** How a client connects by WebRTC. What production taught others is in docs/decisions/025. */
export const webrtcLimits = {
  /** Bytes that may wait in a channel. Beyond that packets are dropped: a game has sent newer ones. */
  rtcWaitingBytes: 64 * 1024,
  /** Bytes of a message from the peer: more than any packet of a link has. */
  rtcMessageBytes: 2 * 1024,
  /** Milliseconds in which candidates are gathered into one signal. */
  rtcGatherMs: 30,
  /** Addresses of this machine that are told: with many interfaces there must be room left for what the servers found. */
  rtcOwnHosts: 8,
  /** Milliseconds until a signal that the link has not delivered goes by the lobby, too. */
  rtcLinkPatienceMs: 1_000,
  /** Signals that came too early, and wait for those before. */
  rtcEarly: 32,
  /** Signals that wait for their turn. */
  rtcQueued: 64,
  /** Milliseconds that a connection may take to open. */
  rtcOpenMs: 20_000,
  /** Milliseconds of silence after which ICE is restarted. */
  rtcSilenceMs: 1_000,
  /** Milliseconds between two restarts at least. */
  rtcRestartMs: 10_000,
  /** Milliseconds after `disconnected` until the connection is given up. */
  rtcGiveUpMs: 8_000,
  /** Connections that are tried in vain before any was open. */
  rtcFirstTries: 2,
  /** Milliseconds until another connection is tried. Each try in vain doubles it. */
  rtcRetryMs: 2_000,
  /** The most that it becomes. */
  rtcRetryMostMs: 30_000,
  /** Milliseconds more that the polite end waits: mostly the other one has begun by then. */
  rtcPoliteMs: 3_000,
  /** Connections that the peer may begin at once, each in the place of the one before. */
  rtcPeersConnections: 4,
  /** Milliseconds until it may begin one more. */
  rtcPeersConnectionMs: 5_000,
  /** Milliseconds that the servers of ICE may be awaited. Without them only addresses of this machine are known. */
  rtcServersMs: 3_000,
  /** Milliseconds until they are asked for again, where there were none. */
  rtcServersAgainMs: 60_000,
  /** Milliseconds that a channel's statistics may be awaited. */
  rtcStatsMs: 500,
  /** Milliseconds after which the kind of path is looked at again. Each look doubles it. */
  rtcLookMs: 1_000,
  /** The most that it becomes. */
  rtcLookMostMs: 30_000,
  /** Milliseconds that a connection stays after its end, until its farewell is out. */
  rtcLingerMs: 300,
} as const;
