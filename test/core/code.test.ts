import fc from "fast-check";
import { expect, test } from "vitest";
import {
  codeCharacters,
  codeCount,
  codeShape,
  codeWith,
  readCode,
  stemIn,
  stemOf,
} from "../../core/lobby/code.ts";

test("a code is read as it is, and in lower case too", () => {
  expect(readCode("K3Y7Z")).toBe("K3Y7Z");
  expect(readCode("k3y7z")).toBe("K3Y7Z");
  expect(readCode("00000")).toBe("00000");
});

test("a code may have spaces around and in it, and letters that look like digits", () => {
  for (const typed of [" K3Y7Z", "K3Y7Z\n", "\tk3y 7z ", "K3Y\u00a07Z"])
    expect(readCode(typed)).toBe("K3Y7Z");
  for (const typed of ["0A1B1", "OA1B1", "oaIbL", "OALBI", "0alBi"]) {
    expect(readCode(typed)).toBe("0A1B1");
  }
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
    expect(readCode(text)).toBeNull();
  }
});

test("letters that only become 0-9A-Z in upper case are no part of a code", () => {
  for (const text of ["ABCß", "ABCﬁ", "ABCDı", "ABCDſ"]) expect(readCode(text)).toBeNull();
});

test("any ASCII text is a code that lobbies can have, or null, and never throws", () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[\da-zA-Z_]{4,6}$/)), (text) => {
      const code = readCode(text);
      if (/^[\da-hjkmnp-zA-HJKMNP-Z]{5}$/.test(text)) expect(code).toBe(text.toUpperCase());
      else if (code !== null) expect(code).toMatch(codeShape);
    }),
    { numRuns: 1_000 },
  );
});

test("every number is a stem of four characters, the first and the last too, and no two are the same", () => {
  expect(stemOf(0)).toBe("0000");
  expect(stemOf(1 - 2 ** -32)).toBe("ZZZZ");
  const stems = Array.from({ length: 5_000 }, (_, i) => stemOf((i + 0.5) / codeCount));
  expect(new Set(stems).size).toBe(5_000);
});

test("a code is its stem and a check character, drawn evenly from all", () => {
  const counts = new Map<string, number>();
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 2 ** 32 - 1 }), (number) => {
      const hash = `${number.toString(16).padStart(8, "0")}ffff`;
      const code = codeWith("K3Y7", hash);
      expect(code).toMatch(codeShape);
      expect(stemIn(code)).toBe("K3Y7");
      expect(readCode(code)).toBe(code);
      counts.set(code, (counts.get(code) ?? 0) + 1);
    }),
    { numRuns: 3_300, seed: 1 },
  );
  expect(counts.size).toBe(codeCharacters.length);
});
