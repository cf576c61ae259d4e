import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { clientIdBytes, macBytes, parseToken, sameText, tokenText } from "../../core/token.ts";
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
const home = fc.oneof(
  bytes(32).map((id) => Buffer.from(id).toString("hex")),
  fc.string({ minLength: 5, maxLength: 5, unit: fc.constantFrom(..."0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ") }),
);

test("whatever home, client id and mac a token is made of, they are read from it again", () => {
  fc.assert(
    fc.property(home, bytes(clientIdBytes), bytes(macBytes), (home, id, macOf) => {
      const [clientId, mac] = [encodeBase64Url(id), encodeBase64Url(macOf)];
      const signed = tokenText(home, clientId);
      expect(parseToken(`${signed}.${mac}`)).toEqual({ home, clientId, signed, mac });
    }),
  );
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
