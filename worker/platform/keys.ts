/** The keys that come from the deployment's secret, or its two while one follows the other, and what is made and checked with them (core/token.ts). */
import { networkLength } from "../../core/lobby/kept-charges.ts";
import { ownersNetworkOf } from "../../core/network.ts";
import { type Pass, parsePass, passText, signedPassText } from "../../core/observing/pass.ts";
import {
  type SidecarId,
  type SidecarKeyUse,
  sidecarKeyLabel,
  sidecarKeyLabels,
} from "../../core/sidecar-key.ts";
import {
  type ClientToken,
  filterBytes,
  filteredText,
  type KeyUse,
  keyLabels,
  macBytes,
  maskHolder,
  parseSecretToken,
  parseToken,
  parseTokenBefore,
  sameText,
  secretText,
  unmaskHolder,
} from "../../core/token.ts";
import { encodeBase64Url } from "../../core/wire/base64.ts";
import { type GatewayClaim, type GatewayRequest, gatewayText } from "../../core/wire/gateway.ts";
import { signedText } from "../../core/wire/sidecar-post.ts";

/** What is made and checked with: all of the environment that this file knows. */
export type Secrets = {
  /** The deployment's one secret, which nobody else has: `wrangler secret put ORION_SECRET` */
  ORION_SECRET?: string;
  /** A second one that is accepted, while one follows the other (docs/changing-keys.md). */
  ORION_SECRET_BEFORE?: string;
};

/** What a resume key says. */
export type ResumeKey = { clientId: string; resumes: number };

/** The secrets that are accepted. The first makes all that is new. */
export function secretsOf({ ORION_SECRET, ORION_SECRET_BEFORE }: Secrets): [string, ...string[]] {
  const [secret, before] = [secretText(ORION_SECRET), secretText(ORION_SECRET_BEFORE)];
  return before === "" ? [secret] : [secret, before];
}

/** A fresh token for a client whose socket this object holds. `now` is in milliseconds since 1970. */
export async function issueToken(
  env: Secrets,
  holder: string,
  clientId: string,
  now: number,
): Promise<string> {
  const [secret] = secretsOf(env);
  const filtered = filteredText(maskHolder(holder, await maskOf(secret, clientId)), clientId, now);
  const signed = `${filtered}.${await mac(await key(secret, "filter"), filtered, filterBytes)}`;
  return `${signed}.${await mac(await key(secret, "token"), signed)}`;
}

/** Who a genuine token belongs to, or null for any other text. No I/O. */
export async function verifyToken(env: Secrets, text: string): Promise<ClientToken | null> {
  const token = parseToken(text);
  if (token) return await verifyUnder(env, "token", token);
  const before = parseTokenBefore(text);
  return before && (await verifyUnder(env, "tokenBefore", before));
}

/** The secret token of a client with this token. */
export async function issueSecretToken(env: Secrets, token: string): Promise<string> {
  return `${token}.${await mac(await key(secretsOf(env)[0], "secretToken"), token)}`;
}

/** Who a genuine secret token belongs to, or null for any other text, a token among them. */
export async function verifySecretToken(env: Secrets, text: string): Promise<ClientToken | null> {
  const parsed = parseSecretToken(text);
  if (!parsed) return null;
  for (const secret of secretsOf(env)) {
    if (sameText(parsed.mac, await mac(await key(secret, "secretToken"), parsed.token)))
      return await verifyToken(env, parsed.token);
  }
  return null;
}

async function verifyUnder(
  env: Secrets,
  use: "token" | "tokenBefore",
  {
    masked,
    clientId,
    signed,
    mac: stated,
  }: { masked: string; clientId: string; signed: string; mac: string },
): Promise<ClientToken | null> {
  for (const secret of secretsOf(env)) {
    if (!sameText(stated, await mac(await key(secret, use), signed))) continue;
    const holder = unmaskHolder(masked, await maskOf(secret, clientId));
    return holder === null ? null : { holder, clientId };
  }
  return null;
}

/** What a holder's name is masked with in the token of one client. */
async function maskOf(secret: string, clientId: string): Promise<Uint8Array> {
  return await hmac(await key(secret, "holder"), clientId);
}

/** Stands for the network of an address, where lobbies tell networks apart (of IPv6 the /48): 3 characters. Undefined if there is none. */
export async function networkTag(env: Secrets, address: string | undefined): Promise<string | undefined> {
  const network = address === undefined ? null : ownersNetworkOf(address);
  if (network === null) return undefined;
  return (await mac(await key(secretsOf(env)[0], "network"), network)).slice(0, networkLength);
}

/**
 * A member's resume key: `<client id>.<n>.<mac>`, for the lobby of this incarnation. `resumes`, its n: how often the member has come back by then.
 * Nothing of it is kept but n, and a key of another n is no good.
 */
export async function issueResumeKey(
  env: Secrets,
  incarnation: string,
  { clientId, resumes }: ResumeKey,
): Promise<string> {
  return `${clientId}.${resumes}.${await resumeMac(secretsOf(env)[0], incarnation, { clientId, resumes })}`;
}

/** Whose key it is, if it was made for this lobby; null for any other text. */
export async function verifyResumeKey(
  env: Secrets,
  incarnation: string,
  text: string,
): Promise<ResumeKey | null> {
  const [clientId = "", number = "", stated = ""] = text.split(".");
  const resumes = Number(number);
  for (const secret of secretsOf(env)) {
    if (sameText(stated, await resumeMac(secret, incarnation, { clientId, resumes })))
      return { clientId, resumes };
  }
  return null;
}

async function resumeMac(
  secret: string,
  incarnation: string,
  { clientId, resumes }: ResumeKey,
): Promise<string> {
  return await mac(await key(secret, "resume"), `${incarnation}.${clientId}.${resumes}`);
}

/** What lets one client probe one sidecar in one mediation, and what its probes are signed with. */
export async function issuePass(
  env: Secrets,
  sidecar: SidecarId,
  { holder, clientId, mediation, expiresAt }: ClientToken & Pick<Pass, "mediation" | "expiresAt">,
): Promise<{ pass: string; passKey: string }> {
  const [secret] = secretsOf(env);
  const masked = maskHolder(holder, await maskOf(secret, clientId));
  const text = passText({ masked, clientId, mediation, expiresAt });
  const pass = `${text}.${await mac(await key(secret, "pass"), signedPassText(text, sidecar.name))}`;
  return { pass, passKey: await mac(await sidecarKey(secret, sidecar, "pass"), pass) };
}

/** Whose pass it is and for which mediation, if it was made for this sidecar and is good at this time; or null. */
export async function verifyPass(
  env: Secrets,
  sidecar: string,
  given: string,
  now: number,
): Promise<(ClientToken & { mediation: string }) | null> {
  const pass = parsePass(given);
  if (!pass || pass.expiresAt < now) return null;
  const { masked, clientId, mediation, text, mac: stated } = pass;
  for (const secret of secretsOf(env)) {
    if (!sameText(stated, await mac(await key(secret, "pass"), signedPassText(text, sidecar)))) continue;
    const holder = unmaskHolder(masked, await maskOf(secret, clientId));
    return holder === null ? null : { holder, clientId, mediation };
  }
  return null;
}

/** What the holder of a relay's ticket signs with, at this sidecar. */
export async function ticketKey(env: Secrets, sidecar: SidecarId, ticket: string): Promise<string> {
  return mac(await sidecarKey(secretsOf(env)[0], sidecar, "relay"), ticket);
}

/** Whether this is the key that the holder of the ticket was told: by this secret, or by the one before. */
export async function isTicketKey(
  env: Secrets,
  sidecar: SidecarId,
  ticket: string,
  text: string,
): Promise<boolean> {
  for (const secret of secretsOf(env)) {
    if (sameText(text, await mac(await sidecarKey(secret, sidecar, "relay"), ticket))) return true;
  }
  return false;
}

/** What the holder of a ticket for a relay over WebSocket shows with it. */
export async function webSocketTicketKey(env: Secrets, ticket: string): Promise<string> {
  return await mac(await key(secretsOf(env)[0], "webSocketRelay"), ticket);
}

/** Whether this is that key: by this secret, or by the one before. */
export async function isWebSocketTicketKey(env: Secrets, ticket: string, text: string): Promise<boolean> {
  for (const secret of secretsOf(env)) {
    if (sameText(text, await mac(await key(secret, "webSocketRelay"), ticket))) return true;
  }
  return false;
}

/** Whether this sidecar signed the post, with the key that comes from a secret of this deployment. */
export async function verifyPost(
  env: Secrets,
  sidecar: SidecarId,
  post: { path: string; body: string; signature: string },
): Promise<boolean> {
  const signed = signedText(sidecar.name, post.path, post.body);
  return await isSignedBy(env, sidecar, "post", signed, post.signature);
}

/** Whether this sidecar signed the header of this request. Its time is not looked at. */
export async function verifyGateway(
  env: Secrets,
  sidecar: SidecarId,
  { mac: stated, ...claim }: GatewayClaim & { mac: string },
  request: GatewayRequest,
): Promise<boolean> {
  return await isSignedBy(env, sidecar, "gateway", gatewayText(claim, request), stated);
}

/** Whether this is the signature of the text in hex, by a key that the sidecar has from a secret of this deployment. */
async function isSignedBy(
  env: Secrets,
  sidecar: SidecarId,
  use: SidecarKeyUse,
  signed: string,
  signature: string,
): Promise<boolean> {
  for (const secret of secretsOf(env)) {
    const own = await deriveSidecarKey(secret, sidecar, use);
    const hex = Array.from(await hmac(own, signed), (byte) => byte.toString(16).padStart(2, "0")).join("");
    if (!sameText(signature, hex)) continue;
    rememberSidecarKey(secret, sidecar, use, own);
    return true;
  }
  return false;
}

async function mac(withKey: CryptoKey, text: string, bytes: number = macBytes): Promise<string> {
  return encodeBase64Url((await hmac(withKey, text)).subarray(0, bytes));
}

const encoder = new TextEncoder();
const algorithm = { name: "HMAC", hash: "SHA-256" };
/** Keys by use and secret. Deriving one takes two calls of WebCrypto; an isolate does it once. */
const keys = new Map<string, CryptoKey>();
/** Sidecars' keys, by secret, use, number and name. A stranger may claim any name, so it is bounded, and no signature that is wrong adds one. */
const sidecarKeys = new Map<string, CryptoKey>();
const mostSidecarKeys = 1_000;

async function key(secret: string, use: KeyUse): Promise<CryptoKey> {
  const name = `${use}:${secret}`;
  const known = keys.get(name);
  if (known) return known;
  const derived = await importKey(await hmac(await importKey(encoder.encode(secret)), keyLabels[use]));
  keys.set(name, derived);
  return derived;
}

async function sidecarKey(secret: string, sidecar: SidecarId, use: SidecarKeyUse): Promise<CryptoKey> {
  const derived = await deriveSidecarKey(secret, sidecar, use);
  rememberSidecarKey(secret, sidecar, use, derived);
  return derived;
}

/** The same, not remembered if it is new. */
async function deriveSidecarKey(secret: string, sidecar: SidecarId, use: SidecarKeyUse): Promise<CryptoKey> {
  const known = sidecarKeys.get(sidecarKeyName(secret, sidecar, use));
  if (known) return known;
  const own = await importKey(await hmac(await key(secret, "sidecar"), sidecarKeyLabel(sidecar)));
  return await importKey(await hmac(own, sidecarKeyLabels[use]));
}

function rememberSidecarKey(
  secret: string,
  sidecar: SidecarId,
  use: SidecarKeyUse,
  derived: CryptoKey,
): void {
  const name = sidecarKeyName(secret, sidecar, use);
  if (sidecarKeys.has(name)) return;
  if (sidecarKeys.size >= mostSidecarKeys) sidecarKeys.clear();
  sidecarKeys.set(name, derived);
}

function sidecarKeyName(secret: string, sidecar: SidecarId, use: SidecarKeyUse): string {
  return `${use}:${sidecarKeyLabel(sidecar)}:${secret}`;
}

function importKey(bytes: Uint8Array): Promise<CryptoKey> {
  return crypto.subtle.importKey("raw", bytes, algorithm, false, ["sign"]);
}

async function hmac(withKey: CryptoKey, text: string): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.sign("HMAC", withKey, encoder.encode(text)));
}
