/** What cannot be measured on one machine. */
export const assumed = {
  /**
   * Milliseconds that a call from one object to another takes to get there: objects are in the data centres of
   * those who first asked for them, and within a continent these are about so far apart, there and back. The calls are really
   * delayed by it, so that what waits for them, and what they overtake, is as it would be.
   */
  callMs: 20,
  /** Milliseconds an object is awake for anything that happens to it, beyond what is measured: it may have to be woken. */
  eventMs: 5,
  /** Milliseconds of CPU of the Worker for a request. The bench finds less for a request and all the objects it reaches. */
  workerCpuMs: 1,
} as const;

/** Players do what they do at different times: longer apart, in milliseconds, than news takes to get around. */
export const apartMs = 3 * assumed.callMs;
