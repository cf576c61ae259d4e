/** What the reliable stream of a link keeps and sends. */
export const reliableLimits = {
  /** Bytes of one message. */
  messageBytes: 64 * 1024,
  /** Bytes of a message in one segment: with its header as much as one packet of a game may have. */
  segmentBytes: 1_195,
  /** Bytes that keeping a segment takes, as far as they count. Empty messages count by this alone. */
  segmentCostBytes: 100,
  /** Segments of which no acknowledgement has come, at most: 300 KB. A receiver holds no more out of order. */
  windowSegments: 256,
  /** The same at first, and on a new path. */
  firstWindow: 10,
  /** The fewest. */
  leastWindow: 2,
  /** Bytes that may wait at one end, sent or not. One more message is refused. */
  waitingBytes: 4 * 1024 * 1024,
  /** Bytes that wait when a sender is asked to wait as well. */
  roomBytes: 256 * 1024,
  /** Bytes that a path takes at once, whatever its rate. */
  burstBytes: 16 * 1024,
  /** Milliseconds until a segment without an acknowledgement is sent again, while no round trip is known. */
  firstTimeoutMs: 500,
  /** The same at least, whatever the round trip. */
  leastTimeoutMs: 100,
  /** The same at most: each timeout in vain doubles the next. */
  mostTimeoutMs: 3_000,
  /** Milliseconds that an acknowledgement of one segment in order waits for the next segment. */
  acknowledgeMs: 20,
  /** Milliseconds that one packet may overtake another by, at least, without that one being taken for lost. */
  reorderMs: 10,
} as const;
