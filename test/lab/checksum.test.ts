import { expect, test } from "vitest";
import { completeChecksum } from "../../measure/lab/checksum.ts";

const bytes = (hex: string) => Buffer.from(hex.replaceAll(" ", ""), "hex");
const ethernet = "ffffffffffff 020000000001 0800";
/** An IPv4 header from 192.168.0.1 to 192.168.0.2. */
const ip = (protocol: string, length: string, fragment = "0000") =>
  `4500 ${length} 0000 ${fragment} 40 ${protocol} 0000 c0a80001 c0a80002`;

/** The sum that a receiver makes, over the same and the checksum: it must be all ones (RFC 1071). */
function sumAtReceiver(frame: Buffer): number {
  const packet = frame.subarray(14);
  const content = packet.subarray(20, packet.readUInt16BE(2));
  const odd = content.length % 2 === 1 ? Buffer.of(0) : Buffer.alloc(0);
  const summed = Buffer.concat([packet.subarray(12, 20), content, odd]);
  let sum = packet.readUInt8(9) + content.length;
  for (let i = 0; i < summed.length; i += 2) sum += summed.readUInt16BE(i);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return sum;
}

test("a datagram gets its checksum, whatever stood there, and whatever padding follows it", () => {
  for (const hex of ["1234 0035 000a beef 6869", "1234 0035 000b 0000 686921"]) {
    const length = (20 + bytes(hex).length).toString(16).padStart(4, "0");
    const frame = bytes(`${ethernet}${ip("11", length)}${hex}00000000`);
    completeChecksum(frame);
    expect(sumAtReceiver(frame)).toBe(0xffff);
    expect(frame.subarray(-4)).toEqual(Buffer.alloc(4));
  }
});

test("a segment of TCP gets its checksum", () => {
  const frame = bytes(`${ethernet}${ip("06", "0029")} 1234 0050 00000001 00000002 5018 ffff 0000 0000 61`);
  completeChecksum(frame);
  expect(sumAtReceiver(frame)).toBe(0xffff);
});

test("every other frame stays as it is", () => {
  for (const hex of [
    "",
    "ffffffffffff 020000000001 0806 0001080006040001",
    `${ethernet}${ip("01", "0024")} 0800 0000 12345678 61626364`,
    `${ethernet}${ip("11", "0020", "2000")} 1234 0035 000c 0000 61626364`,
    `${ethernet}${ip("11", "0018")} 1234 0035`,
  ]) {
    const frame = bytes(hex);
    completeChecksum(frame);
    expect(frame).toEqual(bytes(hex));
  }
});
