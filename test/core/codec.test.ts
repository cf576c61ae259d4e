import fc from "fast-check";
import { describe, expect, test } from "vitest";
import messages from "../../conformance/vectors/messages.json" with { type: "json" };
import { decodeText, encodeBase64, encodeBase64Url, encodeText } from "../../core/wire/base64.ts";
import { decodeMessage, encodeMessage, parseObject } from "../../core/wire/codec.ts";
import { anyText } from "./any-text.ts";

describe("a message is written and read again", () => {
  for (const { why, method, payload, text } of messages.written) {
    test(why, () => {
      expect(encodeMessage(method, payload)).toBe(text);
      expect(decodeMessage(text)).toEqual({ method, payload });
    });
  }
});

describe("a message is read", () => {
  for (const { why, method, payload, text } of messages.read) {
    test(why, () => expect(decodeMessage(text)).toEqual({ method, payload }));
  }
});

describe("what is no message is ignored", () => {
  for (const { why, text } of messages.ignored) {
    test(why, () => expect(decodeMessage(text)).toBeNull());
  }
});

const method = fc.string({ minLength: 1 }).filter((text) => !text.includes(":"));
/** What JSON can carry: it knows no -0. */
const payload = fc.dictionary(anyText, fc.jsonValue()).map((value): object => {
  return JSON.parse(JSON.stringify(value));
});

test("half an emoji is replaced wherever it stands, and a whole one is kept", () => {
  for (const [json, text] of [
    ['"\\ud83c"', "\ufffd"],
    ['"a\\uDFB2b"', "a\ufffdb"],
    ['"\\udfb2\\ud83c"', "\ufffd\ufffd"],
    ['"\\ud83c\\udfb2"', "🎲"],
    ['"🎲\\ud83c"', "🎲\ufffd"],
  ] as const) {
    expect(parseObject(`{"message":${json}}`)).toEqual({ message: text });
    expect(parseObject(`{"peers":[{"timeline":[{"what":${json}}]}]}`)).toEqual({
      peers: [{ timeline: [{ what: text }] }],
    });
  }
  expect(parseObject('{"text":"\\\\ud83c"}')).toEqual({ text: "\\ud83c" });
});

test("whatever is written is read again", () => {
  fc.assert(
    fc.property(method, payload, (method, payload) => {
      expect(decodeMessage(encodeMessage(method, payload))).toEqual({ method, payload });
    }),
  );
});

test("whatever is written is read again without padding, and URL-safe", () => {
  fc.assert(
    fc.property(payload, (payload) => {
      const text = encodeMessage("m", payload);
      const unpadded = text.replaceAll("=", "");
      const urlSafe = text.replaceAll("+", "-").replaceAll("/", "_");
      for (const spelling of [unpadded, urlSafe, urlSafe.replaceAll("=", "")]) {
        expect(decodeMessage(spelling)).toEqual({ method: "m", payload });
      }
    }),
  );
});

test("what is written is ASCII: a colon, and standard base64 with padding", () => {
  fc.assert(
    fc.property(payload, (payload) => {
      expect(encodeMessage("m", payload)).toMatch(/^m:([\w+/]{4})*([\w+/]{2}==|[\w+/]{3}=)?$/);
    }),
  );
});

test("a payload keeps a key named __proto__ as its own, and gets no other prototype", () => {
  const payload = decodeMessage(`m:${btoa('{"__proto__":{"token":"theirs"},"constructor":1}')}`)?.payload;
  expect(payload?.token).toBeUndefined();
  expect(Object.getPrototypeOf(payload)).toBe(Object.prototype);
  expect(Object.keys(payload ?? {})).toEqual(["__proto__", "constructor"]);
});

test("any text is a message or null, and never throws", () => {
  const base64 = fc.oneof(
    fc.base64String(),
    anyText.map((text) => Buffer.from(text).toString("base64")),
    fc.json().map((json) => Buffer.from(json).toString("base64")),
    anyText,
  );
  const text = fc.oneof(
    anyText,
    fc.tuple(fc.string(), base64).map((parts) => parts.join(":")),
  );
  fc.assert(
    fc.property(text, (text) => {
      const message = decodeMessage(text);
      if (message === null) return;
      expect(text.startsWith(`${message.method}:`)).toBe(true);
      expect(message.method).not.toContain(":");
      expect(message.payload).toBeTypeOf("object");
    }),
    { numRuns: 2_000 },
  );
});

test("JSON nested deeper than any reader goes is an object or null, and never throws", () => {
  const deep = (open: string, close: string) => `${open.repeat(100_000)}1${close.repeat(100_000)}`;
  expect(parseObject(deep("[", "]"))).toBeNull();
  expect(() => parseObject(deep('{"a":', "}"))).not.toThrow();
});

test("any bytes are the base64 that Node makes of them, standard and URL-safe", () => {
  fc.assert(
    fc.property(fc.uint8Array(), (bytes) => {
      expect(encodeBase64(bytes)).toBe(Buffer.from(bytes).toString("base64"));
      expect(encodeBase64Url(bytes)).toBe(Buffer.from(bytes).toString("base64url"));
    }),
  );
});

test("any text is the base64 of its UTF-8, and comes back", () => {
  fc.assert(
    fc.property(anyText, (text) => {
      expect(encodeText(text)).toBe(Buffer.from(text).toString("base64"));
      expect(decodeText(encodeText(text))).toBe(text);
    }),
  );
});

test("any bytes are read as the text they are, or as nothing if they are no UTF-8", () => {
  const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  const read = (bytes: Uint8Array) => {
    try {
      return strict.decode(bytes);
    } catch {
      return null;
    }
  };
  fc.assert(
    fc.property(fc.uint8Array(), (bytes) => {
      expect(decodeText(Buffer.from(bytes).toString("base64"))).toBe(read(bytes));
    }),
  );
});
