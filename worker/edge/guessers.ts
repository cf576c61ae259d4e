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
import { remember } from "./remembered.ts";

/** What an isolate knows of a network that tries codes of no lobby. Times are in milliseconds since 1970. */
type Guesser = {
  /** When the first of these codes came, and the last. */
  since: number;
  last: number;
  /** Codes of no lobby, but for those that it may have tried in the time that passed: `besiegedFailedJoins` a minute for each share. */
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

/**
 * Whether the address has lately tried a code of no lobby, or a network around it that one owner may have all of more than its
 * shares: ever new addresses of one /48 are no newcomers.
 */
export function hasGuessed(networks: readonly Network[]): boolean {
  const now = Date.now();
  return ofOneOwner(networks).some(({ name, shares }, i) => {
    const guesser = guessers.get(name);
    return guesser !== undefined && isRecent(guesser, now) && (i === 0 || guesser.codes > shares);
  });
}

/** All but a provider's /32, in which many strangers are. */
function ofOneOwner(networks: readonly Network[]): readonly Network[] {
  return networks.filter(({ name }) => !name.endsWith("/32"));
}

/** Counts a code of no lobby, of an unknown address as well. A refusal if there were too many. */
export async function countFailedJoin(env: Env, networks: readonly Network[]): Promise<Refusal | null> {
  const counted = ofOneOwner(networks).map((network) => ({ network, guesser: note(network) }));
  const all = { name: "all", shares: edgeLimits.failedJoinShares };
  const isWithin = await within(edgeLimits.addressPatienceMs, countIn(env, "FAILED_JOINS", all), true);
  if (!isWithin) {
    if (Date.now() >= besiegedUntil) logRefusal("codes_guessed");
    besiegedUntil = Date.now() + periodMs;
  }
  const full = await countFull(env, "FAILED_JOINS", networks);
  const besiegedForMs = besiegedUntil - Date.now();
  // A longer time than was ever set: the clock was set back.
  const isBesieged = besiegedForMs > 0 && besiegedForMs <= periodMs;
  const over = counted.find(
    ({ network, guesser }) => guesser.codes > edgeLimits.besiegedFailedJoins * network.shares,
  );
  const guesser = full ? note(full, 0) : isBesieged ? over?.guesser : null;
  if (!guesser) return null;
  const now = Date.now();
  // The codes that were too many came within one period: who was there before them need not be one of the guessers.
  if (guesser.until <= now) guesser.since = Math.max(guesser.since, now - periodMs);
  guesser.until = now + periodMs;
  return refuseFor(edgeLimits.addressPeriodS);
}

/** Notes so many codes of a network. */
function note({ name, shares }: Network, codes = 1): Guesser {
  const now = Date.now();
  const known = guessers.get(name);
  const guesser = known && isRecent(known, now) ? known : { since: now, last: now, codes: 0, until: 0 };
  const forgotten = (Math.abs(now - guesser.last) / periodMs) * edgeLimits.besiegedFailedJoins * shares;
  guesser.codes = Math.max(0, guesser.codes - forgotten) + codes;
  guesser.last = now;
  remember(guessers, name, guesser, edgeLimits.guessersRemembered);
  return guesser;
}

/** Whether it has not been quiet for a whole period. */
function isRecent({ last, until }: Guesser, now: number): boolean {
  return Math.abs(now - last) < periodMs || (until > now && until <= now + periodMs);
}
