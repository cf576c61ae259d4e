/** The keys of a sidecar, as Node computes them (core/sidecar-key.ts, core/token.ts, worker/platform/keys.ts). */
import { createHmac, createSecretKey, type KeyObject } from "node:crypto";
import { type SidecarKey, type SidecarKeyUse, sidecarKeyLabels } from "../core/sidecar-key.ts";
import { filterBytes, macBytes, sameText, type Token } from "../core/token.ts";
import { base64UrlOf } from "../core/wire/base64.ts";
import { encodeMessage } from "../core/wire/codec.ts";
import {
  type GatewayClaim,
  type GatewayRequest,
  gatewayHeaderText,
  gatewayText,
} from "../core/wire/gateway.ts";
import type { SidecarMethod, SidecarPayload } from "../core/wire/sidecar-message.ts";
import { signedText } from "../core/wire/sidecar-post.ts";
import type { SignedDatagram } from "../core/wire/signed-datagram.ts";

/** The sidecar's own key, and the one before it, which is accepted too while one follows the other (docs/changing-keys.md). */
export type SidecarKeys = { key: SidecarKey; keyBefore?: SidecarKey | undefined };

/** The key for one use. */
export function deriveKey({ key }: SidecarKey, use: SidecarKeyUse): KeyObject {
  const own = Buffer.from(key, "base64url");
  return createSecretKey(createHmac("sha256", own).update(sidecarKeyLabels[use]).digest());
}

/** Those of each key that is accepted. */
export function deriveKeys(keys: SidecarKeys, use: SidecarKeyUse): KeyObject[] {
  return acceptedOf(keys).map((one) => deriveKey(one, use));
}

/** What tokens of each secret are checked with. */
export function filtersOf(keys: SidecarKeys): KeyObject[] {
  return acceptedOf(keys).map(({ filter }) => createSecretKey(Buffer.from(filter, "base64url")));
}

function acceptedOf({ key, keyBefore }: SidecarKeys): SidecarKey[] {
  return keyBefore === undefined ? [key] : [key, keyBefore];
}

/** Whether the token is no junk: this deployment issued it, or a thief of the filter key made it up. The Worker can tell. */
export function isLikely(filters: readonly KeyObject[], { filtered, filter }: Token): boolean {
  return filters.some((key) => sameText(filter, macOf(key, filtered, filterBytes)));
}

/** The HMAC-SHA-256 of a text, cut to so many bytes, in base64url. A key that is a text is its UTF-8. */
export function macOf(key: KeyObject | string, text: string, bytes: number = macBytes): string {
  // As binary text, a character is a byte: a Buffer would cost a forged datagram a third more.
  return base64UrlOf(createHmac("sha256", key).update(text).digest("binary").slice(0, bytes));
}

/** Whether whoever sent the datagram knows the key. */
export function isSignedWith(key: string, { signed, mac }: SignedDatagram): boolean {
  return sameText(mac, macOf(key, signed));
}

/** A datagram for somebody who knows the key (core/wire/signed-datagram.ts). */
export function signDatagram<M extends SidecarMethod>(
  key: string,
  method: M,
  payload: SidecarPayload<M>,
): string {
  const signed = encodeMessage(method, payload);
  return `${signed}.${macOf(key, signed)}`;
}

/** The signature of a post, in hex. */
export function signPost(key: KeyObject, name: string, path: string, body: string): string {
  return createHmac("sha256", key)
    .update(signedText(name, path, body))
    .digest("hex");
}

/** The header of a gateway's request. `key`: the sidecar's for this use, "gateway". */
export function signGateway(key: KeyObject, claim: GatewayClaim, request: GatewayRequest): string {
  const mac = createHmac("sha256", key).update(gatewayText(claim, request)).digest("hex");
  return gatewayHeaderText(claim, mac);
}
