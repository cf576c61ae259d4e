import { decodeBase64Url, encodeBase64Url } from "./wire/base64.ts";

/**
 * A client's token: `<masked holder>.<client id>.<hour of issue>.<filter mac>.<mac>`.
 *
 * It names the object that holds the client's socket, so no request needs a look-up. The name is masked: a lobby's code is
 * its only secret, and Orion's datagrams carry the token in clear. Two macs prove it, both HMAC-SHA-256 and in base64url:
 *
 * - the filter mac (64 bits, over all before it). Each sidecar can check it with no I/O, so junk never leaves a sidecar. The
 *   sidecars share its key. A thief of that key can make sidecars post; the Worker then refuses what they post.
 * - the mac (128 bits, over all before it). Only the Worker can check it, so no sidecar can make a token.
 *
 * The client id is not secret. The programs compute macs and masks: this file has no crypto.
 */
export type Token = {
  /** The masked name of the object that holds the client's socket, as base64url. */
  masked: string;
  /** 16 characters of base64url: 96 random bits. */
  clientId: string;
  /** When the token was issued, in whole hours since 1970. */
  issuedHour: number;
  /** What the filter mac is computed over, and the filter mac as the token states it. */
  filtered: string;
  filter: string;
  /** What the mac is computed over. */
  signed: string;
  /** The mac as the token states it: not to be believed before it is compared. */
  mac: string;
};

/**
 * A secret token is a token with one more mac: `<token>.<mac>`. Orion's datagrams carry the token in clear, so a reader of UDP may have it.
 * The secret token is told in answers to HTTP requests alone, and what a thief of the token must not do needs it. The token in it, and its
 * mac; null for any other text.
 */
export function parseSecretToken(text: string): { token: string; mac: string } | null {
  const [, token = "", mac = ""] = /^(.{1,200})\.([\w-]{22})$/.exec(text) ?? [];
  return parseToken(token) && { token, mac };
}

/** A token of the version before: `<masked holder>.<client id>.<mac>`. Sockets that outlive an update still have them. */
export type TokenBefore = Pick<Token, "masked" | "clientId" | "signed" | "mac">;

/** A genuine token, with its mask taken off. */
export type ClientToken = { holder: string; clientId: string };

/** Bytes of randomness in a client id. */
export const clientIdBytes = 12;
/** Bytes of the HMAC that a token carries for the Worker. */
export const macBytes = 16;
/** Bytes of the HMAC that it carries for sidecars. A forger has to send 2^63 datagrams for one that passes. */
export const filterBytes = 8;

/** Characters of the shortest secret that is accepted, without spaces around it. `openssl rand -hex 32` makes 64. */
export const shortestSecret = 16;

/**
 * A secret as the Worker uses it. A pasted one may have a line end, a space or a byte order mark around it, which nobody sees.
 * Empty if there is none.
 */
export function secretText(given: string | undefined): string {
  return (given ?? "").trim();
}

/** From the one secret come all keys, each the HMAC-SHA-256 of its label under the secret. Only the Worker has the secret. */
export const keyLabels = {
  token: "orion-edge token v3",
  tokenBefore: "orion-edge token v2",
  holder: "orion-edge holder v1",
  /** The one that all sidecars get. */
  filter: "orion-edge token filter v1",
  pass: "orion-edge pass v1",
  /** From this come the sidecars' own keys (core/sidecar-key.ts). */
  sidecar: "orion-edge sidecar key v1",
  network: "orion-edge network v1",
  resume: "orion-edge resume v1",
  secretToken: "orion-edge secret token v1",
  /** Makes the keys of tickets for relays over WebSocket (core/relay/ticket.ts). No sidecar has it. */
  webSocketRelay: "orion-edge relay over websocket v1",
} as const;
export type KeyUse = keyof typeof keyLabels;

/** Bytes of a holder's name, at most: as many as its mask has. */
export const holderBytes = 32;
/** The name of an object that holds sockets: a lounge, or a lobby. */
export const holderShape = /^[\w:-]{1,32}$/;
export const clientIdShape = /^[\w-]{16}$/;
const shape = /^([\w-]{2,43})\.([\w-]{16})\.([\da-z]{1,6})\.([\w-]{11})\.([\w-]{22})$/;
const shapeBefore = /^([\w-]{2,43})\.([\w-]{16})\.([\w-]{22})$/;
/** Characters of the longest token. */
export const longestToken = 43 + 1 + 16 + 1 + 6 + 1 + 11 + 1 + 22;

const hourMs = 3_600_000;

/** The parts of a token, or null if it does not have a token's shape. Its macs are not checked. */
export function parseToken(text: string): Token | null {
  const match = shape.exec(text);
  if (!match) return null;
  const [, masked = "", clientId = "", hour = "", filter = "", mac = ""] = match;
  const filtered = `${masked}.${clientId}.${hour}`;
  const issuedHour = Number.parseInt(hour, 36);
  return { masked, clientId, issuedHour, filtered, filter, signed: `${filtered}.${filter}`, mac };
}

/** The same of a token of the version before. */
export function parseTokenBefore(text: string): TokenBefore | null {
  const match = shapeBefore.exec(text);
  if (!match) return null;
  const [, masked = "", clientId = "", mac = ""] = match;
  return { masked, clientId, signed: `${masked}.${clientId}`, mac };
}

/** What a token's filter mac is computed over. `now` is in milliseconds since 1970. */
export function filteredText(masked: string, clientId: string, now: number): string {
  return `${masked}.${clientId}.${hourOf(now).toString(36)}`;
}

/** Whole hours since 1970. */
export function hourOf(now: number): number {
  return Math.max(0, Math.floor(now / hourMs));
}

/** A holder's name as its client's token has it. `mask`: the HMAC-SHA-256 of the client id under the holder key. */
export function maskHolder(holder: string, mask: Uint8Array): string {
  return encodeBase64Url(Uint8Array.from(holder, (character, i) => character.charCodeAt(0) ^ (mask[i] ?? 0)));
}

/** The name under the mask, or null if there is none. */
export function unmaskHolder(masked: string, mask: Uint8Array): string | null {
  const bytes = decodeBase64Url(masked);
  if (!bytes || bytes.length > holderBytes) return null;
  const holder = String.fromCharCode(...bytes.map((byte, i) => byte ^ (mask[i] ?? 0)));
  return holderShape.test(holder) ? holder : null;
}

/** Whether two texts are equal, in a time that depends on their lengths only. */
export function sameText(a: string, b: string): boolean {
  if (a.length !== b.length) return false;
  let difference = 0;
  for (let i = 0; i < a.length; i++) difference |= a.charCodeAt(i) ^ b.charCodeAt(i);
  return difference === 0;
}
