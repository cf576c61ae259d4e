import { createHmac } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import vectors from "../../conformance/vectors/peer-packets.json" with { type: "json" };
import {
  dataHeaderBytes,
  linkNumber,
  linkOf,
  packetKinds,
  readSigned,
  type SignedPacket,
  signedBytes,
  signedPacketBytes,
  writeData,
  writeSigned,
} from "../../core/wire/peer-packet.ts";

const bytesOf = (hex: string) => Uint8Array.from(Buffer.from(hex, "hex"));
const key = Buffer.from(vectors.key, "base64url");

const signed: fc.Arbitrary<SignedPacket> = fc.record({
  kind: fc.constantFrom("check", "answer", "farewell"),
  link: fc.nat(2 ** 48 - 1),
  side: fc.constantFrom("a", "b"),
  number: fc.maxSafeNat(),
});

describe("a signed packet is read, and written the same", () => {
  for (const { why, kind, link, side, number, hex } of vectors.signed) {
    test(why, () => {
      const packet = readSigned(bytesOf(hex));
      expect(packet).toEqual({ kind, link: linkNumber(link), side, number: Number(number) });
      expect(linkOf(bytesOf(hex))).toBe(linkNumber(link));
      if (!packet) return;
      const bytes = writeSigned(packet);
      const mac = createHmac("sha256", key).update(bytes.subarray(0, signedBytes)).digest().subarray(0, 16);
      bytes.set(mac, signedBytes);
      expect(Buffer.from(bytes).toString("hex")).toBe(hex);
    });
  }
});

describe("a packet of the game is written, and its link read", () => {
  for (const { why, link, payload, hex } of vectors.data) {
    test(why, () => {
      expect(Buffer.from(writeData(linkNumber(link), bytesOf(payload))).toString("hex")).toBe(hex);
      expect(linkOf(bytesOf(hex))).toBe(linkNumber(link));
      expect(Buffer.from(bytesOf(hex).subarray(dataHeaderBytes)).toString("hex")).toBe(payload);
      expect(readSigned(bytesOf(hex))).toBeNull();
    });
  }
});

describe("what is no signed packet is ignored", () => {
  for (const { why, hex } of vectors.ignored) {
    test(why, () => expect(readSigned(bytesOf(hex))).toBeNull());
  }
});

test("bytes that are no packet belong to no link", () => {
  const no = [[], [0xe7], [0xe8], [0xea], [0xea, 0, 0, 0, 0, 0], [0xec, 0, 0, 0, 0, 0, 1]];
  for (const bytes of no) expect(linkOf(Uint8Array.from(bytes))).toBeNull();
  for (const length of [7, signedPacketBytes - 1, signedPacketBytes + 1]) {
    const bytes = new Uint8Array(length);
    for (const kind of [packetKinds.check, packetKinds.answer, packetKinds.farewell]) {
      bytes[0] = kind;
      expect(linkOf(bytes)).toBeNull();
    }
    bytes[0] = packetKinds.data;
    expect(linkOf(bytes)).toBe(0);
  }
});

test("whatever is written is read again", () => {
  fc.assert(
    fc.property(signed, (packet) => {
      expect(readSigned(writeSigned(packet))).toEqual(packet);
      expect(linkOf(writeSigned(packet))).toBe(packet.link);
    }),
  );
  fc.assert(
    fc.property(fc.nat(2 ** 48 - 1), fc.uint8Array(), (link, payload) => {
      expect(linkOf(writeData(link, payload))).toBe(link);
      expect(writeData(link, payload).subarray(dataHeaderBytes)).toEqual(payload);
    }),
  );
});

test("a packet that lies in a larger buffer is read by itself", () => {
  const packet: SignedPacket = { kind: "check", link: 7, side: "b", number: 9 };
  const around = Buffer.concat([Buffer.from("before"), writeSigned(packet), Buffer.from("after")]);
  expect(readSigned(around.subarray(6, 6 + signedPacketBytes))).toEqual(packet);
});

test("any bytes are a packet or null, and never throw", () => {
  const kind = fc.integer({ min: 0xe6, max: 0xed });
  const anyLength = fc.uint8Array({ maxLength: 40 });
  const rightLength = fc.uint8Array({ minLength: signedPacketBytes, maxLength: signedPacketBytes });
  fc.assert(
    fc.property(kind, fc.oneof(anyLength, rightLength), (kind, rest) => {
      const bytes = Uint8Array.from(rest);
      if (bytes.length > 0) bytes[0] = kind;
      const packet = readSigned(bytes);
      if (!packet) return;
      expect(linkOf(bytes)).toBe(packet.link);
      expect(Number.isSafeInteger(packet.number)).toBe(true);
      expect(writeSigned(packet).subarray(0, signedBytes)).toEqual(bytes.subarray(0, signedBytes));
    }),
    { numRuns: 5_000 },
  );
});

test("no text begins like a packet: one socket takes both", () => {
  for (const kind of Object.values(packetKinds)) {
    expect(() => new TextDecoder("utf-8", { fatal: true }).decode(Uint8Array.of(kind, 0x70))).toThrow();
  }
});
