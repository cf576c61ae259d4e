/** How long the network test may take, in milliseconds. A player waits for it. */
export const testLimits = {
  /** All of it. What has no result by then is unknown. */
  wholeMs: 6_000,
  /** One connection gathers its candidates. A STUN request that is lost is sent again after 250 and 750 ms. */
  gatherMs: 2_500,
  /** STUN servers that are asked: two ports of one machine, and another machine. */
  stunServers: 3,
} as const;
