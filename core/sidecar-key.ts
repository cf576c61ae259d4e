/**
 * What a sidecar is given instead of the deployment's secret: `v1.<name>.<key>.<filter key>`, as one text for one variable.
 *
 * Its own key is the HMAC-SHA-256 of `<number> <name>` under the secret's sidecar key. The number is 1, and the operator
 * raises it to revoke a key that was stolen (setting `sidecarKeys`). The filter key is the same for all sidecars: it shows
 * that a token is no junk (core/token.ts). Both are 32 bytes, in base64url. The programs compute them: this file has no crypto.
 */
export type SidecarKey = {
  /** Unique in the fleet. The key is good for this name alone. */
  name: string;
  /** In base64url. */
  key: string;
  /** In base64url. */
  filter: string;
};

/** A sidecar, and which of its keys is good. */
export type SidecarId = { name: string; number: number };

/** From a sidecar's own key come the keys that it uses, each the HMAC-SHA-256 of its label under it. The Worker knows them too, but for that of cookies. */
export const sidecarKeyLabels = {
  /** Signs its posts. */
  post: "orion-edge sidecar post v1",
  /** Signs the header of its gateways' requests (core/wire/gateway.ts). */
  gateway: "orion-edge sidecar gateway v1",
  /** Makes the keys of relays' tickets (core/relay/ticket.ts). */
  relay: "orion-edge sidecar relay v1",
  /** Makes the keys of passes (core/observing/pass.ts). */
  pass: "orion-edge sidecar pass v1",
  cookie: "orion-edge sidecar cookie v1",
} as const;
export type SidecarKeyUse = keyof typeof sidecarKeyLabels;

/** No longer than this: a lobby that asks sidecars keeps their names in the attachment of its host's socket, which is small. */
export const sidecarNameShape = /^[\w.-]{1,32}$/;
const shape = /^v1\.([\w.-]{1,32})\.([\w-]{43})\.([\w-]{43})$/;

/** What a sidecar's own key is computed over. */
export function sidecarKeyLabel({ name, number }: SidecarId): string {
  return `${number} ${name}`;
}

export function sidecarKeyText({ name, key, filter }: SidecarKey): string {
  return `v1.${name}.${key}.${filter}`;
}

/** The parts of the text, or null if it is none. */
export function parseSidecarKey(text: string): SidecarKey | null {
  const match = shape.exec(text);
  if (!match) return null;
  const [, name = "", key = "", filter = ""] = match;
  return { name, key, filter };
}
