/** Signed datagrams, as Node computes them (core/wire/signed-datagram.ts). */
import { createHmac } from "node:crypto";
import { macBytes, sameText } from "../../core/token.ts";
import { base64UrlOf } from "../../core/wire/base64.ts";
import { encodeMessage } from "../../core/wire/codec.ts";
import type { SidecarMethod, SidecarPayload } from "../../core/wire/sidecar-message.ts";
import type { SignedDatagram } from "../../core/wire/signed-datagram.ts";

/**
 * Bytes that every probe and bind has at least: the longest answer has fewer, and no answer may be longer.
 */
const roomForAnswer = 320;

/**
 * A datagram for the sidecar, long enough for any answer. The key is a text: that of a pass, or of a ticket.
 */
export function signDatagram<M extends "ptpMediation_probe" | "ptpRelay_bind">(
  key: string,
  method: M,
  payload: SidecarPayload<M>,
): string {
  const bare = withMac(key, method, payload);
  const missing = roomForAnswer - bare.length;
  // Three characters of JSON are four of base64; the field's name is more than the rest.
  return missing <= 0
    ? bare
    : withMac(key, method, { ...payload, pad: "-".repeat(Math.ceil(missing * 0.75)) });
}

function withMac(key: string, method: SidecarMethod, payload: object): string {
  const signed = encodeMessage(method, payload);
  return `${signed}.${macOf(key, signed)}`;
}

/** Whether whoever sent it knows the key. */
export function isSignedWith(key: string, { signed, mac }: SignedDatagram): boolean {
  return sameText(mac, macOf(key, signed));
}

function macOf(key: string, text: string): string {
  return base64UrlOf(createHmac("sha256", key).update(text).digest("binary").slice(0, macBytes));
}
