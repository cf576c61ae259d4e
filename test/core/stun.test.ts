/** STUN: what the sidecar's ports answer pages that ask where they come from. The vectors are those of RFC 5769. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { kindOf } from "../../core/wire/datagram.ts";
import { wireLimits } from "../../core/wire/limits.ts";
import { isPacketKind, packetKinds } from "../../core/wire/peer-packet.ts";
import { bindingAnswer, fingerprintOf, isStun, readBindingRequest } from "../../core/wire/stun.ts";
import datagrams from "../vectors/datagrams.json" with { type: "json" };

const bytesOf = (hex: string) => Uint8Array.from(Buffer.from(hex.replace(/\s/g, ""), "hex"));
const hexOf = (bytes: Uint8Array | null) => bytes && Buffer.from(bytes).toString("hex");
const transaction = "b7e7a701bc34d686fa87dfae";
const head = (kind: string, length: string) => `${kind} ${length} 2112a442 ${transaction}`;
/** The request that browsers send. */
const plain = bytesOf(head("0001", "0000"));

/** RFC 5769, sections 2.1 to 2.3: a check between two peers, and the answers to it over IPv4 and IPv6. */
const vectors = {
  request: bytesOf(`${head("0001", "0058")} 80220010 5354554e207465737420636c69656e74
    00240004 6e0001ff 80290008 932ff9b151263b36 00060009 6576746a3a68367659202020
    00080014 9aeaa70cbfd8cb56781ef2b5b2d3f249c1b571a2 80280004 e57a3bcf`),
  overIPv4: bytesOf(`${head("0101", "003c")} 8022000b 7465737420766563746f7220
    00200008 0001a147e112a643 00080014 2b91f599fd9e90c38c7489f92af9ba53f06be7d7 80280004 c07d4c96`),
  overIPv6: bytesOf(`${head("0101", "0048")} 8022000b 7465737420766563746f7220
    00200014 0002a1470113a9faa5d3f179bc25f4b5bed2b9d9
    00080014 a382954e4be67bf11784c97c8292c275bfe3ed41 80280004 c8fb0b4c`),
};
const v4 = { ip: "192.0.2.1", port: 32853 };
const v6 = { ip: "2001:db8:1234:5678:11:2233:4455:6677", port: 32853 };

function answerTo(request: Uint8Array, from = v4): Uint8Array | null {
  const read = readBindingRequest(request);
  return read && bindingAnswer(read, from);
}

/** A request with these attributes, each its kind and its value in hex. */
function requestWith(...attributes: [kind: number, value: string][]): Uint8Array {
  const body = attributes.map(([kind, value]) => {
    const bytes = Buffer.from(value, "hex");
    const header = Buffer.alloc(4);
    header.writeUInt16BE(kind, 0);
    header.writeUInt16BE(bytes.length, 2);
    return Buffer.concat([header, bytes, Buffer.alloc((4 - (bytes.length % 4)) % 4)]);
  });
  const request = Buffer.concat([plain, ...body]);
  request.writeUInt16BE(request.length - 20, 2);
  return Uint8Array.from(request);
}

function withFingerprint(request: Uint8Array): Uint8Array {
  const whole = Buffer.concat([request, Buffer.from("8028000400000000", "hex")]);
  whole.writeUInt16BE(whole.length - 20, 2);
  whole.writeUInt32BE(fingerprintOf(whole.subarray(0, -8)), whole.length - 4);
  return Uint8Array.from(whole);
}

test("the address in an answer is written as in the vectors", () => {
  expect(hexOf(answerTo(plain, v4))).toBe(
    `0101000c2112a442${transaction}${hexOf(vectors.overIPv4.subarray(36, 48))}`,
  );
  expect(hexOf(answerTo(plain, v6))).toBe(
    `010100182112a442${transaction}${hexOf(vectors.overIPv6.subarray(36, 60))}`,
  );
});

test("a fingerprint is computed as in the vectors", () => {
  for (const vector of Object.values(vectors)) {
    const stated = Buffer.from(vector).readUInt32BE(vector.length - 4);
    expect(fingerprintOf(vector.subarray(0, -8))).toBe(stated);
  }
});

test("a question with a fingerprint gets an answer with one, and one with a wrong fingerprint gets none", () => {
  const asked = withFingerprint(plain);
  const answer = answerTo(asked) ?? new Uint8Array();
  expect(answer).toHaveLength(40);
  expect(fingerprintOf(answer.subarray(0, -8))).toBe(Buffer.from(answer).readUInt32BE(36));
  expect(answerTo(asked.with(asked.length - 1, 0))).toBeNull();
});

test("a check between two peers is not answered: no answer of a server is any good to them", () => {
  expect(isStun(vectors.request)).toBe(true);
  expect(readBindingRequest(vectors.request)).toBeNull();
  for (const kind of [0x0006, 0x0008, 0x001c]) expect(answerTo(requestWith([kind, "00000000"]))).toBeNull();
});

test("what a client wants beyond that is refused with 420, which names what it was, and what may be ignored is", () => {
  expect(hexOf(answerTo(requestWith([0x8022, "616263"])))).toBe(hexOf(answerTo(plain)));
  // CHANGE-REQUEST, as clients send it that look into NATs by RFC 5780.
  expect(hexOf(answerTo(requestWith([0x0003, "00000006"])))).toBe(
    `011100102112a442${transaction}0009000400000414000a000200030000`,
  );
});

test("an answer is never longer than three times the question", () => {
  const attributes = fc.array(
    fc.tuple(
      fc.nat(0xffff),
      fc.uint8Array({ maxLength: 40 }).map((some) => Buffer.from(some).toString("hex")),
    ),
    { maxLength: 12 },
  );
  const from = fc.constantFrom(v4, v6);
  fc.assert(
    fc.property(attributes, fc.boolean(), from, (some, marked, where) => {
      const request = requestWith(...some);
      const asked = marked ? withFingerprint(request) : request;
      const answer = answerTo(asked, where);
      if (answer) expect(answer.length).toBeLessThanOrEqual(3 * asked.length);
    }),
    { numRuns: 2_000 },
  );
  expect(answerTo(plain, v6)).toHaveLength(44);
});

test("anything that is no such question is not answered: answers, and errors, and what was cut", () => {
  const others = [
    vectors.overIPv4,
    vectors.overIPv6,
    bytesOf(head("0111", "0000")),
    bytesOf(head("0011", "0000")),
    bytesOf(head("0003", "0000")),
    bytesOf(head("0001", "0004")),
    bytesOf(`0001 0000 2112a443 ${transaction}`),
    plain.subarray(0, 19),
    Uint8Array.from([...plain, 0]),
    requestWith([0x8022, "00"]).subarray(0, 25),
    Uint8Array.from([...withFingerprint(plain), ...bytesOf("80220000")]),
    requestWith([0x8022, "00".repeat(wireLimits.stunBytes)]),
    new Uint8Array(),
  ];
  for (const other of others) expect(answerTo(other), hexOf(other) ?? "").toBeNull();
  expect(answerTo(plain, { ip: "no address", port: 1 })).toBeNull();
});

describe("any bytes", () => {
  const cookie = Uint8Array.of(0x21, 0x12, 0xa4, 0x42);
  const shaped = fc
    .tuple(fc.constantFrom(0x0001, 0x0101, 0x3fff), fc.uint8Array({ maxLength: 80 }))
    .map(([kind, rest]) => {
      const length = Math.max(0, rest.length - 12);
      return Uint8Array.of(kind >> 8, kind & 0xff, length >> 8, length & 0xff, ...cookie, ...rest);
    });
  const bytes = fc.oneof(fc.uint8Array({ maxLength: 600 }), shaped);

  test("are a question or null, and never throw", () => {
    fc.assert(
      fc.property(bytes, (some) => {
        const read = readBindingRequest(some);
        if (!read) return;
        expect(isStun(some)).toBe(true);
        expect(read.echoed).toEqual(some.slice(4, 20));
        expect(read.unknown.length).toBeLessThanOrEqual(4);
      }),
      { numRuns: 5_000 },
    );
  });

  test("are at most one of STUN, a text of Orion's, and a packet between players", () => {
    const kinds = Object.values(packetKinds).map((kind) => Uint8Array.of(kind, ...plain.subarray(1)));
    const texts = [...datagrams.read, ...datagrams.ignored].map(({ hex }) => bytesOf(hex));
    const known = fc.constantFrom(plain, withFingerprint(plain), ...kinds, ...texts);
    fc.assert(
      fc.property(fc.oneof(bytes, known), (some) => {
        const isOf = [isStun(some), kindOf(some) !== null, isPacketKind(some[0] ?? 0)];
        expect(isOf.filter(Boolean).length).toBeLessThanOrEqual(1);
      }),
      { numRuns: 5_000 },
    );
  });
});
