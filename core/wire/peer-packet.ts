/**
 * What two peers send each other, directly or through a relay, which passes packets on as they are:
 *
 * | bytes | |
 * | --- | --- |
 * | 1 | kind |
 * | 6 | the link's id |
 * | the rest | `data`: what the game sends. `sealed`: see core/sealing/sealed.ts. All others: 1 byte side, 8 bytes number, perhaps 32 bytes key, 16 bytes mac |
 *
 * The mac is the HMAC-SHA-256 of all bytes before it under the pair's key, cut to 128 bits. The shells compute it: this file
 * has no crypto. Checks and answers of an encrypted link have the sender's public key. No text that Orion or a sidecar sends begins with any
 * of the kinds.
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
  /** Encrypted: of the game, or of the reliable stream. */
  sealed: 0xec,
} as const;
export type SignedKind = Exclude<keyof typeof packetKinds, "data" | "sealed">;

/** Bytes before the game's own in a `data` packet. */
export const dataHeaderBytes = 1 + linkIdBytes;
/** Bytes before the ciphertext of a `sealed` packet: a counter comes after the link's id. */
export const sealedHeaderBytes = dataHeaderBytes + 6;
export const tagBytes = 16;
/** Bytes before the mac of any other packet without a key. */
export const signedBytes = dataHeaderBytes + 1 + 8;
/** Bytes of the mac. */
export const packetMacBytes = 16;
/** Bytes of any other packet, without a key and with one. */
export const signedPacketBytes = signedBytes + packetMacBytes;
export const publicKeyBytes = 32;
export const keyedPacketBytes = signedPacketBytes + publicKeyBytes;

/** `publicKey`: 32 bytes, in checks and answers of a link that is to be encrypted. */
export type SignedPacket = {
  kind: SignedKind;
  link: number;
  side: Side;
  number: number;
  publicKey?: Uint8Array | undefined;
};

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

/** Whether a datagram that begins with this byte is a packet for a peer, if it is anything. */
export function isPacketKind(byte: number): boolean {
  return byte >= packetKinds.check && byte <= packetKinds.sealed;
}

/** The link a packet belongs to, or null for bytes that are no peer's packet. Allocates nothing. */
export function linkOf(bytes: Uint8Array): number | null {
  const kind = bytes[0] ?? 0;
  if (!isPacketKind(kind) || bytes.length < dataHeaderBytes || !hasItsLength(kind, bytes.length)) return null;
  return readNumber(bytes, 1, linkIdBytes);
}

function hasItsLength(kind: number, length: number): boolean {
  switch (kind) {
    case packetKinds.data:
      return true;
    case packetKinds.sealed:
      return length > sealedHeaderBytes + tagBytes;
    case packetKinds.farewell:
      return length === signedPacketBytes;
    default:
      return length === signedPacketBytes || length === keyedPacketBytes;
  }
}

/** The bytes of a packet, the mac still to be filled in at its end. */
export function writeSigned({ kind, link, side, number, publicKey }: SignedPacket): Uint8Array {
  const bytes = new Uint8Array(publicKey ? keyedPacketBytes : signedPacketBytes);
  if (publicKey) bytes.set(publicKey, signedBytes);
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
  if (!kind || !hasItsLength(bytes[0] ?? 0, bytes.length) || (side !== 0 && side !== 1)) return null;
  // Numbers beyond 2^53 are nobody's: no link lives that long.
  if (bytes[dataHeaderBytes + 1] !== 0 || (bytes[dataHeaderBytes + 2] ?? 0) > 0x1f) return null;
  const number = readNumber(bytes, dataHeaderBytes + 1, 8);
  const packet = {
    kind,
    link: readNumber(bytes, 1, linkIdBytes),
    side: side === 0 ? "a" : "b",
    number,
  } as const;
  if (bytes.length !== keyedPacketBytes) return packet;
  return { ...packet, publicKey: bytes.subarray(signedBytes, signedBytes + publicKeyBytes) };
}

export function writeData(link: number, payload: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(dataHeaderBytes + payload.length);
  bytes[0] = packetKinds.data;
  writeNumber(bytes, 1, linkIdBytes, link);
  bytes.set(payload, dataHeaderBytes);
  return bytes;
}

/** The header of a `sealed` packet. */
export function writeSealedHeader(bytes: Uint8Array, link: number, counter: number): void {
  bytes[0] = packetKinds.sealed;
  writeNumber(bytes, 1, linkIdBytes, link);
  writeNumber(bytes, dataHeaderBytes, 6, counter);
}

/** The counter of a `sealed` packet. */
export function sealedCounter(bytes: Uint8Array): number {
  return readNumber(bytes, dataHeaderBytes, 6);
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
