/** What a game may send to a peer, and the bytes that it is on the wire. */
import { reliableLimits } from "../../core/reliable/limits.ts";
import { wireLimits } from "../../core/wire/limits.ts";
import { type OwnCode, ownError, ownProblems } from "../error.ts";

/** A text is sent as its UTF-8 bytes. The peer always gets bytes. */
export type Packet = string | ArrayBuffer | ArrayBufferView;

const encoder = new TextEncoder();
/** Throws for all that is no ArrayBuffer, whatever realm it is of. */
const byteLengthOf = Object.getOwnPropertyDescriptor(ArrayBuffer.prototype, "byteLength")?.get;

/** The bytes of a packet; they may share its memory. Throws a TypeError, `invalid_packet`, or `packet_too_large`. */
export function bytesOf(packet: unknown): Uint8Array {
  return boundedBytesOf(packet, wireLimits.gamePacketBytes, "packet_too_large");
}

/** The bytes of a reliable message, copied. Throws a TypeError, `invalid_packet`, or `message_too_large`. */
export function messageOf(message: unknown): Uint8Array {
  return boundedBytesOf(message, reliableLimits.messageBytes, "message_too_large").slice();
}

function boundedBytesOf(packet: unknown, most: number, tooLarge: OwnCode): Uint8Array {
  // A UTF-16 unit is at least a byte: a text that is much too long need not be encoded.
  if (typeof packet === "string" && packet.length > most) throw ownError(tooLarge);
  const bytes = typeof packet === "string" ? encoder.encode(packet) : viewOf(packet);
  if (!bytes) throw Object.assign(new TypeError(ownProblems.invalid_packet), { code: "invalid_packet" });
  if (bytes.length > most) throw ownError(tooLarge);
  return bytes;
}

/** Null for everything that is not plain memory: shared or resizable memory may change while it is read. */
function viewOf(packet: unknown): Uint8Array | null {
  const view = ArrayBuffer.isView(packet) ? packet : null;
  const buffer: unknown = view ? view.buffer : packet;
  if (!isArrayBuffer(buffer) || buffer.resizable) return null;
  try {
    return view ? new Uint8Array(buffer, view.byteOffset, view.byteLength) : new Uint8Array(buffer);
  } catch {
    // The memory was transferred: it is not the game's any more.
    return null;
  }
}

function isArrayBuffer(value: unknown): value is ArrayBuffer {
  try {
    byteLengthOf?.call(value);
    return true;
  } catch {
    return false;
  }
}
