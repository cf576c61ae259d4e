/**
 * What goes over the WebSocket of a relay in binary frames: records, one or more in a frame.
 *
 * | bytes | |
 * | --- | --- |
 * | 2 | how many bytes the record's packet has, in network order |
 * | the rest | the packet |
 *
 * A packet is a link's packet as it goes over UDP (peer-packet.ts): its first byte is its kind, 0xe8 to 0xef, and the next six are the
 * link's id. Or it is a receipt, which only clients send: `0xf0` and, in four bytes, how many bytes of binary frames the client has received on
 * this socket, modulo 2^32. So the relay knows what is still under way.
 */
import { linkIdBytes } from "../relay/ticket.ts";
import { packetKinds } from "./peer-packet.ts";

/** Bytes before a record's packet. */
export const recordHeaderBytes = 2;
/** First byte of a receipt. */
export const receiptKind = 0xf0;
/** Bytes of a receipt's packet. */
export const receiptBytes = 5;
/** Bytes of the longest packet that a relay passes on. Games may fill 1 200 of them (gamePacketBytes); the rest is for encryption. */
export const longestRelayedPacket = 1_232;

const firstKind = packetKinds.check;
const lastKind = 0xef;
const shortestPacket = 1 + linkIdBytes;

/** The bytes of a record with this packet. */
export function recordBytes(packet: Uint8Array): number {
  return recordHeaderBytes + packet.length;
}

/** Writes a record with this packet into the frame, and returns where the next one goes. */
export function writeRecord(frame: Uint8Array, at: number, packet: Uint8Array): number {
  frame[at] = packet.length >> 8;
  frame[at + 1] = packet.length & 0xff;
  frame.set(packet, at + recordHeaderBytes);
  return at + recordHeaderBytes + packet.length;
}

/** A frame of these packets, in their order. */
export function frameOf(packets: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const frame = new Uint8Array(packets.reduce((sum, packet) => sum + recordBytes(packet), 0));
  let at = 0;
  for (const packet of packets) at = writeRecord(frame, at, packet);
  return frame;
}

/** A receipt. `received`: bytes of binary frames that came on this socket so far, however many. */
export function receipt(received: number): Uint8Array {
  const packet = new Uint8Array(receiptBytes);
  packet[0] = receiptKind;
  let rest = received % 2 ** 32;
  for (let at = receiptBytes - 1; at > 0; at--) {
    packet[at] = rest % 256;
    rest = Math.floor(rest / 256);
  }
  return packet;
}

/** What a receipt says, modulo 2^32; null for any other packet. */
export function readReceipt(packet: Uint8Array): number | null {
  return isReceipt(packet, 0, packet.length) ? receivedAt(packet, 0) : null;
}

/** The packets of a frame, as views of its bytes; null if its records do not fill it exactly. */
export function packetsOf(frame: Uint8Array): Uint8Array[] | null {
  const packets: Uint8Array[] = [];
  for (let at = 0; at < frame.length; ) {
    const end = recordEnd(frame, at);
    if (end === null) return null;
    packets.push(frame.subarray(at + recordHeaderBytes, end));
    at = end;
  }
  return packets;
}

/** Where the record that begins there ends; null if the frame ends before it. */
export function recordEnd(frame: Uint8Array, at: number): number | null {
  if (at + recordHeaderBytes > frame.length) return null;
  const end = at + recordHeaderBytes + ((frame[at] ?? 0) << 8) + (frame[at + 1] ?? 0);
  return end > frame.length ? null : end;
}

/** Whether the packet from `start` to `end` is a receipt. */
export function isReceipt(frame: Uint8Array, start: number, end: number): boolean {
  return frame[start] === receiptKind && end - start === receiptBytes;
}

/** What the receipt that begins there says. */
export function receivedAt(frame: Uint8Array, start: number): number {
  return readNumber(frame, start + 1, receiptBytes - 1);
}

/** The number of the link that the packet from `start` to `end` belongs to; null for one that no relay passes on. Allocates nothing. */
export function relayedLink(frame: Uint8Array, start: number, end: number): number | null {
  const kind = frame[start] ?? 0;
  const length = end - start;
  if (kind < firstKind || kind > lastKind || length < shortestPacket || length > longestRelayedPacket)
    return null;
  return readNumber(frame, start + 1, linkIdBytes);
}

function readNumber(bytes: Uint8Array, at: number, length: number): number {
  let value = 0;
  for (let i = at; i < at + length; i++) value = value * 256 + (bytes[i] ?? 0);
  return value;
}
