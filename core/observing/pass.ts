/**
 * What lets a client probe a sidecar without its token: `<masked holder>.<client id>.<mediation>.<expires>.<mac>`.
 *
 * The lobby draws it up for one member, one mediation and one sidecar. The mac (HMAC-SHA-256 of all before it, a space and the
 * sidecar's name, cut to 128 bits, base64url) only the Worker can check. So no sidecar can make a pass, nor use that of another.
 * The pass itself is no secret: its key (HMAC-SHA-256 of the pass under the sidecar's pass key, cut to 128 bits, base64url) is
 * told to the client alone, over its WebSocket, and its probes are signed with it (core/wire/signed-datagram.ts). The shells
 * compute macs: this file has no crypto.
 */
export type Pass = {
  /** As in the client's token (core/token.ts). */
  masked: string;
  clientId: string;
  /** What members call the mediation (`mediationId`). */
  mediation: string;
  /** In milliseconds since 1970; the pass has whole seconds. */
  expiresAt: number;
  /** All before the mac. */
  text: string;
  mac: string;
};

const shape = /^([\w-]{2,43})\.([\w-]{16})\.([\w-]{1,8})\.(\d{1,11})\.([\w-]{22})$/;
/** Characters of the longest pass. */
export const longestPass = 43 + 1 + 16 + 1 + 8 + 1 + 11 + 1 + 22;

/** All of a pass before its mac. */
export function passText({
  masked,
  clientId,
  mediation,
  expiresAt,
}: Pick<Pass, "masked" | "clientId" | "mediation" | "expiresAt">): string {
  return [masked, clientId, mediation, Math.ceil(expiresAt / 1000)].join(".");
}

/** What its mac is computed over. */
export function signedPassText(text: string, sidecar: string): string {
  return `${text} ${sidecar}`;
}

/** The parts of a pass, or null for any other text. Its mac is not checked. */
export function parsePass(given: string): Pass | null {
  const match = shape.exec(given);
  if (!match) return null;
  const [, masked = "", clientId = "", mediation = "", seconds = "", mac = ""] = match;
  const text = given.slice(0, -mac.length - 1);
  return { masked, clientId, mediation, expiresAt: Number(seconds) * 1000, text, mac };
}
