/** The keys that come from the deployment's secret, as Node computes them (core/token.ts, worker/keys.ts). */
import { createHmac, createSecretKey, type KeyObject } from "node:crypto";
import { type KeyUse, keyLabels, macBytes, sameText, type Token } from "../core/token.ts";
import { base64UrlOf } from "../core/wire/base64.ts";
import { signedText } from "../core/wire/sidecar-post.ts";

export function deriveKey(secret: string, use: KeyUse): KeyObject {
  return createSecretKey(createHmac("sha256", secret).update(keyLabels[use]).digest());
}

/** Whether this deployment issued the token. */
export function isGenuine(key: KeyObject, { signed, mac }: Token): boolean {
  // As binary text, a character is a byte: a Buffer would cost a forged datagram a third more.
  const digest = createHmac("sha256", key).update(signed).digest("binary");
  return sameText(mac, base64UrlOf(digest.slice(0, macBytes)));
}

/** The signature of a post, in hex. */
export function signPost(key: KeyObject, path: string, body: string): string {
  return createHmac("sha256", key).update(signedText(path, body)).digest("hex");
}
