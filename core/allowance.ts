/** A token bucket: how many messages one socket may still send. Plain data, filled up by the time that passed. */
import { limits } from "./limits.ts";

export type Allowance = { left: number; at: number; dropped: number };

export function newAllowance(now: number): Allowance {
  return { left: limits.frameBurst, at: now, dropped: 0 };
}

/** What to do with one more message: take it, drop it, or close the socket that has been flooding for seconds. */
export function spend(allowance: Allowance, now: number): "take" | "drop" | "close" {
  const earned = ((now - allowance.at) / 1000) * limits.framesPerSecond;
  allowance.left = Math.min(limits.frameBurst, allowance.left + Math.max(0, earned));
  allowance.at = now;
  if (allowance.left >= limits.frameBurst) allowance.dropped = 0;
  if (allowance.left >= 1) {
    allowance.left -= 1;
    return "take";
  }
  allowance.dropped += 1;
  return allowance.dropped > limits.framesDropped ? "close" : "drop";
}
