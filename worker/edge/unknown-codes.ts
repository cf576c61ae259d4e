/**
 * A bound on questions about unknown codes, and names of dialects. To ask about one may create an object, which costs time, and a file under `npm start`.
 * So each isolate asks about few, whoever wants to know. Codes that it knows from open lobbies do not count.
 */
import { type Bucket, fill, newBucket, type Rate } from "../../core/allowance.ts";
import {
  type Outcome,
  ofOpenLobbies,
  type ProblemCode,
  type Refusal,
  refuseFor,
} from "../../core/problem.ts";
import { edgeLimits } from "./limits.ts";

const rate = (): Rate => {
  return { burst: edgeLimits.unknownCodeBurst, perSecond: edgeLimits.unknownCodesPerSecond };
};
/** By whose names they are (`guessedIn`), undefined for codes: what players of one ask uses up nothing of the others'. */
const buckets = new Map<string | undefined, Bucket>();
/** Codes of lobbies that were open at some time, so their objects exist anyway. The one used longest ago comes first. */
const known = new Set<string>();

/** One question about a code. It counts, unless its lobby was there (`open`), or no object was asked after all (`unasked`). */
export type Asking = { refusal: Refusal } | { refusal: null; ended(how: "open" | "unasked"): void };

/**
 * Counts a question about a code before it goes to the lobby's object. Returns a refusal if this isolate asked too many lately. Half of
 * what it may ask at once is kept for clients whose address has tried no wrong code lately (`isGuesser` is false).
 */
export function askFor(code: string, isGuesser: boolean, through?: string): Asking {
  const isKnown = known.has(code);
  const bucket = bucketOf(through);
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

function bucketOf(through: string | undefined): Bucket {
  const bucket = buckets.get(through) ?? newBucket(rate(), 0);
  buckets.set(through, bucket);
  return bucket;
}

/** Notes that an open lobby has this code. Later questions about it do not count. */
export function rememberOpen(code: string): void {
  known.delete(code);
  const [oldest] = known;
  if (known.size >= edgeLimits.codesRemembered && oldest !== undefined) known.delete(oldest);
  known.add(code);
}

/** Refusals after which nobody knows that no object was asked. */
const ofNoLobby: ReadonlySet<ProblemCode> = new Set<ProblemCode>(["no_such_lobby", "unavailable"]);

/**
 * How the question ended by what the client is told; null if it counts. The client's holder refuses much without asking the lobby: a
 * stranger must not use up the questions of others with that.
 */
export function endOf(outcome: Outcome<unknown>): "open" | "unasked" | null {
  if (outcome.ok || outcome.codes.some((code) => ofOpenLobbies.has(code))) return "open";
  return outcome.codes.some((code) => ofNoLobby.has(code)) ? null : "unasked";
}
