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

/** What the holder of a relay's ticket signs with. */
export function ticketKeyOf(ticket: string, under = secret): string {
  return hmac(hmac(under, "orion-edge relay v1"), ticket).subarray(0, 16).toString("base64url");
}

/** Posts to the edge as a sidecar with this secret does. */
export async function postAsSidecar(
  base: URL,
  path: string,
  content: object,
  under = secret,
): Promise<{ status: number; body: unknown }> {
  const body = JSON.stringify(content);
  const response = await fetch(new URL(path, base), {
    method: "POST",
    headers: { "x-orion-signature": signatureOf(path, body, under) },
    body,
  });
  return { status: response.status, body: await response.json() };
}
