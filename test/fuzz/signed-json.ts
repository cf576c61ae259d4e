import { createHmac } from "node:crypto";

/** A datagram signed with a key, as docs/protocol.md has it, whose payload is any text: what no object can be made of, too. */
export function signedJson(key: string, method: string, json: string): string {
  const signed = `${method}:${Buffer.from(json).toString("base64")}`;
  return `${signed}.${createHmac("sha256", key).update(signed).digest().subarray(0, 16).toString("base64url")}`;
}
