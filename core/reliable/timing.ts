/** How long a packet and its acknowledgement take, and when to send again what had none (RFC 6298). Times in milliseconds. */
import { reliableLimits } from "./limits.ts";

const { firstTimeoutMs, leastTimeoutMs, mostTimeoutMs, acknowledgeMs } = reliableLimits;

export class Timing {
  #smooth: number | null = null;
  #variation = 0;
  /** How often the time has passed in vain. */
  #inVain = 0;

  /** The smoothed round trip; null if none is known. */
  get roundTripMs(): number | null {
    return this.#smooth;
  }

  get timeoutMs(): number {
    const { round } = Math;
    const once =
      this.#smooth === null
        ? firstTimeoutMs
        : Math.max(leastTimeoutMs, round(this.#smooth + Math.max(4 * this.#variation, acknowledgeMs)));
    return Math.min(mostTimeoutMs, once * 2 ** this.#inVain);
  }

  /** One more round trip was seen. */
  measure(ms: number): void {
    this.#inVain = 0;
    if (this.#smooth === null) {
      this.#smooth = ms;
      this.#variation = ms / 2;
      return;
    }
    this.#variation += (Math.abs(this.#smooth - ms) - this.#variation) / 4;
    this.#smooth += (ms - this.#smooth) / 8;
  }

  /** The time has passed. */
  back(): void {
    // 2^5 times the shortest is the longest.
    this.#inVain = Math.min(5, this.#inVain + 1);
  }

  /** Another path: what was measured says nothing of it. */
  restart(roundTripMs: number | null): void {
    this.#smooth = null;
    this.#inVain = 0;
    if (roundTripMs !== null) this.measure(roundTripMs);
  }
}
