/** The keys of the operator's view: which texts can be one. Nobody can tell whether a key was drawn at random, but a short one was not. */

/** Characters of the shortest: 16 random bytes in base64url. */
export const shortestOperatorKey = 22;

export type OperatorKeyName = "ORION_OPERATOR_KEY" | "ORION_OPERATOR_WRITE_KEY";

/** What is wrong with a key, in a sentence without it; null if nothing is. `others`: secrets that it must not be the same as. */
export function operatorKeyMistake(
  name: OperatorKeyName,
  key: string,
  others: readonly string[] = [],
): string | null {
  if (key.length < shortestOperatorKey)
    return `${name} is shorter than ${shortestOperatorKey} characters: draw 16 random bytes or more.`;
  if (/[^!-~]/.test(key))
    return `${name} has characters that a header cannot have: use letters, digits, - and _.`;
  return others.includes(key) ? `${name} is the same as ORION_SECRET: draw another one.` : null;
}
