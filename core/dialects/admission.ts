/**
 * Which strangers a gateway listens to, and which may have a session. Limits come first: an address has so many datagrams a second, and
 * an address, the network around it and the gateway have so many sessions. One datagram with a made-up source opens nothing. This
 * machine itself is not counted, but for the gateway's total.
 */
import { type Bucket, draw, newBucket } from "../allowance.ts";
import type { Endpoint } from "../endpoint.ts";
import { networkOf, networksOf } from "../network.ts";
import { type AdmissionLimits, gatewayLimits } from "./limits.ts";
import { Recent } from "./recent.ts";

/**
 * What a datagram shows of where it came from. `rate`: the address sends too many, so do not look at this one. `new`: a first one, or too
 * soon after it. `repeated`: a later one, so it may open a session. `steady`: there have been several, over a while.
 */
export type Standing = "rate" | "new" | "repeated" | "steady";

/** Why there is no session for this address now. */
export type AdmissionRefusal = "address_full" | "network_full" | "gateway_full";

/** One endpoint: datagrams of it, and when the first and the last came. */
type Known = { times: number; firstAt: number; lastAt: number };

export class Admission {
  readonly #limits: AdmissionLimits;
  readonly #buckets = new Recent<Bucket>(gatewayLimits.rememberedEndpoints);
  readonly #known = new Recent<Known>(gatewayLimits.rememberedEndpoints);
  /** By network, narrow and wide. */
  readonly #sessions = new Map<string, number>();
  #open = 0;

  constructor(limits: AdmissionLimits = gatewayLimits) {
    this.#limits = limits;
  }

  /** Sessions that have entered and not left. */
  get open(): number {
    return this.#open;
  }

  /** Endpoints that are known now. */
  get remembered(): number {
    return this.#known.size;
  }

  /**
   * A datagram came. `now` is in milliseconds, of a clock that is never set back. `isKnown`: the endpoint is that of somebody who has a session, and
   * may send as much as a whole address: strangers with the same address, made up or not, take nothing of that.
   */
  hear({ ip, port }: Endpoint, now: number, isKnown = false): Standing {
    const network = networkOf(ip);
    const key = `${ip} ${port}`;
    if (network !== null && !this.#takes(isKnown ? key : network, now)) return "rate";
    const known = this.#known.get(key);
    if (!known || now - known.lastAt > gatewayLimits.forgottenMs) {
      this.#known.set(key, { times: 1, firstAt: now, lastAt: now });
      return "new";
    }
    known.times += 1;
    known.lastAt = now;
    const { times, firstAt } = known;
    if (times >= gatewayLimits.steadyDatagrams && now - firstAt >= gatewayLimits.steadyMs) return "steady";
    return now - firstAt >= gatewayLimits.repeatedMs ? "repeated" : "new";
  }

  /** Counts a session of this address, or says why there can be none. Each that has entered must leave. */
  enter(address: string): AdmissionRefusal | null {
    const { addressSessions, wideSessions, sessions } = this.#limits;
    const [narrow, wide] = countedIn(address);
    if (narrow !== undefined && this.#count(narrow) >= addressSessions) return "address_full";
    if (wide !== undefined && this.#count(wide) >= wideSessions) return "network_full";
    if (this.#open >= sessions) return "gateway_full";
    this.#add(address, 1);
    return null;
  }

  /** Whether this address, or the network around it, has at least half of the sessions that it may have. */
  isHalfFull(address: string): boolean {
    const { addressSessions, wideSessions } = this.#limits;
    const [narrow, wide] = countedIn(address);
    if (narrow !== undefined && this.#count(narrow) >= addressSessions / 2) return true;
    return wide !== undefined && this.#count(wide) >= wideSessions / 2;
  }

  /** A session of this address is over. */
  leave(address: string): void {
    this.#add(address, -1);
  }

  #takes(sender: string, now: number): boolean {
    const { addressDatagramsPerSecond: perSecond } = this.#limits;
    const { addressDatagramBurst, addressDatagramsPerSecond } = gatewayLimits;
    const rate = { perSecond, burst: perSecond * (addressDatagramBurst / addressDatagramsPerSecond) };
    let bucket = this.#buckets.get(sender);
    if (!bucket) {
      bucket = newBucket(rate, now);
      this.#buckets.set(sender, bucket);
    }
    return draw(bucket, rate, now);
  }

  #count(network: string): number {
    return this.#sessions.get(network) ?? 0;
  }

  #add(address: string, change: 1 | -1): void {
    this.#open += change;
    for (const network of countedIn(address)) {
      const count = this.#count(network) + change;
      if (count > 0) this.#sessions.set(network, count);
      else this.#sessions.delete(network);
    }
  }
}

/** What a session of this address counts in: the address, or its /64, and the /24 or /48 around it. Nothing for this machine itself. */
export function countedIn(address: string): string[] {
  const names = networksOf(address).map(({ name }) => name);
  return names.filter((name, i) => i === 0 || /\/(24|48)$/.test(name));
}
