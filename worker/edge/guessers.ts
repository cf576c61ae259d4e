/**
 * Who guesses codes. Every code of no lobby counts: for the address that tried it, for the wider networks that it is in, and
 * for the deployment. A network that tried too many is told of none, not even of those that are right: a guesser who
 * was only refused when it guessed wrong would still learn of those. Sockets that were open before go on (`Guessing`).
 */
import type { Network } from "../../core/network.ts";
import { type Refusal, refuseFor } from "../../core/problem.ts";
import type { Env } from "../platform/env.ts";
import { logRefusal } from "../platform/log.ts";
import type { Guessing } from "../platform/ports.ts";
import { within } from "../platform/retry.ts";
import { countFull, countIn } from "./address-limits.ts";
import { edgeLimits } from "./limits.ts";

/** What an isolate knows of a network that tries codes of no lobby. Times are in milliseconds since 1970. */
type Guesser = {
  /** When the first of these codes came, and the last. */
  since: number;
  last: number;
  codes: number;
  /** Until when it is told nothing; 0 for never yet. */
  until: number;
};

/** By the network's name. The one that was heard of longest ago comes first. */
const guessers = new Map<string, Guesser>();
const periodMs = edgeLimits.addressPeriodS * 1000;
/** Until when the deployment has been asked for too many codes of no lobby: its networks have fewer then. */
let besiegedUntil = 0;

/** Since when one of these networks guesses, if it is to be told nothing. */
export function guessingOf(networks: readonly Network[]): Guessing | null {
  const now = Date.now();
  for (const { name } of networks) {
    const guesser = guessers.get(name);
    const seconds = Math.ceil(((guesser?.until ?? 0) - now) / 1000);
    // A longer wait than any that was ever set: the clock was set back.
    if (guesser && seconds > 0 && seconds <= edgeLimits.addressPeriodS)
      return { since: guesser.since, seconds };
  }
  return null;
}

/** Whether the address has lately tried a code of no lobby. */
export function hasGuessed([address]: readonly Network[]): boolean {
  const guesser = address && guessers.get(address.name);
  return guesser !== undefined && isRecent(guesser, Date.now());
}

/** Counts a code of no lobby, of an unknown address as well. A refusal if there were too many. */
export async function countFailedJoin(env: Env, networks: readonly Network[]): Promise<Refusal | null> {
  const [address] = networks.map(({ name }) => note(name));
  const all = { name: "all", shares: edgeLimits.failedJoinShares };
  const isWithin = await within(edgeLimits.addressPatienceMs, countIn(env, "FAILED_JOINS", all), true);
  if (!isWithin) {
    if (Date.now() >= besiegedUntil) logRefusal("codes_guessed");
    besiegedUntil = Date.now() + periodMs;
  }
  const full = await countFull(env, "FAILED_JOINS", networks);
  const isBesieged = Math.abs(besiegedUntil - Date.now()) <= periodMs;
  const isOver = isBesieged && address !== undefined && address.codes > edgeLimits.besiegedFailedJoins;
  const guesser = full ? note(full.name, 0) : isOver ? address : null;
  if (!guesser) return null;
  const now = Date.now();
  // The codes that were too many came within one period: who was there before them need not be one of the guessers.
  if (guesser.until <= now) guesser.since = Math.max(guesser.since, now - periodMs);
  guesser.until = now + periodMs;
  return refuseFor(edgeLimits.addressPeriodS);
}

/** Notes so many codes of a network. */
function note(name: string, codes = 1): Guesser {
  const now = Date.now();
  const known = guessers.get(name);
  const guesser = known && isRecent(known, now) ? known : { since: now, last: now, codes: 0, until: 0 };
  guesser.codes += codes;
  guesser.last = now;
  guessers.delete(name);
  const [oldest] = guessers.keys();
  if (guessers.size >= edgeLimits.guessersRemembered && oldest !== undefined) guessers.delete(oldest);
  guessers.set(name, guesser);
  return guesser;
}

/** Whether it has not been quiet for a whole period. */
function isRecent({ last, until }: Guesser, now: number): boolean {
  return Math.abs(now - last) < periodMs || (until > now && until <= now + periodMs);
}
