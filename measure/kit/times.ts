/** How long something took, over and over. */
import { percentile } from "../bench/load.ts";

/** Prints the 50th and the 95th percentile of these milliseconds. The 95th. */
export function tellTimes(what: string, times: readonly number[]): number {
  const [p50 = 0, p95 = 0] = [0.5, 0.95].map((share) => percentile(times, share) ?? 0);
  console.log(`${what}: p50 ${p50.toFixed(1)} ms, p95 ${p95.toFixed(1)} ms`);
  return p95;
}
