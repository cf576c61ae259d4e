/**
 * A datagram that proves who sent it without telling the secret: `method:base64(JSON).mac`. The mac is the
 * HMAC-SHA-256 of all before the dot, under a key that both ends know, cut to 128 bits, in base64url. Keys
 * are texts, a token or a ticket's key as it was told: their UTF-8 is what the HMAC takes. The shells
 * compute it: this file has no crypto.
 */
import { decodeMessage, type Message } from "./codec.ts";
import { wireLimits } from "./limits.ts";

export type SignedDatagram = Message & {
  /** What the mac is computed over. */
  signed: string;
  /** The mac as the datagram states it: not to be believed before it is compared. */
  mac: string;
};

const shape = /^([a-zA-Z_]{1,40}:[\w+/=-]{1,1000})\.([\w-]{22})$/;
const decoder = new TextDecoder("utf-8", { fatal: true });

/** The parts of a signed datagram, or null for any other bytes. Never throws. */
export function readSignedDatagram(bytes: Uint8Array): SignedDatagram | null {
  if (bytes.length > wireLimits.datagramBytes) return null;
  try {
    const [, signed = "", mac = ""] = shape.exec(decoder.decode(bytes)) ?? [];
    const message = decodeMessage(signed);
    return message && { ...message, signed, mac };
  } catch {
    return null;
  }
}
