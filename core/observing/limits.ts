/** What a sidecar keeps of the endpoints that it has seen, and how often it posts them. */
export const observingLimits = {
  /** Milliseconds a sidecar waits for the datagram to its other port before it reports a client that was seen at one. */
  otherPortMs: 30,
  /** Objects that one post tells. The platform lets one request make 50 calls on the Free plan. */
  holdersPerPost: 50,
  /** Posts of observations a sidecar has under way. */
  observationPosts: 4,
  /** Milliseconds a sidecar gathers observations before it posts them. */
  observationBatchMs: 2,
  /** Milliseconds an observation is worth delivering. Older ones are dropped: the next reminder asks again. */
  observationLifeMs: 30_000,
  /** Milliseconds between two posts of one client from the same endpoint. From another one it is posted at once. */
  observationIntervalMs: 200,
  /** Tokens a sidecar holds observations for: 19 MB of Orion's clients, 54 with 3 candidates each, 82 with 8 (measured). */
  observationsHeld: 50_000,
} as const;
