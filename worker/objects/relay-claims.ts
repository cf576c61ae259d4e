/**
 * What all relays over WebSocket may cost in a day is one budget. Each relay claims a part of it, larger each time, so the budget hears little of
 * what they do. It claims the next part when half of the last is spent. If that is refused, its members have the other half to hear of it.
 */
import { type Micros, prices } from "../../core/bill.ts";
import { claimForRelay } from "../platform/budgets.ts";
import type { Env } from "../platform/env.ts";
import { logRefusal } from "../platform/log.ts";
import { objectLimits } from "./limits.ts";

/** What a member's socket keeps of it through a sleep. `at`: when that was so, in milliseconds since 1970. */
export type KeptClaim = { left: Micros; last: Micros; at: number };

export class RelayClaims {
  readonly #env: Env;
  #left: Micros = 0;
  #lastClaim: Micros = 0;
  /** When it was last kept (milliseconds since 1970). */
  #keptAt = 0;
  #isAsking = false;
  /** The budget is not asked before (milliseconds since 1970). */
  #askAgainAt = 0;
  #isRefused = false;
  /** When it was last given something, and what it had then: tells how fast it is spent. */
  #given: { at: number; left: Micros } = { at: 0, left: 0 };

  constructor(env: Env) {
    this.#env = env;
  }

  /** What one of its sockets has kept: the newest counts. Without it, each wake would claim anew, and what was left would be lost. */
  revive({ left, last, at }: KeptClaim): void {
    if (at <= this.#keptAt) return;
    this.#left = left;
    this.#lastClaim = last;
    this.#keptAt = at;
  }

  /** What a socket has to keep now; null while what was kept will do: a sleep may then forget the frames of this time. */
  toKeep(now: number): KeptClaim | null {
    if (Math.abs(now - this.#keptAt) < objectLimits.relayClaimKeptMs) return null;
    this.#keptAt = now;
    return { left: this.#left, last: this.#lastClaim, at: now };
  }

  /** A frame that came. */
  spend(now: number): void {
    this.#left -= prices.relayFrame;
    if (this.#left < this.#lastClaim / 2 && !this.#isAsking && now >= this.#askAgainAt) void this.claim(now);
  }

  /** Claims the next part, if it is time to. Returns what it was given. */
  async claim(now: number): Promise<Micros> {
    if (this.#isAsking || now < this.#askAgainAt || (this.#left > 0 && this.#left >= this.#lastClaim / 2))
      return 0;
    this.#isAsking = true;
    const { relayFirstClaim, relayMostClaim, relayClaimAgainMs } = objectLimits;
    const claim = Math.min(relayMostClaim, Math.max(relayFirstClaim, 2 * this.#lastClaim));
    const seconds = await claimForRelay(this.#env, claim);
    this.#isAsking = false;
    const at = Date.now();
    if (seconds === 0) {
      this.#left = Math.max(0, this.#left) + claim;
      this.#lastClaim = claim;
      this.#isRefused = false;
      this.#given = { at, left: this.#left };
      this.#keptAt = 0;
      return claim;
    }
    this.#askAgainAt = at + (seconds === null ? relayClaimAgainMs : seconds * 1000);
    if (seconds === null) return 0;
    this.#isRefused = true;
    logRefusal("relay_full", { seconds });
    return 0;
  }

  /** Nothing is left, and the budget gives nothing. */
  get isSpent(): boolean {
    return this.#isRefused && this.#left <= 0;
  }

  /** Milliseconds until nothing is left, if it goes on as before; null while the budget gives. */
  emptyInMs(now: number): number | null {
    if (!this.#isRefused) return null;
    const spent = Math.max(prices.relayFrame, this.#given.left - this.#left);
    return Math.max(0, Math.floor((Math.max(0, this.#left) * Math.max(1, now - this.#given.at)) / spent));
  }
}
