import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  clientIdBytes,
  macBytes,
  maskHolder,
  parseToken,
  sameText,
  tokenText,
  unmaskHolder,
} from "../../core/token.ts";
import { encodeBase64Url } from "../../core/wire/base64.ts";
import tokens from "../vectors/tokens.json" with { type: "json" };
import { anyText } from "./any-text.ts";

describe("a token tells its client, and its masked holder", () => {
  for (const { why, masked, clientId, token } of tokens.genuine) {
    test(why, () => {
      const mac = token.slice(-22);
      const signed = `${masked}.${clientId}`;
      expect(parseToken(token)).toEqual({ masked, clientId, signed, mac });
      expect(tokenText(masked, clientId)).toBe(signed);
    });
  }
});

describe("what does not have a token's shape is none", () => {
  for (const { why, text } of tokens.misshapen) {
    test(why, () => expect(parseToken(text)).toBeNull());
  }
});

const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
const name = fc.stringMatching(/^[\w:-]{2,32}$/);

test("whatever name, client id and mac a token is made of, they are read from it again", () => {
  fc.assert(
    fc.property(name, bytes(32), bytes(clientIdBytes), bytes(macBytes), (holder, mask, id, macOf) => {
      const [clientId, mac] = [encodeBase64Url(id), encodeBase64Url(macOf)];
      const masked = maskHolder(holder, mask);
      const signed = tokenText(masked, clientId);
      expect(parseToken(`${signed}.${mac}`)).toEqual({ masked, clientId, signed, mac });
      expect(unmaskHolder(masked, mask)).toBe(holder);
    }),
  );
});

test("a name is not to be seen in its masked form, and under another mask it is another or none", () => {
  fc.assert(
    fc.property(bytes(32), bytes(32), (mask, other) => {
      const masked = maskHolder("K7Q2M", mask);
      if (mask.slice(0, 5).some((byte) => byte !== 0))
        expect(atob(masked.replaceAll("-", "+").replaceAll("_", "/"))).not.toBe("K7Q2M");
      if (mask.slice(0, 5).join() !== other.slice(0, 5).join())
        expect(unmaskHolder(masked, other)).not.toBe("K7Q2M");
    }),
  );
});

test("whatever is under the mask, it is a name or null, and nothing throws", () => {
  fc.assert(
    fc.property(anyText, bytes(32), (text, mask) => {
      const holder = unmaskHolder(text, mask);
      if (holder !== null) expect(maskHolder(holder, mask)).toBe(text);
    }),
    { numRuns: 2_000 },
  );
});

test("tokens of lounges and of coded lobbies have at most 48 characters, and none has more than 83", () => {
  const lengths = (some: RegExp) =>
    tokens.genuine.filter(({ holder }) => some.test(holder)).map(({ token }) => token.length);
  expect(Math.max(...lengths(/^l\d+$|^[0-9A-Z]{5}$/))).toBe(48);
  expect(Math.max(...lengths(/./))).toBe(83);
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
      if (token) expect(`${token.masked}.${token.clientId}.${token.mac}`).toBe(text);
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
