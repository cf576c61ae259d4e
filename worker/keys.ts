/** The keys that come from the deployment's secret, and what is made and checked with them (core/token.ts). */
import {
  type KeyUse,
  keyLabels,
  macBytes,
  parseToken,
  sameText,
  type Token,
  tokenText,
} from "../core/token.ts";
import { encodeBase64Url } from "../core/wire/base64.ts";
import { signedText } from "../core/wire/sidecar-post.ts";
import type { Env } from "./env.ts";

/** A fresh token for a client of this home. */
export async function issueToken(env: Env, home: string, clientId: string): Promise<string> {
  const signed = tokenText(home, clientId);
  return `${signed}.${await tokenMac(env, signed)}`;
}

/** The parts of a genuine token, or null for any other text. No I/O. */
export async function verifyToken(env: Env, text: string): Promise<Token | null> {
  const token = parseToken(text);
  return token && sameText(token.mac, await tokenMac(env, token.signed)) ? token : null;
}

/** What the holder of a relay's ticket signs with. */
export async function ticketKey(env: Env, ticket: string): Promise<string> {
  return shortMac(await key(env, "relay"), ticket);
}

/** Whether a sidecar's post was signed with this deployment's secret. */
export async function verifyPost(env: Env, path: string, body: string, signature: string): Promise<boolean> {
  const mac = await hmac(await key(env, "sidecar"), signedText(path, body));
  return sameText(signature, Array.from(mac, (byte) => byte.toString(16).padStart(2, "0")).join(""));
}

/** Bytes that look random, and are the same for the same secret: what AES-CTR makes of zeros. */
export async function keyStream(env: Env, bytes: number): Promise<Uint8Array> {
  const secret = await importKey(encoder.encode(env.ORION_SECRET ?? ""));
  const raw = await hmac(secret, keyLabels.code);
  const aes = await crypto.subtle.importKey("raw", raw, "AES-CTR", false, ["encrypt"]);
  const counter = { name: "AES-CTR", counter: new Uint8Array(16), length: 64 };
  return new Uint8Array(await crypto.subtle.encrypt(counter, aes, new Uint8Array(bytes)));
}

async function tokenMac(env: Env, signed: string): Promise<string> {
  return shortMac(await key(env, "token"), signed);
}

async function shortMac(withKey: CryptoKey, text: string): Promise<string> {
  return encodeBase64Url((await hmac(withKey, text)).subarray(0, macBytes));
}

const encoder = new TextEncoder();
const algorithm = { name: "HMAC", hash: "SHA-256" };
/** Keys by use and secret. Deriving one takes two calls of WebCrypto; an isolate does it once. */
const keys = new Map<string, CryptoKey>();

async function key(env: Env, use: Exclude<KeyUse, "code">): Promise<CryptoKey> {
  const secret = env.ORION_SECRET ?? "";
  const name = `${use}:${secret}`;
  const known = keys.get(name);
  if (known) return known;
  const derived = await importKey(await hmac(await importKey(encoder.encode(secret)), keyLabels[use]));
  keys.set(name, derived);
  return derived;
}

function importKey(bytes: Uint8Array): Promise<CryptoKey> {
  return crypto.subtle.importKey("raw", bytes, algorithm, false, ["sign"]);
}

async function hmac(withKey: CryptoKey, text: string): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.sign("HMAC", withKey, encoder.encode(text)));
}
