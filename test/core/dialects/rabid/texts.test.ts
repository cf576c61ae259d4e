/** What a datagram of Rabid says, by the vectors of test/vectors/rabid.json, and for any bytes. */
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  errorText,
  infoText,
  type NamedEndpoint,
  type RabidError,
  readRequest,
  startText,
} from "../../../../core/dialects/rabid/texts.ts";

type Vectors = {
  requests: { text?: string; hex?: string; is: object }[];
  answers: {
    info: { names: string[]; text: string }[];
    error: { code: RabidError; text: string }[];
    start: { port: number; others: NamedEndpoint[]; text: string }[];
  };
};

const path = new URL("../../../vectors/rabid.json", import.meta.url);
const vectors = JSON.parse(readFileSync(path, "utf8")) as Vectors;

describe("A datagram", () => {
  for (const { text, hex, is } of vectors.requests) {
    test(`${hex ?? JSON.stringify(text)} is ${JSON.stringify(is)}`, () => {
      const bytes = hex === undefined ? new TextEncoder().encode(text) : Buffer.from(hex, "hex");
      expect(readRequest(bytes)).toEqual(is);
    });
  }

  test("of any bytes is read, or is none", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        expect(readRequest(bytes)).toHaveProperty("kind");
      }),
    );
  });

  test("of any fields is a request only if each has its length and its characters", () => {
    const field = fc.oneof(fc.stringMatching(/^[A-Za-z0-9]{1,13}$/), fc.string({ maxLength: 13 }));
    fc.assert(
      fc.property(fc.constantFrom(..."hcpkxsy"), fc.array(field, { maxLength: 5 }), (type, fields) => {
        const text = [type, ...fields].join(":");
        const request = readRequest(new TextEncoder().encode(text));
        if (!("session" in request)) return;
        const [, session = "", player = ""] = text.replace(/\n$/, "").split(":");
        expect(request).toMatchObject({ session, player });
        expect(session).toMatch(/^[A-Za-z0-9]{1,10}$/);
        expect(player).toMatch(/^[A-Za-z0-9]{1,12}$/);
        const password = "password" in request ? request.password : undefined;
        if (password !== undefined) expect(password).toMatch(/^[A-Za-z0-9]{1,12}$/);
      }),
    );
  });
});

describe("An answer", () => {
  test.each(vectors.answers.info)("with the names $names is $text", ({ names, text }) => {
    expect(infoText(names)).toBe(text);
  });

  test.each(vectors.answers.error)("with the error $code is $text", ({ code, text }) => {
    expect(errorText(code)).toBe(text);
  });

  test.each(vectors.answers.start)("with the start is $text", ({ port, others, text }) => {
    expect(startText(port, others)).toBe(text);
  });
});
