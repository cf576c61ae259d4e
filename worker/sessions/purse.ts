/**
 * What one session may still spend. The price of its connection pays for the first amount. After that it asks its network's budget for
 * more. It is attached to the session's socket, so it survives sleep.
 */
import { type Micros, prices } from "../../core/bill.ts";
import { holderLimits } from "./limits.ts";

/**
 * Plain data. `left`: what it may still spend. `paid`: all that it was ever given. `filledAt`: when it was last given something, and
 * `refusedUntil`: when its network's budget may be asked again, if that gave nothing the last time (both in milliseconds since 1970).
 * `refusedUntil` is there until the budget gives.
 */
export type KeptPurse = { left: Micros; paid: Micros; filledAt?: number; refusedUntil?: number };

export class Purse {
  readonly kept: KeptPurse;
  readonly #keep: (kept: KeptPurse) => void;
  /** Taken out of what is attached, a little at a time, and not spent yet. A sleep loses it, so it is never spent twice. */
  #inHand: Micros = 0;
  #isAsking = false;
  /** The budget did not answer: when to ask it again, in milliseconds since 1970. */
  #askAgainAt = 0;

  /** `openedAt`: when the session's connection paid, in milliseconds since 1970. */
  constructor(kept: KeptPurse | undefined, openedAt: number, keep: (kept: KeptPurse) => void) {
    const { purseMicros } = holderLimits;
    this.kept = kept ?? { left: purseMicros, paid: purseMicros, filledAt: openedAt };
    this.#keep = keep;
  }

  /** Spends so much. Returns what its network's budget has to be asked for now; 0 for nothing. */
  spend(micros: Micros, now: number): Micros {
    this.#expire(now);
    this.#inHand -= micros;
    if (this.#inHand < 0) {
      const taken = Math.max(holderLimits.purseHandMicros, -this.#inHand);
      this.#inHand += taken;
      this.kept.left -= taken;
      this.#keep(this.kept);
    }
    if (this.kept.left > 0 || this.#isAsking || now < this.#askAgainAt || this.#isRefused(now)) return 0;
    this.#isAsking = true;
    const { purseLeastDraw, purseMostDraw, purseGrowth } = holderLimits;
    const filling = Math.max(purseLeastDraw, purseGrowth * this.kept.paid);
    return Math.min(purseMostDraw, filling) - this.kept.left;
  }

  /**
   * The answer of the budget: 0 seconds if it has given what it was asked for. Null if it did not answer: then nothing is given, and one
   * that was refused stays refused.
   */
  answered(micros: Micros, seconds: number | null, now: number): void {
    this.#isAsking = false;
    if (seconds === 0) {
      delete this.kept.refusedUntil;
      this.kept.left += micros;
      this.kept.paid += micros;
      this.kept.filledAt = now;
    } else {
      // To ask costs the same when nothing is given.
      this.kept.left -= prices.call;
      this.#askAgainAt = now + holderLimits.purseAskAgainMs;
      if (seconds !== null) this.kept.refusedUntil = now + seconds * 1000;
      else if (this.kept.refusedUntil !== undefined) this.kept.refusedUntil = this.#askAgainAt;
    }
    this.#keep(this.kept);
  }

  /** Nothing is left, and its network's budget gave nothing the last time: it has to give before anything is spent again. */
  get isEmpty(): boolean {
    return this.kept.left <= 0 && this.kept.refusedUntil !== undefined;
  }

  /** It has spent so much more than it had, and its network's budget gave nothing the last time. */
  owesMoreThan(micros: Micros): boolean {
    return this.isEmpty && !this.#isAsking && this.kept.left < -micros;
  }

  #isRefused(now: number): boolean {
    return now < (this.kept.refusedUntil ?? 0);
  }

  /** What was paid for long ago is not spent any more: else many purses, saved for days, would be spent on one. */
  #expire(now: number): void {
    if (this.kept.left > 0 && Math.abs(now - (this.kept.filledAt ?? now)) > holderLimits.purseLifeMs) {
      this.kept.left = 0;
      this.#inHand = 0;
    }
  }
}
