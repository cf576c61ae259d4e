/**
 * What two peers send each other, directly or through a relay, which passes packets on as they are:
 *
 * | bytes | |
 * | --- | --- |
 * | 1 | kind |
 * | 6 | the link's id |
 * | the rest | `data`: what the game sends. All others: 1 byte side, 8 bytes number, 16 bytes mac |
 *
 * The mac is the HMAC-SHA-256 of the 16 bytes before it under the pair's key, cut to 128 bits. The shells compute it: this file
 * has no crypto. No text that Orion or a sidecar sends begins with any of the kinds.
 */
import { linkIdBytes, type Side } from "../relay/ticket.ts";

/** First bytes of packets. */
export const packetKinds = {
  /** "Do you hear me here?" Its number is higher than that of any before from this side. */
  check: 0xe8,
  /** "I do": the number is the check's. */
  answer: 0xe9,
  /** Of the game. */
  data: 0xea,
  /** "I am gone": numbered with the checks. */
  farewell: 0xeb,
} as const;
export type SignedKind = Exclude<keyof typeof packetKinds, "data">;

/** Bytes before the game's own in a `data` packet. */
export const dataHeaderBytes = 1 + linkIdBytes;
/** Bytes that the mac of any other packet is computed over. */
export const signedBytes = dataHeaderBytes + 1 + 8;
/** Bytes of any other packet. */
export const signedPacketBytes = signedBytes + 16;

export type SignedPacket = { kind: SignedKind; link: number; side: Side; number: number };

const kindsByByte = new Map<number, SignedKind>([
  [packetKinds.check, "check"],
  [packetKinds.answer, "answer"],
  [packetKinds.farewell, "farewell"],
]);
const sideBytes = { a: 0, b: 1 } as const;

/** The link's id as packets have it, from its 12 hex digits. */
export function linkNumber(hex: string): number {
  return Number.parseInt(hex, 16);
}

/** The link a packet belongs to, or null for bytes that are no peer's packet. Allocates nothing. */
export function linkOf(bytes: Uint8Array): number | null {
  const kind = bytes[0] ?? 0;
  if (kind < packetKinds.check || kind > packetKinds.farewell || bytes.length < dataHeaderBytes) return null;
  if (kind !== packetKinds.data && bytes.length !== signedPacketBytes) return null;
  return readNumber(bytes, 1, linkIdBytes);
}

/** The bytes of a packet, the mac still to be filled in behind `signedBytes`. */
export function writeSigned({ kind, link, side, number }: SignedPacket): Uint8Array {
  const bytes = new Uint8Array(signedPacketBytes);
  bytes[0] = packetKinds[kind];
  writeNumber(bytes, 1, linkIdBytes, link);
  bytes[dataHeaderBytes] = sideBytes[side];
  writeNumber(bytes, dataHeaderBytes + 1, 8, number);
  return bytes;
}

/** A packet that is not `data`, its mac not yet checked, or null for any other bytes. */
export function readSigned(bytes: Uint8Array): SignedPacket | null {
  const kind = kindsByByte.get(bytes[0] ?? 0);
  const side = bytes[dataHeaderBytes];
  if (!kind || bytes.length !== signedPacketBytes || (side !== 0 && side !== 1)) return null;
  // Numbers beyond 2^53 are nobody's: no link lives that long.
  if (bytes[dataHeaderBytes + 1] !== 0 || (bytes[dataHeaderBytes + 2] ?? 0) > 0x1f) return null;
  const number = readNumber(bytes, dataHeaderBytes + 1, 8);
  return { kind, link: readNumber(bytes, 1, linkIdBytes), side: side === 0 ? "a" : "b", number };
}

export function writeData(link: number, payload: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(dataHeaderBytes + payload.length);
  bytes[0] = packetKinds.data;
  writeNumber(bytes, 1, linkIdBytes, link);
  bytes.set(payload, dataHeaderBytes);
  return bytes;
}

function readNumber(bytes: Uint8Array, at: number, length: number): number {
  let value = 0;
  for (let i = at; i < at + length; i++) value = value * 256 + (bytes[i] ?? 0);
  return value;
}

function writeNumber(bytes: Uint8Array, at: number, length: number, value: number): void {
  let rest = value;
  for (let i = at + length - 1; i >= at; i--) {
    bytes[i] = rest % 256;
    rest = Math.floor(rest / 256);
  }
}
