import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseToken } from "../../core/token.ts";
import { kindOf, readCandidates, readDatagram } from "../../core/wire/datagram.ts";
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

describe("the addresses a client says it has", () => {
  const token = "17.Ada-------------.aoco.AAAAAAAAAAA.AAAAAAAAAAAAAAAAAAAAAA";
  const sent = (candidates: unknown) =>
    readCandidates(readDatagram(datagramOf({ token, candidates }))?.candidates);

  test("are read with its token, up to eight, or none", () => {
    const some = [
      { ip: "192.168.1.7", port: 40_000 },
      { ip: "fd00::7", port: 1 },
    ];
    expect(sent(some)).toEqual(some);
    expect(sent([])).toEqual([]);
    const eight = Array.from({ length: 8 }, (_, i) => ({ ip: "10.0.0.1", port: i + 1 }));
    expect(sent(eight)).toEqual(eight);
    expect(sent(undefined)).toBeUndefined();
  });

  test("count for nothing if they are anything else, and the token is read all the same", () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 2 }), (junk) => {
        const datagram = datagramOf({ token, candidates: junk });
        if (datagram.length > 1024) return;
        expect(readDatagram(datagram)).toMatchObject({ masked: "17", clientId: "Ada-------------" });
        if (!Array.isArray(junk) || junk.length > 0) expect(sent(junk)).toBeUndefined();
      }),
    );
  });
});

test("what a datagram says it is, is known from its first bytes, and no other bytes are anything", () => {
  const says = (text: string) => kindOf(Buffer.from(text));
  expect(says("ptpMediation_connect:e30=")).toBe("connect");
  expect(says("ptpMediation_probe:e30=.")).toBe("probe");
  expect(says("ptpRelay_bind:e30=.")).toBe("bind");
  for (const other of [
    "",
    "ptpRelay_bind:",
    "ptpRelay_bound:e30=",
    " ptpRelay_bind:e30=",
    "ptpMediation_probes:e30=",
  ])
    expect(says(other)).toBeNull();
  expect(says(`ptpRelay_bind:${"A".repeat(1024)}`)).toBeNull();
});
