/**
 * How often guests may be introduced to one host. Each introduction makes the host send to the guest, whoever has asked, so a host has a
 * budget. Half of it is a reserve for quiet networks: a /24, or of IPv6 a /48, whose guests were introduced to this host seldom of late. So a
 * stranger who knows an oid cannot use up what other networks need. A guest of another gateway also takes one of the relays of the host's
 * address, and keeps it for half a minute. So half of those are a reserve as well.
 */
import { type Bucket, draw, fill, newBucket } from "../../allowance.ts";
import { countedIn } from "../admission.ts";
import { Recent } from "../recent.ts";
import { norayLimits } from "./limits.ts";

/** Introductions to one host, of all guests together: as many as one guest may ask for. */
export const introductionRate = {
  burst: norayLimits.norayCommandBurst,
  perSecond: norayLimits.norayCommandsPerSecond,
};
const reserve = introductionRate.burst * norayLimits.norayIntroductionReserve;
const quietRate = {
  burst: norayLimits.norayQuietIntroductions,
  perSecond: norayLimits.norayQuietIntroductionsPerSecond,
};

/** The host, and what is left of its budget. */
export type IntroducedHost = { readonly oid: string; readonly introductions: Bucket };

/** One for each gateway. Times are in milliseconds, of a clock that is never set back. */
export class IntroductionBudget {
  /** What each network has left of the reserve, by the host and the network. One that is not here has all of it. */
  readonly #networks = new Recent<Bucket>(norayLimits.norayIntroductionNetworks);

  /** Host and network pairs that are counted now. */
  get remembered(): number {
    return this.#networks.size;
  }

  /**
   * Whether the guest at this address may be introduced to the host now; counts it if so. `isScarce`: it would take something of which the host
   * has the reserve alone. This machine's own guests are always quiet.
   */
  take(host: IntroducedHost, guest: string, now: number, isScarce = false): boolean {
    const { introductions } = host;
    fill(introductions, introductionRate, now);
    if (introductions.left < 1) return false;
    const network = countedIn(guest).at(-1);
    const key = network === undefined ? null : `${host.oid} ${network}`;
    const isReserve = isScarce || introductions.left < reserve + 1;
    if (isReserve && key !== null && !this.#isQuiet(key, now)) return false;
    introductions.left -= 1;
    // Also what was taken from the first half: nobody has that, and then a share of the reserve.
    if (key !== null) this.#note(key, now);
    return true;
  }

  #isQuiet(key: string, now: number): boolean {
    const bucket = this.#networks.get(key);
    if (!bucket) return true;
    fill(bucket, quietRate, now);
    return bucket.left >= 1;
  }

  #note(key: string, now: number): void {
    let bucket = this.#networks.get(key);
    if (!bucket) {
      bucket = newBucket(quietRate, now);
      this.#networks.set(key, bucket);
    }
    draw(bucket, quietRate, now);
  }
}
