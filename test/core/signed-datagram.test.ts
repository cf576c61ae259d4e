import { createHmac } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import vectors from "../../conformance/vectors/signed-datagrams.json" with { type: "json" };
import { encodeMessage } from "../../core/wire/codec.ts";
import { wireLimits } from "../../core/wire/limits.ts";
import { readSignedDatagram } from "../../core/wire/signed-datagram.ts";
import { anyText } from "./any-text.ts";

const bytesOf = (text: string) => new TextEncoder().encode(text);
const macOf = (signed: string) =>
  createHmac("sha256", vectors.key).update(signed).digest().subarray(0, 16).toString("base64url");

describe("a signed datagram is read, its mac as it is stated", () => {
  for (const { why, method, payload, signed, mac, text } of vectors.read) {
    test(why, () => {
      expect(readSignedDatagram(bytesOf(text))).toEqual({ method, payload, signed, mac });
      expect(macOf(signed)).toBe(mac);
    });
  }
});

describe("what is not signed is ignored", () => {
  for (const { why, text } of vectors.ignored) {
    test(why, () => expect(readSignedDatagram(bytesOf(text))).toBeNull());
  }
  test("a datagram of more bytes than there may be", () => {
    const [{ text } = { text: "" }] = vectors.read;
    expect(readSignedDatagram(bytesOf(text.padStart(wireLimits.datagramBytes + 1, "m")))).toBeNull();
  });
  test("a payload longer than there may be, or a datagram that is too long in all", () => {
    const read = (method: string, length: number) => {
      const payload = btoa(JSON.stringify({ pad: "x".repeat((length / 4) * 3 - 10) }));
      expect(payload.length).toBe(length);
      return readSignedDatagram(bytesOf(`${method}:${payload}.${"A".repeat(22)}`));
    };
    expect(read("m", 996)).not.toBeNull();
    expect(read("m", 1_000)).toBeNull();
    expect(read("m".repeat(4), 996)).not.toBeNull();
    expect(read("m".repeat(5), 996)).toBeNull();
    expect(read("m", 1_004)).toBeNull();
  });

  test("bytes that are no text", () => {
    expect(readSignedDatagram(Uint8Array.of(0xe8, 0xff, 0xfe))).toBeNull();
  });
});

test("whatever is signed is read again", () => {
  fc.assert(
    fc.property(
      fc.stringMatching(/^[a-zA-Z_]{1,40}$/),
      fc.dictionary(anyText, fc.nat()),
      (method, payload) => {
        const signed = encodeMessage(method, payload);
        fc.pre(signed.length < wireLimits.datagramBytes - 64);
        const datagram = readSignedDatagram(bytesOf(`${signed}.${macOf(signed)}`));
        expect(datagram).toMatchObject({ method, signed, mac: macOf(signed) });
      },
    ),
  );
});

test("any bytes are a signed datagram or null, and never throw", () => {
  const [{ text } = { text: "" }] = vectors.read;
  const changed = fc
    .tuple(fc.nat(text.length - 1), fc.nat(255))
    .map(([at, byte]) => bytesOf(text).with(at, byte));
  const bytes = fc.oneof(fc.uint8Array({ maxLength: 1_100 }), anyText.map(bytesOf), changed);
  fc.assert(
    fc.property(bytes, (bytes) => {
      const datagram = readSignedDatagram(bytes);
      if (datagram) expect(`${datagram.signed}.${datagram.mac}`).toBe(new TextDecoder().decode(bytes));
    }),
    { numRuns: 2_000 },
  );
});
