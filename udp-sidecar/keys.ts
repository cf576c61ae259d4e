/** The keys that come from the deployment's secret, as Node computes them (core/token.ts, worker/platform/keys.ts). */
import { createHmac, createSecretKey, type KeyObject } from "node:crypto";
import {
  type ClientToken,
  type KeyUse,
  keyLabels,
  macBytes,
  sameText,
  type Token,
  unmaskHolder,
} from "../core/token.ts";
import { base64UrlOf } from "../core/wire/base64.ts";
import { encodeMessage } from "../core/wire/codec.ts";
import type { SidecarMethod, SidecarPayload } from "../core/wire/sidecar-message.ts";
import { signedText } from "../core/wire/sidecar-post.ts";
import type { SignedDatagram } from "../core/wire/signed-datagram.ts";

export function deriveKey(secret: string, use: KeyUse): KeyObject {
  return createSecretKey(createHmac("sha256", secret).update(keyLabels[use]).digest());
}

/** The HMAC-SHA-256 of a text, cut to so many bytes, in base64url. A key that is a text is its UTF-8. */
export function macOf(key: KeyObject | string, text: string, bytes: number = macBytes): string {
  // As binary text, a character is a byte: a Buffer would cost a forged datagram a third more.
  return base64UrlOf(createHmac("sha256", key).update(text).digest("binary").slice(0, bytes));
}

/** The same of each secret that is accepted: the deployment's, and the one before while one follows the other. */
export function deriveKeys({ secret, secretBefore }: Secrets, use: KeyUse): KeyObject[] {
  return [secret, ...(secretBefore === undefined ? [] : [secretBefore])].map((one) => deriveKey(one, use));
}
export type Secrets = { secret: string; secretBefore?: string | undefined };

/** The keys of one secret that tokens are checked and read with. */
export type TokenKeys = { token: KeyObject; holder: KeyObject };

/** Those of each secret that is accepted. */
export function tokenKeysOf(secrets: Secrets): TokenKeys[] {
  const holders = deriveKeys(secrets, "holder");
  return deriveKeys(secrets, "token").flatMap((token, i) => {
    const holder = holders[i];
    return holder ? { token, holder } : [];
  });
}

/** The client whose token it is, or null unless this deployment issued it under one of these keys. */
export function clientOf(tokenKeys: readonly TokenKeys[], token: Token): ClientToken | null {
  const { masked, clientId, signed, mac } = token;
  for (const keys of tokenKeys) {
    if (!sameText(mac, macOf(keys.token, signed))) continue;
    const holder = unmaskHolder(masked, maskOf(keys, clientId));
    return holder === null ? null : { holder, clientId };
  }
  return null;
}

/** What a holder's name is masked with in the token of one client. */
export function maskOf({ holder }: TokenKeys, clientId: string): Uint8Array {
  return createHmac("sha256", holder).update(clientId).digest();
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
export function signPost(key: KeyObject, path: string, body: string): string {
  return createHmac("sha256", key).update(signedText(path, body)).digest("hex");
}
