/** What the deployment's secret makes, computed from docs/protocol.md without the product's own code. */
import { createHmac } from "node:crypto";
import { encode } from "./wire.ts";

export const secret = "a secret for tests, of 32 letters";

const hmac = (key: string | Buffer, text: string) => createHmac("sha256", key).update(text).digest();

/** The token of a client that need not exist. */
export function tokenOf(clientId: string, { home = "17", under = secret } = {}): string {
  const signed = `${home}.${clientId.padEnd(16, "-")}`;
  const mac = hmac(hmac(under, "orion-edge token v1"), signed).subarray(0, 16).toString("base64url");
  return `${signed}.${mac}`;
}

/** The datagram a client with this token sends. */
export function datagramOf(token: string): string {
  return encode("ptpMediation_connect", { token });
}

/** The signature of a sidecar's post. */
export function signatureOf(path: string, body: string, under = secret): string {
  return hmac(hmac(under, "orion-edge sidecar v1"), `${path}\n${body}`).toString("hex");
}
