/**
 * What the two ends of a reliable stream send each other, inside sealed packets. Numbers are in network order.
 *
 * | bytes | a segment | an acknowledgement |
 * | --- | --- | --- |
 * | 1 | 0, or 1 if its message ends with it | 2 |
 * | 4 | its number, from 0 | the lowest number that has not come |
 * | the rest | bytes of the message | a bit for each of the numbers after that one, the lowest bit of a byte first: 1 if it has come |
 */
import { reliableLimits } from "./limits.ts";

export type Segment = {
  readonly kind: "segment";
  readonly number: number;
  readonly isLast: boolean;
  readonly bytes: Uint8Array;
};
export type Acknowledgement = {
  readonly kind: "acknowledgement";
  readonly next: number;
  readonly later: Uint8Array;
};
export type ReliablePacket = Segment | Acknowledgement;

const headerBytes = 5;
const firstBytes = { more: 0, last: 1, acknowledgement: 2 } as const;
const { segmentBytes, windowSegments } = reliableLimits;

export function writeSegment({ number, isLast, bytes }: Omit<Segment, "kind">): Uint8Array {
  const packet = new Uint8Array(headerBytes + bytes.length);
  packet[0] = isLast ? firstBytes.last : firstBytes.more;
  writeNumber(packet, number);
  packet.set(bytes, headerBytes);
  return packet;
}

/** `has`: whether a number after `next` has come. */
export function writeAcknowledgement(
  next: number,
  highest: number,
  has: (number: number) => boolean,
): Uint8Array {
  const bits = Math.max(0, highest - next);
  const packet = new Uint8Array(headerBytes + Math.ceil(bits / 8));
  packet[0] = firstBytes.acknowledgement;
  writeNumber(packet, next);
  for (let i = 0; i < bits; i++) {
    const at = headerBytes + (i >> 3);
    if (has(next + 1 + i)) packet[at] = (packet[at] ?? 0) | (1 << (i & 7));
  }
  return packet;
}

/** Null for bytes that are neither. The bytes of a segment share the packet's memory. */
export function readReliablePacket(packet: Uint8Array): ReliablePacket | null {
  if (packet.length < headerBytes) return null;
  const number = readNumber(packet);
  const rest = packet.subarray(headerBytes);
  switch (packet[0]) {
    case firstBytes.more:
    case firstBytes.last: {
      const isLast = packet[0] === firstBytes.last;
      // A message may be empty. A segment that is not the last one has something to say.
      if (rest.length > segmentBytes || (rest.length === 0 && !isLast)) return null;
      return { kind: "segment", number, isLast, bytes: rest };
    }
    case firstBytes.acknowledgement:
      return rest.length <= windowSegments / 8
        ? { kind: "acknowledgement", next: number, later: rest }
        : null;
    default:
      return null;
  }
}

/** Whether an acknowledgement says that this number has come. */
export function hasCome({ next, later }: Acknowledgement, number: number): boolean {
  const bit = number - next - 1;
  return number < next || (bit >= 0 && (((later[bit >> 3] ?? 0) >> (bit & 7)) & 1) === 1);
}

function writeNumber(packet: Uint8Array, number: number): void {
  for (let i = 0; i < 4; i++) packet[1 + i] = number >>> (24 - 8 * i);
}

function readNumber(packet: Uint8Array): number {
  let number = 0;
  for (let i = 1; i < headerBytes; i++) number = number * 256 + (packet[i] ?? 0);
  return number;
}
