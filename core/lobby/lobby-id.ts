/**
 * A lobby's id is the code players tell each other: 5 of 0-9A-Z without I, L and O. It says where the lobby lives (which
 * home, and which of the home's slots), but only to those who have the deployment's secret: it shuffles all codes.
 */

const digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const length = 5;
const codes = digits.length ** length;
const shape = /^[0-9A-Za-z]{5}$/;

/**
 * The id that people meant by what they typed, or null if it cannot be one. Lower case and spaces are fine. O counts as 0,
 * I and L count as 1: people read codes aloud, and no lobby gets a code with those letters.
 */
export function readLobbyId(text: string): string | null {
  const typed = text.replace(/\s/g, "");
  return shape.test(typed) ? typed.toUpperCase().replaceAll("O", "0").replace(/[IL]/g, "1") : null;
}

/** Whether people can pass this code on without mistaking a letter for a digit. */
export function isClear(lobbyId: string): boolean {
  return readLobbyId(lobbyId) === lobbyId;
}

/**
 * How codes and places belong together: a Feistel network over 26 bits, whose round functions are tables of keyed
 * random numbers (Luby and Rackoff, 1988: four rounds of random functions are a random permutation).
 */
export type CodeBook = {
  /** Homes in the deployment. */
  readonly homes: number;
  readonly rounds: readonly Uint16Array[];
};

const halfBits = 13;
const halfMask = 2 ** halfBits - 1;
const roundCount = 6;

/** Bytes of keyed randomness a code book is made of. */
export const codeBookBytes = roundCount * 2 ** halfBits * Uint16Array.BYTES_PER_ELEMENT;

/** The book of a deployment with this many homes. `random` has `codeBookBytes` bytes, the same for the same secret. */
export function codeBook(homes: number, random: Uint8Array): CodeBook {
  const numbers = new DataView(random.buffer, random.byteOffset, codeBookBytes);
  const rounds = Array.from({ length: roundCount }, (_, round) =>
    Uint16Array.from(
      { length: halfMask + 1 },
      (_, i) => numbers.getUint16(2 * (round * (halfMask + 1) + i)) & halfMask,
    ),
  );
  return { homes, rounds };
}

/** Lobbies that have a code of their own in one home. */
export function slotsOf({ homes }: CodeBook): number {
  return Math.floor(codes / homes);
}

/** The code of a home's slot. */
export function lobbyIdAt(book: CodeBook, home: number, slot: number): string {
  let value = home * slotsOf(book) + slot;
  // A code is one of 36^5, a little less than 2^26: what falls outside is shuffled again until it falls inside.
  do value = shuffle(book, value);
  while (value >= codes);
  return value.toString(digits.length).toUpperCase().padStart(length, "0");
}

/** Slots that a home gives codes from, at most: two thirds of their codes are clear, and they are quick to look through. */
const mostSlots = 4_096;

/** The codes that a home gives its lobbies, in a fixed order: those that people can pass on. */
export function clearCodesOf(book: CodeBook, home: number): string[] {
  // A deployment that has fewer homes than it had has no codes for those beyond.
  if (home >= book.homes) return [];
  const slots = Math.min(slotsOf(book), mostSlots);
  return Array.from({ length: slots }, (_, slot) => lobbyIdAt(book, home, slot)).filter(isClear);
}

/** The home of a code's lobby, if there is such a lobby; null if no home has this code. */
export function homeOfLobby(book: CodeBook, lobbyId: string): number | null {
  let value = Number.parseInt(lobbyId, digits.length);
  do value = unshuffle(book, value);
  while (value >= codes);
  const home = Math.floor(value / slotsOf(book));
  return home < book.homes ? home : null;
}

function shuffle({ rounds }: CodeBook, value: number): number {
  let [left, right] = [value >> halfBits, value & halfMask];
  for (const table of rounds) [left, right] = [right, left ^ (table[right] ?? 0)];
  return (left << halfBits) | right;
}

function unshuffle({ rounds }: CodeBook, value: number): number {
  let [left, right] = [value >> halfBits, value & halfMask];
  for (const table of rounds.toReversed()) [left, right] = [right ^ (table[left] ?? 0), left];
  return (left << halfBits) | right;
}
