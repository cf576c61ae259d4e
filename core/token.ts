import { decodeBase64Url, encodeBase64Url } from "./wire/base64.ts";

/**
 * A client's token: `<masked holder>.<client id>.<mac>`.
 *
 * It names the object that holds the client's socket, so no request needs a look-up. The name is masked: a lobby's code is
 * its only secret, and Orion's datagrams carry the token in clear. The mac (HMAC-SHA-256 of `<masked holder>.<client id>`,
 * cut to 128 bits, base64url) can be checked, and the mask taken off, by each program that has the deployment's secret,
 * with no I/O. The client id is not secret. The programs compute macs and masks: this file has no crypto.
 */
export type Token = {
  /** The masked name of the object that holds the client's socket, as base64url. */
  masked: string;
  /** 16 characters of base64url: 96 random bits. */
  clientId: string;
  /** What the mac is computed over. */
  signed: string;
  /** The mac as the token states it: not to be believed before it is compared. */
  mac: string;
};

/** A genuine token, with its mask taken off. */
export type ClientToken = { holder: string; clientId: string };

/** Bytes of randomness in a client id. */
export const clientIdBytes = 12;
/** Bytes of the HMAC that a token carries. */
export const macBytes = 16;

/** Characters of the shortest secret that is accepted, without spaces around it. `openssl rand -hex 32` makes 64. */
export const shortestSecret = 16;

/**
 * A secret as both sides use it. A pasted one may have a line end, a space or a byte order mark around it, which nobody sees.
 * Empty if there is none.
 */
export function secretText(given: string | undefined): string {
  return (given ?? "").trim();
}

/** From the one secret come all keys, each the HMAC-SHA-256 of its label under the secret. */
export const keyLabels = {
  token: "orion-edge token v2",
  holder: "orion-edge holder v1",
  sidecar: "orion-edge sidecar v1",
  relay: "orion-edge relay v1",
  cookie: "orion-edge cookie v1",
  network: "orion-edge network v1",
} as const;
export type KeyUse = keyof typeof keyLabels;

/** Bytes of a holder's name, at most: as many as its mask has. */
export const holderBytes = 32;
/** The name of an object that holds sockets: a lounge, or a lobby. */
export const holderShape = /^[\w:-]{1,32}$/;
/** The first part of a token. */
export const maskedShape = /^[\w-]{2,43}$/;
const shape = /^([\w-]{2,43})\.([\w-]{16})\.([\w-]{22})$/;

/** The parts of a token, or null if it does not have a token's shape. Its mac is not checked. */
export function parseToken(text: string): Token | null {
  const match = shape.exec(text);
  if (!match) return null;
  const [, masked = "", clientId = "", mac = ""] = match;
  return { masked, clientId, signed: tokenText(masked, clientId), mac };
}

/** What a token's mac is computed over. */
export function tokenText(masked: string, clientId: string): string {
  return `${masked}.${clientId}`;
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
