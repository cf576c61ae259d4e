import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseToken } from "../../core/token.ts";
import { readDatagram } from "../../core/wire/datagram.ts";
import datagrams from "../vectors/datagrams.json" with { type: "json" };
import { anyText } from "./any-text.ts";

const bytesOf = (hex: string) => Uint8Array.from(Buffer.from(hex, "hex"));

describe("a datagram's token is read", () => {
  for (const { why, hex, token } of datagrams.read) {
    test(why, () => {
      expect(readDatagram(bytesOf(hex))).not.toBeNull();
      expect(readDatagram(bytesOf(hex))).toEqual(parseToken(token));
    });
  }
});

describe("a datagram is ignored", () => {
  for (const { why, hex } of datagrams.ignored) {
    test(why, () => expect(readDatagram(bytesOf(hex))).toBeNull());
  }
});

test("a datagram that lies in a larger buffer is read by itself", () => {
  const [{ hex, token } = { hex: "", token: "" }] = datagrams.read;
  const around = Buffer.concat([Buffer.from("before"), bytesOf(hex), Buffer.from("after")]);
  expect(readDatagram(around.subarray(6, 6 + hex.length / 2))).toEqual(parseToken(token));
});

test("any bytes are a token or null, and never throw", () => {
  const prefix = Buffer.from("ptpMediation_connect:");
  const junk = fc.uint8Array({ maxLength: 1100 });
  const text = fc.oneof(fc.json(), anyText);
  const bytes = fc.oneof(
    junk,
    junk.map((bytes) => Buffer.concat([prefix, bytes])),
    text.map((text) => Buffer.concat([prefix, Buffer.from(Buffer.from(text).toString("base64"))])),
    fc.jsonValue().map((token) => datagramOf({ token })),
  );
  fc.assert(
    fc.property(bytes, (bytes) => {
      expect(readDatagram(bytes)).toBeNull();
    }),
    { numRuns: 2_000 },
  );
});

test("a genuine datagram with one byte changed is a token or null, and never throws", () => {
  const original = bytesOf(datagrams.read[0]?.hex ?? "");
  fc.assert(
    fc.property(fc.nat(original.length - 1), fc.nat(255), (at, byte) => {
      const changed = original.with(at, byte);
      const token = readDatagram(changed);
      if (token) expect(token).toEqual(parseToken(`${token.signed}.${token.mac}`));
    }),
    { numRuns: 1_000 },
  );
});

function datagramOf(payload: object): Uint8Array {
  return Buffer.from(`ptpMediation_connect:${Buffer.from(JSON.stringify(payload)).toString("base64")}`);
}
