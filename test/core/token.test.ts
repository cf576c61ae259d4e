import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { clientIdBytes, homeShape, macBytes, parseToken, sameText, tokenText } from "../../core/token.ts";
import { encodeBase64Url } from "../../core/wire/base64.ts";
import tokens from "../vectors/tokens.json" with { type: "json" };
import { anyText } from "./any-text.ts";

describe("a token tells its home and its client", () => {
  for (const { why, home, clientId, token } of tokens.genuine) {
    test(why, () => {
      const mac = token.slice(-22);
      const signed = `${home}.${clientId}`;
      expect(parseToken(token)).toEqual({ home, clientId, signed, mac });
      expect(tokenText(home, clientId)).toBe(signed);
    });
  }
});

describe("what does not have a token's shape is none", () => {
  for (const { why, text } of tokens.misshapen) {
    test(why, () => expect(parseToken(text)).toBeNull());
  }
});

const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
const home = fc.integer({ min: 0, max: 99_999_999 }).map(String);

test("whatever home, client id and mac a token is made of, they are read from it again", () => {
  fc.assert(
    fc.property(home, bytes(clientIdBytes), bytes(macBytes), (home, id, macOf) => {
      const [clientId, mac] = [encodeBase64Url(id), encodeBase64Url(macOf)];
      const signed = tokenText(home, clientId);
      expect(parseToken(`${signed}.${mac}`)).toEqual({ home, clientId, signed, mac });
    }),
  );
});

test("a home is a number below 100 million, written as numbers are, and no other text", () => {
  const text = fc.oneof(
    home,
    fc.string({ unit: fc.constantFrom(..."0123456789"), maxLength: 10 }),
    fc.string({ unit: fc.constantFrom(..."0017+-.eExa_ \n١１"), maxLength: 5 }),
  );
  fc.assert(
    fc.property(text, (text) => {
      const number = Number(text);
      const isHome = String(number) === text && Number.isInteger(number) && number >= 0 && number < 1e8;
      expect(homeShape.test(text)).toBe(isHome);
      expect(parseToken(`${text}.${"c".repeat(16)}.${"m".repeat(22)}`)?.home).toBe(isHome ? text : undefined);
    }),
    { numRuns: 5_000 },
  );
});

test("the longest token has 48 characters", () => {
  expect(Math.max(...tokens.genuine.map(({ token }) => token.length))).toBe(48);
  expect(parseToken(`${"9".repeat(9)}.${"c".repeat(16)}.${"m".repeat(22)}`)).toBeNull();
});

test("any text is a token that says exactly that, or null, and never throws", () => {
  const part = fc.string({ unit: fc.constantFrom(..."abcABC012-_.+/=:") });
  const text = fc.oneof(
    anyText,
    fc.tuple(part, part, part).map((parts) => parts.join(".")),
  );
  fc.assert(
    fc.property(text, (text) => {
      const token = parseToken(text);
      if (token) expect(`${token.home}.${token.clientId}.${token.mac}`).toBe(text);
    }),
    { numRuns: 2_000 },
  );
});

test("two texts are the same when they are equal, and only then", () => {
  expect(sameText("", "")).toBe(true);
  expect(sameText("a", "")).toBe(false);
  expect(sameText("abc", "abd")).toBe(false);
  expect(sameText("xbc", "abc")).toBe(false);
  expect(sameText("é", "è")).toBe(false);
  fc.assert(
    fc.property(fc.string(), fc.string(), (a, b) => {
      expect(sameText(a, a)).toBe(true);
      expect(sameText(a, b)).toBe(a === b);
    }),
  );
});
