/**
 * STUN (RFC 8489), as far as a server needs it that tells whoever asks where the question came from. Pages find out by it at which
 * endpoint others may reach them. Nobody proves who asks, so an answer is short: at most 2.2 times the question.
 *
 * A datagram is STUN by its first two bits and its magic cookie. Orion's texts begin with a letter, and players' packets with 0xe8 to 0xec
 * (peer-packet.ts), so that no datagram is two of these.
 */
import { addressBytes, type Endpoint } from "../endpoint.ts";
import { wireLimits } from "./limits.ts";

/** A question of anybody: where do I come from? */
export type BindingRequest = {
  /** The 16 bytes that the answer repeats: the magic cookie, and the transaction id. */
  readonly echoed: Uint8Array;
  /** Whether it has a FINGERPRINT. Then the answer has one, too. */
  readonly hasFingerprint: boolean;
  /** The first of its attributes that a server must understand, and this one does not. Such a request is answered with error 420. */
  readonly unknown: readonly number[];
};

const bindingRequest = 0x0001;
const bindingSuccess = 0x0101;
const bindingError = 0x0111;
const magicCookie = 0x2112_a442;
const headerBytes = 20;
const attributeHeaderBytes = 4;

const attributes = {
  username: 0x0006,
  messageIntegrity: 0x0008,
  errorCode: 0x0009,
  unknownAttributes: 0x000a,
  messageIntegritySha256: 0x001c,
  xorMappedAddress: 0x0020,
  fingerprint: 0x8028,
} as const;
/** Requests with one of these check a path between two peers (ICE). No answer of a server is any good to them. */
const ofPeers: readonly number[] = [
  attributes.username,
  attributes.messageIntegrity,
  attributes.messageIntegritySha256,
];
/** Attributes from here on may be ignored by those that do not know them. */
const firstOptional = 0x8000;
/** Unknown attributes that an error names. Each has 4 bytes of the request at least. */
const namedAttributes = 4;
const unknownAttributeCode = [4, 20] as const;
const families = { v4: 1, v6: 2 } as const;
const fingerprintMask = 0x5354_554e;

/** Whether a datagram is STUN's, if it is anything. Allocates nothing. */
export function isStun(bytes: Uint8Array): boolean {
  const [first = 0xff] = bytes;
  return bytes.length >= headerBytes && first < 0x40 && word(bytes, 4) === magicCookie;
}

/** A question that may be answered; null for all other bytes. Never throws. */
export function readBindingRequest(bytes: Uint8Array): BindingRequest | null {
  if (!isStun(bytes) || bytes.length > wireLimits.stunBytes) return null;
  if (half(bytes, 0) !== bindingRequest || half(bytes, 2) !== bytes.length - headerBytes) return null;
  const unknown: number[] = [];
  let hasFingerprint = false;
  let at = headerBytes;
  while (at < bytes.length) {
    // Nothing may follow a fingerprint.
    if (hasFingerprint || at + attributeHeaderBytes > bytes.length) return null;
    const kind = half(bytes, at);
    const length = half(bytes, at + 2);
    const next = at + attributeHeaderBytes + padded(length);
    if (next > bytes.length || ofPeers.includes(kind)) return null;
    if (kind === attributes.fingerprint) {
      if (length !== 4 || word(bytes, at + 4) !== fingerprintOf(bytes.subarray(0, at))) return null;
      hasFingerprint = true;
    } else if (kind < firstOptional && unknown.length < namedAttributes) unknown.push(kind);
    at = next;
  }
  return { echoed: bytes.slice(4, headerBytes), hasFingerprint, unknown };
}

/** What the question is answered, if it came from this endpoint. Null if that is no address. */
export function bindingAnswer(
  { echoed, hasFingerprint, unknown }: BindingRequest,
  { ip, port }: Endpoint,
): Uint8Array | null {
  const address = addressBytes(ip);
  if (!address) return null;
  const body = unknown.length > 0 ? unknownBody(unknown) : mappedBody(echoed, address, port);
  const fingerprintBytes = hasFingerprint ? attributeHeaderBytes + 4 : 0;
  const answer = new Uint8Array(headerBytes + body.length + fingerprintBytes);
  putHalf(answer, 0, unknown.length > 0 ? bindingError : bindingSuccess);
  putHalf(answer, 2, answer.length - headerBytes);
  answer.set(echoed, 4);
  answer.set(body, headerBytes);
  if (hasFingerprint) {
    const at = answer.length - fingerprintBytes;
    putHalf(answer, at, attributes.fingerprint);
    putHalf(answer, at + 2, 4);
    putWord(answer, at + 4, fingerprintOf(answer.subarray(0, at)));
  }
  return answer;
}

/** XOR-MAPPED-ADDRESS. Routers that rewrite addresses inside of packets do not recognize it. */
function mappedBody(echoed: Uint8Array, address: readonly number[], port: number): Uint8Array {
  const body = new Uint8Array(attributeHeaderBytes + 4 + address.length);
  putHalf(body, 0, attributes.xorMappedAddress);
  putHalf(body, 2, body.length - attributeHeaderBytes);
  body[5] = address.length === 4 ? families.v4 : families.v6;
  putHalf(body, 6, port ^ (magicCookie >>> 16));
  address.forEach((byte, i) => {
    body[8 + i] = byte ^ (echoed[i] ?? 0);
  });
  return body;
}

/** ERROR-CODE 420 without a phrase, and UNKNOWN-ATTRIBUTES. */
function unknownBody(unknown: readonly number[]): Uint8Array {
  const body = new Uint8Array(8 + attributeHeaderBytes + padded(2 * unknown.length));
  putHalf(body, 0, attributes.errorCode);
  putHalf(body, 2, 4);
  body.set(unknownAttributeCode, 6);
  putHalf(body, 8, attributes.unknownAttributes);
  putHalf(body, 10, 2 * unknown.length);
  for (const [i, kind] of unknown.entries()) putHalf(body, 12 + 2 * i, kind);
  return body;
}

/** The value of a FINGERPRINT that comes after these bytes. Their header counts it already. */
export function fingerprintOf(bytes: Uint8Array): number {
  let crc = 0xffff_ffff;
  for (const byte of bytes) crc = (crc >>> 8) ^ (crcTable[(crc ^ byte) & 0xff] ?? 0);
  return (crc ^ 0xffff_ffff ^ fingerprintMask) >>> 0;
}

/** CRC-32 of each byte (ITU V.42). */
const crcTable = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb8_8320 : crc >>> 1;
  return crc >>> 0;
});

function padded(length: number): number {
  return (length + 3) & ~3;
}

function half(bytes: Uint8Array, at: number): number {
  return ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
}

function word(bytes: Uint8Array, at: number): number {
  return half(bytes, at) * 0x1_0000 + half(bytes, at + 2);
}

function putHalf(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 8;
  bytes[at + 1] = value;
}

function putWord(bytes: Uint8Array, at: number, value: number): void {
  putHalf(bytes, at, value >>> 16);
  putHalf(bytes, at + 2, value & 0xffff);
}
