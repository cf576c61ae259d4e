import fc from "fast-check";
import { expect, test } from "vitest";
import { drawLobbyId, lobbyIdBytes, readLobbyId } from "../../core/lobby/lobby-id.ts";

const random = fc.uint8Array({ minLength: lobbyIdBytes, maxLength: lobbyIdBytes });

test("a code is read as it is, and in lower case too", () => {
  expect(readLobbyId("K3Y7Z")).toBe("K3Y7Z");
  expect(readLobbyId("k3y7z")).toBe("K3Y7Z");
  expect(readLobbyId("00000")).toBe("00000");
});

test("what cannot be a code is none", () => {
  for (const text of [
    "",
    "K3Y7",
    "K3Y7ZZ",
    "K3Y7-",
    "K3Y7É",
    " K3Y7Z",
    "K3Y7Z\n",
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
      expect(readLobbyId(text)).toBe(/^[\da-zA-Z]{5}$/.test(text) ? text.toUpperCase() : null);
    }),
    { numRuns: 1_000 },
  );
});

test("whatever is drawn is a code", () => {
  fc.assert(
    fc.property(random, (bytes) => {
      const id = drawLobbyId(bytes);
      expect(readLobbyId(id)).toBe(id);
    }),
  );
  expect(drawLobbyId(new Uint8Array(lobbyIdBytes))).toBe("00000");
  expect(drawLobbyId(new Uint8Array(lobbyIdBytes).fill(255))).toHaveLength(5);
});

test("every byte of randomness makes a difference", () => {
  const draws = Array.from({ length: lobbyIdBytes }, (_, i) => {
    return drawLobbyId(new Uint8Array(lobbyIdBytes).with(i, 1));
  });
  expect(new Set([...draws, "00000"]).size).toBe(lobbyIdBytes + 1);
});

test("no place of a code prefers a character", () => {
  const counts = Array.from({ length: 5 }, () => new Map<string, number>());
  const draws = 36 * 400;
  for (const bytes of fc.sample(fc.noBias(random), { numRuns: draws, seed: 1 })) {
    [...drawLobbyId(bytes)].forEach((character, place) => {
      counts[place]?.set(character, (counts[place].get(character) ?? 0) + 1);
    });
  }
  for (const count of counts) {
    expect(count.size).toBe(36);
    // 400 each, give or take five standard deviations.
    for (const times of count.values()) expect(Math.abs(times - 400)).toBeLessThan(100);
  }
});
