/**
 * A lobby's code: what players tell each other, and the name of the lobby's object. Four characters are drawn
 * at random. The fifth is a keyed check of them, so the Worker answers 32 of 33 guesses, and most typing
 * mistakes, without an object.
 */

/** The digits and letters that nobody mistakes for one another: no I, L or O. */
export const codeCharacters = "0123456789ABCDEFGHJKMNPQRSTUVWXYZ";
const stemLength = 4;
/** Codes in all: each stem has one check character. */
export const codeCount = codeCharacters.length ** stemLength;
const typedShape = /^[0-9A-Za-z]{5}$/;
/** What `readCode` returns: also the shape of a lobby object's name. */
export const codeShape = new RegExp(`^[${codeCharacters}]{5}$`);

/**
 * The code that people meant by what they typed, or null if it cannot be one. Lower case and spaces are fine.
 * O counts as 0, I and L count as 1: people read codes aloud, and no lobby gets a code with those letters.
 */
export function readCode(text: string): string | null {
  const typed = text.replace(/\s/g, "");
  return typedShape.test(typed) ? typed.toUpperCase().replaceAll("O", "0").replace(/[IL]/g, "1") : null;
}

/** The first four characters of a new code. `random` is from 0 up to 1. */
export function stemOf(random: number): string {
  let value = Math.floor(random * codeCount);
  let stem = "";
  for (let place = 0; place < stemLength; place++) {
    stem = (codeCharacters[value % codeCharacters.length] ?? "") + stem;
    value = Math.floor(value / codeCharacters.length);
  }
  return stem;
}

/** The code with this stem. `hash` is a keyed hash of the stem, at least 8 hexadecimal digits. */
export function codeWith(stem: string, hash: string): string {
  return stem + (codeCharacters[Number.parseInt(hash.slice(0, 8), 16) % codeCharacters.length] ?? "");
}

/** The part of a code that its check character is made from. */
export function stemIn(code: string): string {
  return code.slice(0, stemLength);
}
