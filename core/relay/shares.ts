/**
 * Fair shares of what a relay carries in all, among its lobbies or among the addresses that send. They are max-min fair: a party that asks
 * for less than its share gets all it asks for, and what those parties leave is shared equally by the rest. So an attacker gains nothing by
 * opening many lobbies that send next to nothing. If all together ask for no more than there is, nobody is limited.
 */
import { relayLimits } from "./limits.ts";

/** Somebody who sends: a lobby, or an address. */
export type Party = {
  /** Bytes asked for since the last reckoning. */
  asked: number;
  /** Bytes a second that it asked for lately. Halves every `relayPaceHalfMs` without traffic. */
  pace: number;
  /** Bytes of its share that were left at the time `at`, in milliseconds. */
  left: number;
  at: number;
};

export function newParty(elapsed: number): Party {
  return { asked: 0, pace: 0, left: 0, at: elapsed };
}

export class Shares {
  readonly #supply: number;
  readonly #parties = new Set<Party>();
  /** Bytes a second that each party may send; infinity if there is enough for all. */
  #share = Number.POSITIVE_INFINITY;

  /** `supply`: bytes a second. */
  constructor(supply: number) {
    this.#supply = supply;
  }

  /** Whether there is not enough for all. */
  get areBound(): boolean {
    return this.#share !== Number.POSITIVE_INFINITY;
  }

  add(party: Party): void {
    this.#parties.add(party);
  }

  remove(party: Party): void {
    this.#parties.delete(party);
  }

  /** Takes these bytes from the party's share. False, and takes nothing, if they are not there. */
  take(party: Party, length: number, elapsed: number): boolean {
    const share = this.#share;
    // A clock that was set back earns nothing.
    const sinceMs = elapsed > party.at ? elapsed - party.at : 0;
    party.at = elapsed;
    if (share === Number.POSITIVE_INFINITY) {
      party.left = 0;
      return true;
    }
    const most = (share * relayLimits.relayShareBurstMs) / 1000;
    party.left = Math.min(most, party.left + (sinceMs * share) / 1000);
    if (party.left < length) return false;
    party.left -= length;
    return true;
  }

  /** Reckons the share again, from what was asked for in the milliseconds since the last time. */
  reckon(spanMs: number): void {
    const fading = 0.5 ** (spanMs / relayLimits.relayPaceHalfMs);
    const paces: number[] = [];
    let sum = 0;
    for (const party of this.#parties) {
      const pace = Math.max((party.asked * 1000) / spanMs, party.pace * fading);
      party.asked = 0;
      party.pace = pace < 1 ? 0 : pace;
      if (party.pace === 0) continue;
      paces.push(pace);
      sum += pace;
    }
    this.#share = sum <= this.#supply ? Number.POSITIVE_INFINITY : shareOf(this.#supply, paces);
  }
}

/** The largest share such that these paces, each cut off at the share, fit into the supply. Together they must ask for more than that. */
export function shareOf(supply: number, paces: Iterable<number>): number {
  const ascending = Float64Array.from(paces).sort();
  let left = supply;
  let count = ascending.length;
  for (const pace of ascending) {
    if (pace * count > left) break;
    left -= pace;
    count -= 1;
  }
  return count === 0 ? Number.POSITIVE_INFINITY : left / count;
}
