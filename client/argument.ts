/** Checks of a game's values. JavaScript has no types: a wrong one must fail at once, with a stable code. */
import type { ProblemCode } from "../core/problem.ts";
import { OrionError } from "./error.ts";

/** A mistake of the game's author; the sentence says which. */
export function argumentError(sentence: string): OrionError {
  return new OrionError("invalid_argument", sentence);
}

/**
 * Throws `invalid_argument` unless these are options: an object, its `signal` an AbortSignal if there is one.
 */
export function checkOptions(options: unknown, call: string): void {
  if (typeof options !== "object" || options === null)
    throw argumentError(`${call} takes an object of options.`);
  if ("signal" in options && (options.signal ?? undefined) !== undefined && !isSignal(options.signal))
    throw argumentError(`The signal of ${call} must be an AbortSignal.`);
}

/** One from another realm, or a polyfill's, is one as well. */
function isSignal(signal: unknown): boolean {
  return (
    typeof signal === "object" &&
    signal !== null &&
    "aborted" in signal &&
    "addEventListener" in signal &&
    typeof signal.addEventListener === "function"
  );
}

export type Field = [value: unknown, type: "string" | "number" | "boolean" | "object", code: ProblemCode];

/** Throws the server's own codes for values of a wrong type. The server itself checks their bounds, and has their sentences. */
export function checkTypes(fields: readonly Field[]): void {
  const wrong = fields.filter(([value, type]) => typeof value !== type || value === null);
  const [first, ...more] = new Set(wrong.map(([, , code]) => code));
  if (first === undefined) return;
  const sentences = wrong.map(([, type, code]) => `The value must be of type ${type} (${code}).`);
  throw new OrionError([first, ...more], [...new Set(sentences)].join(" "));
}
