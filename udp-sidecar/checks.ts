/**
 * Whose datagrams are checked. A check, with its HMACs, costs up to three times what it costs to receive a datagram. While this
 * thread has time to spare all are checked; and when it had none for a whole span, `checkingMs` of each further span's. Beyond
 * that, to the end of the span, those are left out that come from a network which has had its part: a flood from a few machines
 * costs little more than its reception. docs/decisions/008-floods-of-datagrams.md has the reasons and the figures.
 */
import { performance } from "node:perf_hooks";
import { addressBytes, plainAddress } from "../core/endpoint.ts";
import { sidecarLimits } from "./limits.ts";

/** In milliseconds, with fractions. */
export type ThreadTime = {
  /** Never set back. */
  now(): number;
  /** For how long this thread has had nothing to do so far. */
  idle(): number;
  /** From 0 to 1, at random. */
  random(): number;
};

/** Of a span, on the average: half as long, or half as much again, so that nobody who comes at even times is left out each time. */
const spanMs = 1_000;
const own: ThreadTime = {
  now: () => performance.now(),
  idle: () => performance.nodeTiming.idleTime,
  random: Math.random,
};

export class Checks {
  readonly #time: ThreadTime;
  #since = Number.NEGATIVE_INFINITY;
  #spanMs = spanMs;
  /** In the span before. A crowd that speaks at once keeps the thread busy for a while, but not to the end of a span. */
  #hadNoTime = false;
  #hasShed = false;
  #idleBefore = 0;
  #spentMs = 0;
  readonly #counts = new HeavyCounts(sidecarLimits.checkedNetworks);

  constructor(time: ThreadTime = own) {
    this.#time = time;
  }

  /** Does the check of a datagram that came from this address, or leaves it out. */
  run<Verdict>(address: string, check: () => Verdict): Verdict | "shed" {
    const began = this.#time.now();
    if (began - this.#since >= this.#spanMs) this.#beginAnew(began);
    const count = this.#counts.add(keyOf(address));
    const hasHadItsPart = count > sidecarLimits.networkChecks && this.#spentMs >= sidecarLimits.checkingMs;
    if (hasHadItsPart && this.#hadNoTime && this.#isBusy(began)) {
      this.#hasShed = true;
      return "shed";
    }
    const verdict = check();
    // One that took longer has waited for another program.
    this.#spentMs += Math.min(sidecarLimits.longestCheckMs, this.#time.now() - began);
    return verdict;
  }

  #beginAnew(now: number): void {
    // What was left out made time: without it there would have been none.
    const hadNoTime = this.#hasShed || this.#isBusy(now);
    this.#hadNoTime = now - this.#since < 2 * this.#spanMs && hadNoTime;
    this.#hasShed = false;
    this.#spanMs = spanMs * (0.5 + this.#time.random());
    this.#since = now;
    this.#idleBefore = this.#time.idle();
    this.#spentMs = 0;
    this.#counts.clear();
  }

  #isBusy(now: number): boolean {
    return this.#time.idle() - this.#idleBefore < (now - this.#since) * sidecarLimits.sparePart;
  }
}

/**
 * How often something came, of those that came often (Misra and Gries, 1982). Where there is no room for another, all lose one:
 * whatever the others are, a count is too low by one in `room` of all at most, and never too high.
 */
export class HeavyCounts {
  readonly #room: number;
  readonly #counts = new Map<string, number>();

  constructor(room: number) {
    this.#room = room;
  }

  /** Counts one more, and tells how many it has had. */
  add(key: string): number {
    const count = (this.#counts.get(key) ?? 0) + 1;
    if (count > 1 || this.#counts.size < this.#room) this.#counts.set(key, count);
    else this.#takeOneFromAll();
    return count;
  }

  clear(): void {
    this.#counts.clear();
  }

  /** As many as it goes through have come since it was last done: that is one step for each. */
  #takeOneFromAll(): void {
    for (const [key, count] of this.#counts) {
      if (count > 1) this.#counts.set(key, count - 1);
      else this.#counts.delete(key);
    }
  }
}

/** What an address counts as: itself, or of IPv6 its /64. For addresses as sockets spell them; core/network.ts takes any, and longer. */
function keyOf(address: string): string {
  if (address.startsWith("::ffff:") || !address.includes(":")) return address;
  return firstFour.exec(address)?.[0] ?? firstFourOf(addressBytes(plainAddress(address)) ?? []);
}
const firstFour = /^(?:[0-9a-f]+:){4}/;

/** The same spelling, where `::` stands for some of them. */
function firstFourOf(bytes: readonly number[]): string {
  const group = (i: number) => (((bytes[2 * i] ?? 0) << 8) | (bytes[2 * i + 1] ?? 0)).toString(16);
  return [0, 1, 2, 3].map((i) => `${group(i)}:`).join("");
}
