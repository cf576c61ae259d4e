/** Checksums of datagrams and segments, which the kernel leaves to a network card that the lab has not. */

const ethernetLength = 14;
const ipv4Type = 0x0800;
/** Where in the header each protocol has its checksum. */
const checksumAt = new Map([
  [6, 16],
  [17, 6],
]);

/** Writes the checksum of UDP or TCP into an Ethernet frame of IPv4. Leaves every other frame, and fragments, as they are. */
export function completeChecksum(frame: Buffer): void {
  if (frame.length < ethernetLength + 20 || frame.readUInt16BE(12) !== ipv4Type) return;
  const packet = frame.subarray(ethernetLength, ethernetLength + frame.readUInt16BE(ethernetLength + 2));
  const isFragment = (packet.readUInt16BE(6) & 0x3fff) !== 0;
  const protocol = packet.readUInt8(9);
  const at = checksumAt.get(protocol);
  const content = packet.subarray((packet.readUInt8(0) & 0x0f) * 4);
  if (isFragment || at === undefined || content.length < at + 2) return;
  content.writeUInt16BE(0, at);
  // The sum goes over the addresses, the protocol and the length as well: RFC 768, RFC 9293 (section 3.1).
  const sum = folded(sumOf(packet.subarray(12, 20)) + protocol + content.length + sumOf(content));
  content.writeUInt16BE(sum === 0xffff ? 0xffff : 0xffff - sum, at);
}

function sumOf(bytes: Buffer): number {
  let sum = 0;
  const even = bytes.length & ~1;
  for (let i = 0; i < even; i += 2) sum += bytes.readUInt16BE(i);
  return even === bytes.length ? sum : sum + bytes.readUInt8(even) * 256;
}

function folded(sum: number): number {
  let rest = sum;
  while (rest > 0xffff) rest = (rest & 0xffff) + (rest >>> 16);
  return rest;
}
