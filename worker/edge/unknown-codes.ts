/**
 * A bound on questions about unknown codes. To ask about one may create an object, which costs time, and a file under `npm start`.
 * So each isolate asks about few, whoever wants to know. Codes that it knows from open lobbies do not count.
 */
import { fill, newBucket, type Rate } from "../../core/allowance.ts";
import { type Outcome, type ProblemCode, type Refusal, refuseFor } from "../../core/problem.ts";
import { edgeLimits } from "./limits.ts";

const rate = (): Rate => {
  return { burst: edgeLimits.unknownCodeBurst, perSecond: edgeLimits.unknownCodesPerSecond };
};
const bucket = newBucket(rate(), 0);
/** Codes of lobbies that were open at some time, so their objects exist anyway. The one used longest ago comes first. */
const known = new Set<string>();

/** One question about a code. It counts, unless its lobby was there (`open`), or no object was asked after all (`unasked`). */
export type Asking = { refusal: Refusal } | { refusal: null; ended(how: "open" | "unasked"): void };

/**
 * Counts a question about a code before it goes to the lobby's object. Returns a refusal if this isolate asked too many lately. Half of
 * what it may ask at once is kept for clients whose address has tried no wrong code lately (`isGuesser` is false).
 */
export function askFor(code: string, isGuesser: boolean): Asking {
  const isKnown = known.has(code);
  const ended = (how: "open" | "unasked") => {
    if (!isKnown) bucket.left = Math.min(rate().burst, bucket.left + 1);
    if (how === "open") rememberOpen(code);
  };
  if (isKnown) return { refusal: null, ended };
  fill(bucket, rate(), Date.now());
  const kept = isGuesser ? rate().burst / 2 : 0;
  if (bucket.left < 1 + kept)
    return { refusal: refuseFor(Math.ceil((1 + kept - bucket.left) / rate().perSecond)) };
  bucket.left -= 1;
  return { refusal: null, ended };
}

/** Notes that an open lobby has this code. Later questions about it do not count. */
export function rememberOpen(code: string): void {
  known.delete(code);
  const [oldest] = known;
  if (known.size >= edgeLimits.codesRemembered && oldest !== undefined) known.delete(oldest);
  known.add(code);
}

/** Refusals that only an open lobby gives. They show that the code is right. */
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
/** Refusals after which nobody knows that no object was asked. */
const ofNoLobby: ReadonlySet<ProblemCode> = new Set<ProblemCode>(["no_such_lobby", "unavailable"]);

/**
 * How the question ended by what the client is told; null if it counts. The client's holder refuses much without asking the lobby: a
 * stranger must not use up the questions of others with that.
 */
export function endOf(outcome: Outcome<unknown>): "open" | "unasked" | null {
  if (outcome.ok || outcome.codes.some((code) => ofLobbies.has(code))) return "open";
  return outcome.codes.some((code) => ofNoLobby.has(code)) ? null : "unasked";
}
