/** The players of one gateway: who has registered over TCP, and where each was seen over UDP. */
import { type Bucket, newBucket } from "../../allowance.ts";
import type { Endpoint } from "../../endpoint.ts";
import { introductionRate } from "./introduction-budget.ts";
import { norayLimits } from "./limits.ts";

export const pidRate = { burst: norayLimits.norayPidBurst, perSecond: norayLimits.norayPidsPerSecond };

/** One player. `Owner` is its connection. */
export type Registration<Owner> = {
  /** What others call it by. */
  readonly oid: string;
  /** Its secret, which it sends over UDP. */
  readonly pid: string;
  readonly owner: Owner;
  /** Where its last datagram came from; null before the first. */
  endpoint: Endpoint | null;
  /** Datagrams that are still answered. */
  readonly answers: Bucket;
  /** Guests who may still be introduced to it (introduction-budget.ts). */
  readonly introductions: Bucket;
};

/** Ids that were drawn at random. */
export type DrawnIds = { oid: string; pid: string };

export class Registrations<Owner> {
  readonly #byOid = new Map<string, Registration<Owner>>();
  readonly #byPid = new Map<string, Registration<Owner>>();
  readonly #byOwner = new Map<Owner, Registration<Owner>>();

  get size(): number {
    return this.#byOid.size;
  }

  ofOid(oid: string): Registration<Owner> | undefined {
    return this.#byOid.get(oid);
  }

  ofPid(pid: string): Registration<Owner> | undefined {
    return this.#byPid.get(pid);
  }

  ofOwner(owner: Owner): Registration<Owner> | undefined {
    return this.#byOwner.get(owner);
  }

  all(): Iterable<Registration<Owner>> {
    return this.#byOid.values();
  }

  /**
   * Registers a connection, under the first ids that are free. A connection that registers again keeps its ids: the original gives it new
   * ones and keeps the old ones valid, so either is fine with clients. Null if none of the ids is free.
   */
  register(owner: Owner, draw: () => DrawnIds, now: number): Registration<Owner> | null {
    const known = this.#byOwner.get(owner);
    if (known) return known;
    for (let draws = 0; draws < norayLimits.norayOidDraws; draws++) {
      const { oid, pid } = draw();
      if (this.#byOid.has(oid) || this.#byPid.has(pid)) continue;
      const made = {
        ...{ oid, pid, owner, endpoint: null },
        answers: newBucket(pidRate, now),
        introductions: newBucket(introductionRate, now),
      };
      this.#byOid.set(oid, made);
      this.#byPid.set(pid, made);
      this.#byOwner.set(owner, made);
      return made;
    }
    return null;
  }

  /** Forgets a connection that has ended: its ids are unknown from now on. */
  leave(owner: Owner): Registration<Owner> | null {
    const known = this.#byOwner.get(owner);
    if (!known) return null;
    this.#byOid.delete(known.oid);
    this.#byPid.delete(known.pid);
    this.#byOwner.delete(owner);
    return known;
  }
}
