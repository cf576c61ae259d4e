/**
 * A lobby's code: what players tell each other, and the name of the lobby's object. Four characters are drawn
 * at random. The fifth is a keyed check of them, so the Worker answers 32 of 33 guesses, and most typing
 * mistakes, without an object. Lobbies of dialects have names in the place of codes (core/dialects/names.ts).
 */
import { parseName } from "../dialects/names.ts";

/** The digits and letters that nobody mistakes for one another: no I, L or O. */
export const codeCharacters = "0123456789ABCDEFGHJKMNPQRSTUVWXYZ";
const stemLength = 4;
/** Codes in all: each stem has one check character. */
export const codeCount = codeCharacters.length ** stemLength;
const typedShape = /^[0-9A-Za-z]{5}$/;
/** What `readCode` returns. */
export const codeShape = new RegExp(`^[${codeCharacters}]{5}$`);

/**
 * The code that people meant by what they typed, or null if it cannot be one. Lower case and spaces are fine.
 * O counts as 0, I and L count as 1: people read codes aloud, and no lobby gets a code with those letters.
 */
export function readCode(text: string): string | null {
  const typed = text.replace(/\s/g, "");
  return typedShape.test(typed) ? typed.toUpperCase().replaceAll("O", "0").replace(/[IL]/g, "1") : null;
}

/** What a lobby's object is called by what a client says: a dialect's name, or the code that was meant. Null if it can be neither. */
export function readLobbyId(text: string): string | null {
  return parseName(text) ? text : readCode(text);
}

/** Whether a lobby's object can have this name. */
export function isLobbyId(text: string): boolean {
  return codeShape.test(text) || parseName(text) !== null;
}

/** The first four characters of a new code. `random` is from 0 up to 1. `characters`: those of a dialect's codes, if it has others. */
export function stemOf(random: number, characters = codeCharacters): string {
  let value = Math.floor(random * characters.length ** stemLength);
  let stem = "";
  for (let place = 0; place < stemLength; place++) {
    stem = (characters[value % characters.length] ?? "") + stem;
    value = Math.floor(value / characters.length);
  }
  return stem;
}

/** The code with this stem. `hash` is a keyed hash of the stem, at least 8 hexadecimal digits. */
export function codeWith(stem: string, hash: string, characters = codeCharacters): string {
  return stem + (characters[Number.parseInt(hash.slice(0, 8), 16) % characters.length] ?? "");
}

/** The part of a code that its check character is made from. */
export function stemIn(code: string): string {
  return code.slice(0, stemLength);
}
