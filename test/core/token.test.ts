import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  clientIdBytes,
  filterBytes,
  filteredText,
  hourOf,
  longestToken,
  macBytes,
  maskHolder,
  parseToken,
  sameText,
  unmaskHolder,
} from "../../core/token.ts";
import { encodeBase64Url } from "../../core/wire/base64.ts";
import tokens from "../vectors/tokens.json" with { type: "json" };
import { anyText } from "./any-text.ts";

describe("a token tells its client, and its masked holder", () => {
  for (const { why, masked, clientId, hour, token } of tokens.genuine) {
    test(why, () => {
      const [mac, filter, signed] = [token.slice(-22), token.slice(-34, -23), token.slice(0, -23)];
      const filtered = token.slice(0, -35);
      const parts = { masked, clientId, issuedHour: hour, filtered, filter, signed, mac };
      expect(parseToken(token)).toEqual(parts);
      expect(filteredText(masked, clientId, hour * 3_600_000)).toBe(filtered);
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
    fc.property(
      ...[name, bytes(32), bytes(clientIdBytes), fc.nat(2 ** 31 * 1_000)],
      ...[bytes(filterBytes), bytes(macBytes)],
      (holder, mask, id, now, filterOf, macOf) => {
        const [clientId, filter, mac] = [id, filterOf, macOf].map(encodeBase64Url);
        const masked = maskHolder(holder, mask);
        const filtered = filteredText(masked, clientId ?? "", now);
        const signed = `${filtered}.${filter}`;
        const parts = { masked, clientId, issuedHour: hourOf(now), filtered, filter, signed, mac };
        expect(parseToken(`${signed}.${mac}`)).toEqual(parts);
        expect(unmaskHolder(masked, mask)).toBe(holder);
      },
    ),
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

test("tokens of lounges and of coded lobbies have at most 65 characters, and none has more than 102", () => {
  const lengths = (some: RegExp) =>
    tokens.genuine.filter(({ holder }) => some.test(holder)).map(({ token }) => token.length);
  expect(Math.max(...lengths(/^l\d+$|^[0-9A-Z]{5}$/))).toBe(65);
  expect(Math.max(...lengths(/./))).toBe(longestToken);
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
      if (token) expect(`${token.signed}.${token.mac}`).toBe(text);
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
