/**
 * Codes that no lobby has. To ask about one may create an object, which costs time, and a file under `npm start`. So each
 * isolate asks about so many only, whoever guesses. Codes that it has met as those of lobbies do not count.
 */
import { fill, newBucket, type Rate } from "../../core/allowance.ts";
import { type Outcome, type ProblemCode, type Refusal, refuseFor } from "../../core/problem.ts";
import { edgeLimits } from "./limits.ts";

const rate = (): Rate => {
  return { burst: edgeLimits.unknownCodeBurst, perSecond: edgeLimits.unknownCodesPerSecond };
};
const bucket = newBucket(rate(), 0);
/** Codes of lobbies that were open some time: their objects were made by hosts. The longest known comes first. */
const known = new Set<string>();

/** One question about a code. `answered` says that its lobby was there: then the question did not count. */
export type Asking = { refusal: Refusal } | { refusal: null; answered(): void };

/**
 * Counts a code that a lobby object is about to be asked for. A refusal, if this isolate asked for too many lately. Half of what
 * it may ask at once is kept for those whose address has tried no wrong code lately (`isGuesser`).
 */
export function askFor(code: string, isGuesser: boolean): Asking {
  if (known.has(code)) return { refusal: null, answered: () => rememberOpen(code) };
  fill(bucket, rate(), Date.now());
  const kept = isGuesser ? rate().burst / 2 : 0;
  if (bucket.left < 1 + kept)
    return { refusal: refuseFor(Math.ceil((1 + kept - bucket.left) / rate().perSecond)) };
  bucket.left -= 1;
  const answered = () => {
    bucket.left = Math.min(rate().burst, bucket.left + 1);
    rememberOpen(code);
  };
  return { refusal: null, answered };
}

/** The code is that of an open lobby: later questions about it do not count. */
export function rememberOpen(code: string): void {
  known.delete(code);
  const [oldest] = known;
  if (known.size >= edgeLimits.codesRemembered && oldest !== undefined) known.delete(oldest);
  known.add(code);
}

/** Refusals that only a lobby gives: then there is one of this code. */
const ofLobbies: ReadonlySet<ProblemCode> = new Set<ProblemCode>([
  "lobby_locked",
  "lobby_full",
  "name_taken",
  "too_few_members",
  "not_the_host",
  "not_mediating",
  "returned_too_often",
  "no_sidecar",
  "old_term",
  "not_a_member",
  "banned",
  "password_needed",
  "wrong_password",
  "locked_by_host",
  "wrong_resume_key",
  "resume_key_used",
  "no_such_member",
  "no_such_ban",
  "max_members_too_low",
  "wrong_version",
  "data_too_large",
  "no_snapshot",
]);

/** Whether the outcome shows that the lobby is open. */
export function showsLobby(outcome: Outcome<unknown>): boolean {
  return outcome.ok || outcome.codes.some((code) => ofLobbies.has(code));
}
