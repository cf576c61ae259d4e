/** What a game may send to a peer, and the bytes that it is on the wire. */
import { types } from "node:util";
import { wireLimits } from "../../core/wire/limits.ts";
import { ownError } from "../error.ts";

/** A text is sent as its UTF-8 bytes. The peer always gets bytes. */
export type Packet = string | ArrayBuffer | ArrayBufferView;

const encoder = new TextEncoder();

/** The bytes of a packet; they may share its memory. Throws `invalid_packet` or `packet_too_large`. */
export function bytesOf(packet: unknown): Uint8Array {
  // A UTF-16 unit is at least a byte: a text that is much too long need not be encoded.
  if (typeof packet === "string" && packet.length > wireLimits.gamePacketBytes)
    throw ownError("packet_too_large");
  const bytes = typeof packet === "string" ? encoder.encode(packet) : viewOf(packet);
  if (!bytes) throw ownError("invalid_packet");
  if (bytes.length > wireLimits.gamePacketBytes) throw ownError("packet_too_large");
  return bytes;
}

/** Null for everything that is not plain memory: shared or resizable memory may change while it is read. */
function viewOf(packet: unknown): Uint8Array | null {
  const view = ArrayBuffer.isView(packet) ? packet : null;
  const buffer: unknown = view ? view.buffer : packet;
  if (!types.isArrayBuffer(buffer) || buffer.resizable) return null;
  try {
    return view ? new Uint8Array(buffer, view.byteOffset, view.byteLength) : new Uint8Array(buffer);
  } catch {
    // The memory was transferred: it is not the game's any more.
    return null;
  }
}
