/**
 * What one session may still spend. The price of its connection pays for the first amount. After that it asks its network's budget for
 * more. It is attached to the session's socket, so it survives sleep.
 */
import type { Micros } from "../../core/bill.ts";
import { holderLimits } from "./limits.ts";

/**
 * Plain data. `left`: what it may still spend. `paid`: all that it was ever given. `refusedUntil`: when its network's budget may be asked
 * again, in milliseconds since 1970, if that gave nothing the last time. It is there until the budget gives.
 */
export type KeptPurse = { left: Micros; paid: Micros; refusedUntil?: number };

export class Purse {
  readonly kept: KeptPurse;
  readonly #keep: (kept: KeptPurse) => void;
  /** Taken out of what is attached, a little at a time, and not spent yet. A sleep loses it, so it is never spent twice. */
  #inHand: Micros = 0;
  #isAsking = false;

  constructor(kept: KeptPurse | undefined, keep: (kept: KeptPurse) => void) {
    this.kept = kept ?? { left: holderLimits.purseMicros, paid: holderLimits.purseMicros };
    this.#keep = keep;
  }

  /** Spends so much. Returns what its network's budget has to be asked for now; 0 for nothing. */
  spend(micros: Micros, now: number): Micros {
    this.#inHand -= micros;
    if (this.#inHand < 0) {
      const taken = Math.max(holderLimits.purseHandMicros, -this.#inHand);
      this.#inHand += taken;
      this.kept.left -= taken;
      this.#keep(this.kept);
    }
    if (this.kept.left > 0 || this.#isAsking || this.#isRefused(now)) return 0;
    this.#isAsking = true;
    const { purseLeastDraw, purseMostDraw } = holderLimits;
    return Math.min(purseMostDraw, Math.max(purseLeastDraw, this.kept.paid)) - this.kept.left;
  }

  /** The answer of the budget: 0 seconds if it has given what it was asked for. */
  answered(micros: Micros, seconds: number, now: number): void {
    this.#isAsking = false;
    if (seconds > 0) {
      this.kept.refusedUntil = now + seconds * 1000;
    } else {
      delete this.kept.refusedUntil;
      this.kept.left += micros;
      this.kept.paid += micros;
    }
    this.#keep(this.kept);
  }

  /** Nothing is left, and its network's budget gave nothing the last time: it has to give before anything is spent again. */
  get isEmpty(): boolean {
    return this.kept.left <= 0 && this.kept.refusedUntil !== undefined;
  }

  /** It has spent so much more than it had, and its network's budget gives nothing. */
  owesMoreThan(micros: Micros): boolean {
    return this.#isRefused(Date.now()) && this.kept.left < -micros;
  }

  #isRefused(now: number): boolean {
    return now < (this.kept.refusedUntil ?? 0);
  }
}
