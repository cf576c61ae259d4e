/**
 * Networks that guess codes. A wrong code counts for the address that tried it, for the wider networks around that address, and
 * for the deployment. A network that tried too many gets no answer about any code, not even a right one: a refusal of wrong
 * codes alone would show which codes are right. Sockets that were open before the guessing began go on (`Guessing`).
 * All networks here are those of `guessingNetworks`: a thief of a sidecar's key names any address, and must not lock it out of Orion's codes.
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
  /** Codes of no lobby. The count falls by `besiegedFailedJoins` a minute for each share. */
  codes: number;
  /** It is told nothing until then; 0 if it never was refused. */
  until: number;
};

/** By the network's name. The one that tried a code longest ago comes first. */
const guessers = new Map<string, Guesser>();
const periodMs = edgeLimits.addressPeriodS * 1000;
/**
 * Until then each network may try fewer codes, because the whole deployment was asked for too many. Milliseconds since 1970; by whose names were
 * tried (`guessedIn`), undefined for codes: whoever tries names at one sidecar leaves all other players alone.
 */
const besiegedUntil = new Map<string | undefined, number>();

/** How long one of these networks is told nothing, and since when it guesses. Null if none of them is refused. */
export function guessingOf(networks: readonly Network[]): Guessing | null {
  const now = Date.now();
  for (const { name } of networks) {
    const guesser = guessers.get(name);
    const seconds = Math.ceil(((guesser?.until ?? 0) - now) / 1000);
    // If the wait is longer than any that this code sets, the clock was set back.
    if (guesser && seconds > 0 && seconds <= edgeLimits.addressPeriodS)
      return { since: guesser.since, seconds };
  }
  return null;
}

/**
 * Whether the address has lately tried a code of no lobby. Also true if a wider network around it, which may belong to one owner,
 * has tried more codes than it has shares: an attacker with a /48 must not pass as a newcomer at each new address.
 */
export function hasGuessed(networks: readonly Network[]): boolean {
  const now = Date.now();
  return ofOneOwner(networks).some(({ name, shares }, i) => {
    const guesser = guessers.get(name);
    return guesser !== undefined && isRecent(guesser, now) && (i === 0 || guesser.codes > shares);
  });
}

/** Without the provider's /32, which many strangers share. */
function ofOneOwner(networks: readonly Network[]): readonly Network[] {
  return networks.filter(({ name }) => !name.endsWith("/32"));
}

/** Counts a code of no lobby, or a name (`guessedIn`), also from an unknown address. Returns a refusal if there were too many. */
export async function countFailedJoin(
  env: Env,
  networks: readonly Network[],
  through?: string,
): Promise<Refusal | null> {
  const over = noteEach(ofOneOwner(networks));
  const all = {
    name: through === undefined ? "all" : `all of ${through}`,
    shares: edgeLimits.failedJoinShares,
  };
  const isWithin = await within(edgeLimits.addressPatienceMs, countIn(env, "FAILED_JOINS", all), true);
  if (!isWithin) {
    if (Date.now() >= (besiegedUntil.get(through) ?? 0)) {
      const [dialect, sidecar] = through?.split(" ") ?? [];
      logRefusal("codes_guessed", { dialect, sidecar });
    }
    besiegedUntil.set(through, Date.now() + periodMs);
  }
  const full = await countFull(env, "FAILED_JOINS", networks);
  const besiegedForMs = (besiegedUntil.get(through) ?? 0) - Date.now();
  // If the time is longer than any that this code sets, the clock was set back.
  const isBesieged = besiegedForMs > 0 && besiegedForMs <= periodMs;
  const guesser = full ? note(full, 0) : isBesieged ? over : null;
  if (!guesser) return null;
  const now = Date.now();
  // All these codes came within one period. A client that connected before it need not be one of the guessers.
  if (guesser.until <= now) guesser.since = Math.max(guesser.since, now - periodMs);
  guesser.until = now + periodMs;
  return refuseFor(edgeLimits.addressPeriodS);
}

/**
 * Adds a code to the count of each network, up to the first that has tried more than it may in a siege. Returns that one, or null. Further
 * codes of it do not count for the wider networks, so one address never uses up what its neighbours may try.
 */
function noteEach(networks: readonly Network[]): Guesser | null {
  for (const network of networks) {
    const guesser = note(network);
    if (guesser.codes > edgeLimits.besiegedFailedJoins * network.shares) return guesser;
  }
  return null;
}

/** Adds codes to the count of a network. */
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

/** Whether it tried a code within the last period, or is still refused. */
function isRecent({ last, until }: Guesser, now: number): boolean {
  return Math.abs(now - last) < periodMs || (until > now && until <= now + periodMs);
}
