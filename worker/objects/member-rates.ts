/** How often each member of a lobby may do one thing. In memory alone: an object that slept was silent. */
import { type Bucket, draw, newBucket, type Rate, secondsUntilOne } from "../../core/allowance.ts";

export class MemberRates {
  readonly #rate: Rate;
  readonly #buckets = new Map<string, Bucket>();

  constructor(rate: Rate) {
    this.#rate = rate;
  }

  /** Counts one more. The seconds to wait for it, 0 if it may be done now. Members that are gone are forgotten when there are twice as many as members. */
  draw(clientId: string, members: number, now: number): number {
    const known = this.#buckets.get(clientId);
    if (!known && this.#buckets.size >= 2 * members) this.#buckets.clear();
    const bucket = known ?? newBucket(this.#rate, now);
    this.#buckets.set(clientId, bucket);
    return draw(bucket, this.#rate, now) ? 0 : Math.max(1, secondsUntilOne(bucket, this.#rate));
  }

  forget(): void {
    this.#buckets.clear();
  }
}
