/**
 * groovejet's client ids are UUIDs of version 4. Ours are 12 random bytes (core/token.ts). So each of ours has one UUID, with these bytes
 * around its version and its variant. A host names its guests by them.
 */
import { clientIdBytes } from "../../token.ts";
import { decodeBase64Url, encodeBase64Url } from "../../wire/base64.ts";

/** The version and the variant, and 26 bits more that a UUID has than an id of ours. */
const middle = "-4000-8000-";
const shape = new RegExp(`^([\\da-f]{8})-([\\da-f]{4})${middle}([\\da-f]{12})$`);

/** The UUID of a client, by its id. Empty for a text that is none. */
export function uuidOf(clientId: string): string {
  const bytes = decodeBase64Url(clientId);
  if (bytes?.length !== clientIdBytes) return "";
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}${middle}${hex.slice(12)}`;
}

/** The id of the client that a UUID stands for, or null for anything else. */
export function clientIdOf(uuid: unknown): string | null {
  const parts = typeof uuid === "string" ? shape.exec(uuid) : null;
  if (!parts) return null;
  const pairs = parts.slice(1).join("").match(/../g) ?? [];
  return encodeBase64Url(Uint8Array.from(pairs, (pair) => Number.parseInt(pair, 16)));
}
