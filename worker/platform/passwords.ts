/** Lobbies' passwords: what a lobby keeps of one, and what a newcomer's comes to. */
import type { Password } from "../../core/lobby/state.ts";
import { encodeBase64Url } from "../../core/wire/base64.ts";

const encoder = new TextEncoder();
const algorithm = { name: "HMAC", hash: "SHA-256" };
const saltBytes = 16;

/** A new password as it is kept: no two of them are kept alike. */
export async function keptPassword(text: string): Promise<Password> {
  const salt = encodeBase64Url(crypto.getRandomValues(new Uint8Array(saltBytes)));
  return { salt, hash: await passwordHash(salt, text) };
}

/** The HMAC-SHA-256 of a password under a lobby's salt, as base64url. */
export async function passwordHash(salt: string, text: string): Promise<string> {
  const key = await crypto.subtle.importKey("raw", encoder.encode(salt), algorithm, false, ["sign"]);
  const mac = await crypto.subtle.sign("HMAC", key, encoder.encode(text.normalize("NFC")));
  return encodeBase64Url(new Uint8Array(mac));
}
