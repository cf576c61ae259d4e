import { createHash } from "node:crypto";
import fc from "fast-check";
import { expect, test } from "vitest";
import { limits } from "../../core/limits.ts";
import {
  clearCodesOf,
  codeBook,
  codeBookBytes,
  homeOfLobby,
  isClear,
  lobbyIdAt,
  readLobbyId,
  slotsOf,
} from "../../core/lobby/lobby-id.ts";

/** A key stream for tests: any bytes do that look random. */
function bytesOf(seed: string): Uint8Array {
  return createHash("shake256", { outputLength: codeBookBytes }).update(seed).digest();
}

const book = codeBook(59_000, bytesOf("a secret"));
const place = fc.record({
  home: fc.integer({ min: 0, max: book.homes - 1 }),
  slot: fc.integer({ min: 0, max: slotsOf(book) - 1 }),
});

test("a code is read as it is, and in lower case too", () => {
  expect(readLobbyId("K3Y7Z")).toBe("K3Y7Z");
  expect(readLobbyId("k3y7z")).toBe("K3Y7Z");
  expect(readLobbyId("00000")).toBe("00000");
});

test("a code may have spaces around and in it, and letters that look like digits", () => {
  for (const typed of [" K3Y7Z", "K3Y7Z\n", "\tk3y 7z ", "K3Y\u00a07Z"])
    expect(readLobbyId(typed)).toBe("K3Y7Z");
  for (const typed of ["0A1B1", "OA1B1", "oaIbL", "OALBI", "0alBi"]) {
    expect(readLobbyId(typed)).toBe("0A1B1");
  }
  expect(["0A1B1", "OA1B1", "0AIB1", "0A1BL"].map(isClear)).toEqual([true, false, false, false]);
});

test("what cannot be a code is none", () => {
  for (const text of [
    "",
    "K3Y7",
    "K3Y7ZZ",
    "K3Y7-",
    "K3Y7É",
    "K3Y7\u200bZ",
    " ",
    "K3Y 7",
    "٠١٢٣٤",
    "__pro",
  ]) {
    expect(readLobbyId(text)).toBeNull();
  }
});

test("letters that only become 0-9A-Z in upper case are no part of a code", () => {
  for (const text of ["ABCß", "ABCﬁ", "ABCDı", "ABCDſ"]) expect(readLobbyId(text)).toBeNull();
});

test("any ASCII text is a code or null, and never throws", () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[\da-zA-Z_]{4,6}$/)), (text) => {
      const lobbyId = readLobbyId(text);
      if (/^[\da-hjkmnp-zA-HJKMNP-Z]{5}$/.test(text)) expect(lobbyId).toBe(text.toUpperCase());
      else if (lobbyId !== null) expect(isClear(lobbyId)).toBe(true);
    }),
    { numRuns: 1_000 },
  );
});

test("every slot of every home has a code, which leads back to the home", () => {
  fc.assert(
    fc.property(place, ({ home, slot }) => {
      const id = lobbyIdAt(book, home, slot);
      expect(homeOfLobby(book, id)).toBe(home);
    }),
    { numRuns: 2_000 },
  );
});

test("the codes that a home gives are its own, different, and clear", () => {
  const few = codeBook(1_000, bytesOf("many slots"));
  for (const home of [0, 7, 999]) {
    const codes = clearCodesOf(few, home);
    expect(codes.length).toBeGreaterThan(2 * limits.homeSockets);
    expect(new Set(codes).size).toBe(codes.length);
    for (const code of codes) expect([isClear(code), homeOfLobby(few, code)]).toEqual([true, home]);
  }
  expect(clearCodesOf(few, 1_000)).toEqual([]);
});

test("no two slots share a code", () => {
  const few = codeBook(36 ** 5 / 64, bytesOf("few slots"));
  const ids = Array.from({ length: 400 }, (_, home) =>
    Array.from({ length: slotsOf(few) }, (_, slot) => lobbyIdAt(few, home, slot)),
  ).flat();
  expect(new Set(ids).size).toBe(400 * 64);
});

test("any code leads to a home, or to none, and never throws", () => {
  const text = fc.stringMatching(/^[\dA-Z]{5}$/);
  fc.assert(
    fc.property(text, (id) => {
      const home = homeOfLobby(book, id);
      if (home !== null) expect(home >= 0 && home < book.homes).toBe(true);
    }),
    { numRuns: 2_000 },
  );
});

test("codes that are left over when each home has its share belong to none", () => {
  // One slot each, and four codes of ten left over.
  const wide = codeBook(Math.floor(36 ** 5 * 0.6), bytesOf("many left"));
  expect(slotsOf(wide)).toBe(1);
  const ids = Array.from({ length: 5_000 }, (_, i) =>
    (i * 12_011).toString(36).toUpperCase().padStart(5, "0"),
  );
  const homes = ids.map((id) => homeOfLobby(wide, id));
  homes.forEach((home, i) => {
    if (home !== null) expect(lobbyIdAt(wide, home, 0)).toBe(ids[i]);
  });
  // Six of ten, give or take five standard deviations.
  expect(Math.abs(homes.filter((home) => home !== null).length - 3_000)).toBeLessThan(175);
});

test("codes go round in each home for as long as a home of the largest deployment has clients to host", () => {
  expect(slotsOf(book)).toBeGreaterThanOrEqual(limits.homeSockets);
});

test("every byte of the key stream counts, wherever it lies in memory", () => {
  const random = bytesOf("a secret");
  const ids = (random: Uint8Array) => {
    const book = codeBook(59_000, random);
    return Array.from({ length: 20 }, (_, slot) => lobbyIdAt(book, 7, slot));
  };
  const around = new Uint8Array(3 + codeBookBytes + 3).fill(1);
  around.set(random, 3);
  expect(ids(around.subarray(3, 3 + codeBookBytes))).toEqual(ids(random));
  for (let round = 0; round < 6; round++) {
    const changed = random.map((byte, i) =>
      Math.floor((i / codeBookBytes) * 6) === round ? byte ^ 1 : byte,
    );
    expect(ids(changed), `round ${round}`).not.toEqual(ids(random));
    const swapped = random.map((byte, i) => (Math.floor((i / codeBookBytes) * 6) === round ? ~byte : byte));
    expect(ids(swapped), `round ${round}`).not.toEqual(ids(random));
  }
});

test("another secret makes other codes", () => {
  const other = codeBook(book.homes, bytesOf("another secret"));
  const same = Array.from({ length: 100 }, (_, slot) => slot).filter(
    (slot) => lobbyIdAt(book, 7, slot) === lobbyIdAt(other, 7, slot),
  );
  expect(same).toEqual([]);
});

test("neighbouring slots of one home have codes with nothing in common, and no place of a code prefers a character", () => {
  const counts = Array.from({ length: 5 }, () => new Map<string, number>());
  const wide = codeBook(10, bytesOf("wide"));
  for (let slot = 0; slot < 36 * 400; slot++) {
    [...lobbyIdAt(wide, 3, slot)].forEach((character, place) => {
      counts[place]?.set(character, (counts[place].get(character) ?? 0) + 1);
    });
  }
  for (const count of counts) {
    expect(count.size).toBe(36);
    // 400 each, give or take five standard deviations.
    for (const times of count.values()) expect(Math.abs(times - 400)).toBeLessThan(100);
  }
});
