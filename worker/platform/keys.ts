/** The keys that come from the deployment's secret, or its two while one follows the other, and what is made and checked with them (core/token.ts). */
import { networkLength } from "../../core/lobby/kept-charges.ts";
import { networkOf } from "../../core/network.ts";
import {
  type ClientToken,
  type KeyUse,
  keyLabels,
  macBytes,
  maskHolder,
  parseToken,
  sameText,
  secretText,
  tokenText,
  unmaskHolder,
} from "../../core/token.ts";
import { encodeBase64Url } from "../../core/wire/base64.ts";
import { signedText } from "../../core/wire/sidecar-post.ts";

/** What is made and checked with: all of the environment that this file knows. */
export type Secrets = {
  /** The deployment's one secret, the same on every sidecar. `wrangler secret put ORION_SECRET` */
  ORION_SECRET?: string;
  /** A second one that is accepted, while one follows the other (docs/updating.md). */
  ORION_SECRET_BEFORE?: string;
};

/** The secrets that are accepted. The first makes all that is new. */
export function secretsOf({ ORION_SECRET, ORION_SECRET_BEFORE }: Secrets): [string, ...string[]] {
  const [secret, before] = [secretText(ORION_SECRET), secretText(ORION_SECRET_BEFORE)];
  return before === "" ? [secret] : [secret, before];
}

/** A fresh token for a client whose socket this object holds. */
export async function issueToken(env: Secrets, holder: string, clientId: string): Promise<string> {
  const [secret] = secretsOf(env);
  const signed = tokenText(maskHolder(holder, await maskOf(secret, clientId)), clientId);
  return `${signed}.${await shortMac(await key(secret, "token"), signed)}`;
}

/** Who a genuine token belongs to, or null for any other text. No I/O. */
export async function verifyToken(env: Secrets, text: string): Promise<ClientToken | null> {
  const token = parseToken(text);
  if (!token) return null;
  const { masked, clientId, signed, mac } = token;
  for (const secret of secretsOf(env)) {
    if (!sameText(mac, await shortMac(await key(secret, "token"), signed))) continue;
    const holder = unmaskHolder(masked, await maskOf(secret, clientId));
    return holder === null ? null : { holder, clientId };
  }
  return null;
}

/** What a holder's name is masked with in the token of one client. */
async function maskOf(secret: string, clientId: string): Promise<Uint8Array> {
  return await hmac(await key(secret, "holder"), clientId);
}

/** Stands for the network of an address, where lobbies tell networks apart: 4 characters. Undefined if there is none. */
export async function networkTag(env: Secrets, address: string | undefined): Promise<string | undefined> {
  const network = address === undefined ? null : networkOf(address);
  if (network === null) return undefined;
  return (await shortMac(await key(secretsOf(env)[0], "network"), network)).slice(0, networkLength);
}

/** What the holder of a relay's ticket signs with. */
export async function ticketKey(env: Secrets, ticket: string): Promise<string> {
  return shortMac(await key(secretsOf(env)[0], "relay"), ticket);
}

/** Whether this is the key that the holder of the ticket was told: by this secret, or by the one before. */
export async function isTicketKey(env: Secrets, ticket: string, text: string): Promise<boolean> {
  for (const secret of secretsOf(env)) {
    if (sameText(text, await shortMac(await key(secret, "relay"), ticket))) return true;
  }
  return false;
}

/** Whether a sidecar's post was signed with a secret of this deployment. */
export async function verifyPost(
  env: Secrets,
  path: string,
  body: string,
  signature: string,
): Promise<boolean> {
  for (const secret of secretsOf(env)) {
    const mac = await hmac(await key(secret, "sidecar"), signedText(path, body));
    const hex = Array.from(mac, (byte) => byte.toString(16).padStart(2, "0")).join("");
    if (sameText(signature, hex)) return true;
  }
  return false;
}

async function shortMac(withKey: CryptoKey, text: string): Promise<string> {
  return encodeBase64Url((await hmac(withKey, text)).subarray(0, macBytes));
}

const encoder = new TextEncoder();
const algorithm = { name: "HMAC", hash: "SHA-256" };
/** Keys by use and secret. Deriving one takes two calls of WebCrypto; an isolate does it once. */
const keys = new Map<string, CryptoKey>();

async function key(secret: string, use: KeyUse): Promise<CryptoKey> {
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
