/**
 * What a relay may send in all, with a reserve: when the relay has little to spare, only packets within a fair share pass. Each packet counts
 * for two parties, and needs the share of one of them: so an attacker has to make both shares small, which takes many of both kinds.
 */
import { type Bucket, newBucket } from "./budget.ts";
import { relayLimits } from "./limits.ts";
import { type Party, Shares } from "./shares.ts";

const { relayReserve, relaySharesMs } = relayLimits;
/** The part of the total rate that parties of the first kind share. Those of the second share as much again. The rest refills the reserve. */
const sharedPart = 0.475;

/** Times are in milliseconds. */
export class FairTotal {
  readonly bucket: Bucket;
  /** While the bucket has fewer bytes than this, only packets within a fair share pass. */
  readonly reserve: number;
  /** The first kind of party: networks. */
  readonly firsts: Shares;
  /** The second kind: lobbies, or wider networks. */
  readonly seconds: Shares;
  /** When the shares were last reckoned, and what the bucket had then. */
  #reckonedAt: number;
  #leftThen: number;

  /** `rate`: bytes a second. */
  constructor(rate: number, elapsed: number) {
    this.bucket = newBucket(rate, elapsed);
    this.reserve = this.bucket.capacity * relayReserve;
    this.firsts = new Shares(rate * sharedPart);
    this.seconds = new Shares(rate * sharedPart);
    this.#reckonedAt = elapsed;
    this.#leftThen = this.bucket.left;
  }

  /** Whether there is not enough for all. */
  get isShared(): boolean {
    return this.firsts.areBound || this.seconds.areBound;
  }

  /**
   * Counts a packet. If there is little to spare, takes it from the share of the first party or, if that is used up, of the second.
   * Returns whether one of the two sufficed. To be called when the bucket has been filled up. The caller takes the bytes from it.
   */
  isFair(first: Party | null, second: Party, length: number, elapsed: number): boolean {
    const { left, capacity } = this.bucket;
    if (first) first.asked += length;
    if (left > (capacity + this.reserve) / 2) {
      second.asked += length;
      return true;
    }
    const isLate = elapsed - this.#reckonedAt >= relaySharesMs || elapsed < this.#reckonedAt;
    // If many begin at once, do not wait for the next reckoning: they would have used up the reserve by then.
    const isFast = left <= this.#leftThen - capacity / 4;
    if (isLate || isFast) this.reckon(elapsed);
    if (first && this.firsts.take(first, length, elapsed)) return true;
    second.asked += length;
    return this.seconds.take(second, length, elapsed);
  }

  /** Whether the bucket has so many bytes for a packet that is within a fair share, or is not. To be called after `isFair`. */
  has(length: number, isFair: boolean): boolean {
    return this.bucket.left >= length + (isFair ? 0 : this.reserve);
  }

  /** Reckons the shares again, so that they do not rest on traffic of long ago. */
  reckon(elapsed: number): void {
    const spanMs = elapsed - this.#reckonedAt;
    if (spanMs === 0) return;
    this.#reckonedAt = elapsed;
    this.#leftThen = this.bucket.left;
    // A clock that was set back tells nothing.
    if (spanMs < 0) return;
    this.firsts.reckon(spanMs);
    this.seconds.reckon(spanMs);
  }
}
