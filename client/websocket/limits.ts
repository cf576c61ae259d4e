/** How a client uses a relay over WebSocket. */
export const socketLimits = {
  /** Bytes that may wait in our own socket. Beyond that the way out is full, and packets wait here, where older ones make room for newer. */
  socketWaitingBytes: 16 * 1024,
  /** Packets of one link that wait, the newest. */
  socketWaitingPackets: 16,
  /** Milliseconds after which a packet that waits is dropped: a game has sent newer ones. */
  socketStaleMs: 1_000,
  /** Milliseconds between two frames: a relay takes 250 a second of one member. What is sent in between shares a frame. */
  socketFrameMs: 5,
  /** Milliseconds between two looks at a socket that is full. */
  socketLookMs: 20,
  /** Bytes of a frame: fewer than a relay takes. */
  socketFrameBytes: 16 * 1024,
  /** Packets that came, after which the relay is told how much did. */
  socketReceiptPackets: 32,
  /** Milliseconds after which it is told of any. */
  socketReceiptMs: 100,
  /** Milliseconds until a broken connection is tried again, at most. Each try doubles it. Half of it is random. */
  socketRetryMs: 250,
  /** The same after many tries. */
  socketRetryMostMs: 8_000,
  /** Milliseconds after which a connection that breaks was a good one: the next try is soon. */
  socketGoodMs: 10_000,
  /** Milliseconds that a connection may take to open. */
  socketOpenMs: 8_000,
  /** Milliseconds between two connections that are opened because one is silent. */
  socketReopenMs: 2_000,
  /** Milliseconds since something came, within which a connection is known to live. */
  socketAliveMs: 1_000,
} as const;
