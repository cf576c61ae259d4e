/**
 * A client's token: `<home>.<client id>.<mac>`, at most 48 characters.
 *
 * It names the client's home, so no request needs a look-up, and its mac (HMAC-SHA-256 of
 * `<home>.<client id>`, cut to 128 bits, base64url) can be checked by whoever has the deployment's
 * secret, with no I/O. The client id is no secret. The shells compute the mac: this file has no crypto.
 */
export type Token = {
  /** The object that holds the client's socket: the number of a home, in decimal. */
  home: string;
  /** 16 characters of base64url: 96 random bits. */
  clientId: string;
  /** What the mac is computed over. */
  signed: string;
  /** The mac as the token states it: not to be believed before it is compared. */
  mac: string;
};

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
  token: "orion-edge token v1",
  sidecar: "orion-edge sidecar v1",
  code: "orion-edge code v1",
  relay: "orion-edge relay v1",
  cookie: "orion-edge cookie v1",
} as const;
export type KeyUse = keyof typeof keyLabels;

const number = "(0|[1-9]\\d{0,7})";
/** A home's number as tokens and sidecars' posts have it. */
export const homeShape = new RegExp(`^${number}$`);
const shape = new RegExp(`^${number}\\.([\\w-]{16})\\.([\\w-]{22})$`);

/** The parts of a token, or null if it does not have a token's shape. Its mac is not checked. */
export function parseToken(text: string): Token | null {
  const match = shape.exec(text);
  if (!match) return null;
  const [, home = "", clientId = "", mac = ""] = match;
  return { home, clientId, signed: tokenText(home, clientId), mac };
}

/** What a token's mac is computed over. */
export function tokenText(home: string, clientId: string): string {
  return `${home}.${clientId}`;
}

/** Whether two texts are equal, in a time that depends on their lengths only. */
export function sameText(a: string, b: string): boolean {
  if (a.length !== b.length) return false;
  let difference = 0;
  for (let i = 0; i < a.length; i++) difference |= a.charCodeAt(i) ^ b.charCodeAt(i);
  return difference === 0;
}
