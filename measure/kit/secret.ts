/** What the deployment's secret makes, computed from docs/protocol.md without the product's own code. */
import { createHmac } from "node:crypto";
import { noteSecret } from "./whole-log.ts";
import { encode } from "./wire.ts";

export const secret = "a secret for tests, of 32 letters";

const hmac = (key: string | Buffer, text: string) => createHmac("sha256", key).update(text).digest();

/** The secrets of the servers that tests have started. */
export const knownSecrets = new Set<string>([secret]);

/** A name XOR the mask of a client, both ways. */
function masked(name: Buffer, clientId: string, under: string): Buffer {
  const mask = hmac(hmac(under, "orion-edge holder v1"), clientId);
  return Buffer.from(name.map((byte, i) => byte ^ (mask[i] ?? 0)));
}

/** The token of a client that need not exist. */
export function tokenOf(clientId: string, { holder = "l17", under = secret } = {}): string {
  const id = clientId.padEnd(16, "-");
  const signed = `${masked(Buffer.from(holder), id, under).toString("base64url")}.${id}`;
  const mac = hmac(hmac(under, "orion-edge token v2"), signed).subarray(0, 16).toString("base64url");
  noteSecret({ kind: "client's token", text: `${signed}.${mac}` });
  return `${signed}.${mac}`;
}

/** The name of the object that holds a client's socket: a lounge, or a lobby. Empty for a token of no known secret. */
export function holderOf(token: string): string {
  const [part = "", clientId = "", mac] = token.split(".");
  for (const under of knownSecrets) {
    const expected = hmac(hmac(under, "orion-edge token v2"), `${part}.${clientId}`).subarray(0, 16);
    if (expected.toString("base64url") !== mac) continue;
    return masked(Buffer.from(part, "base64url"), clientId, under).toString();
  }
  return "";
}

/** The holder's name that a token has in its masked form. */
export function nameUnder(maskedName: string, clientId: string, under = secret): string {
  return masked(Buffer.from(maskedName, "base64url"), clientId, under).toString();
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
  const key = hmac(hmac(under, "orion-edge relay v1"), ticket).subarray(0, 16).toString("base64url");
  noteSecret({ kind: "relay's ticket", text: ticket }, { kind: "link's or a ticket's key", text: key });
  return key;
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

/** A datagram signed with a key that is a text: a client's token, a ticket's key. */
export function signedOf(key: string, method: string, payload: object): string {
  const signed = encode(method, payload);
  return `${signed}.${hmac(key, signed).subarray(0, 16).toString("base64url")}`;
}

/** What a ticket's two holders, its lobby and its end are, unless a test cares. */
const startedAt = Date.now();
const ticketDefaults = {
  link: "0123456789ab",
  lobby: "ABCDE",
  a: "Ada",
  b: "Bob",
  begunAt: startedAt,
  lifeMs: 600_000,
  sidecar: "test",
};

/**
 * One end's ticket of a link, and the key that the lobby tells its holder alone. The same each time it is asked for: a
 * ticket has whole seconds, so by the clock two of them may differ. Where a test sets `lifeMs`, it is counted from now.
 */
export function ticketOf(
  side: "a" | "b",
  about: Partial<typeof ticketDefaults> = {},
  { under = secret, now = about.lifeMs === undefined ? startedAt : Date.now() } = {},
): { ticket: string; key: string } {
  const { link, lobby, a, b, begunAt, lifeMs, sidecar } = { ...ticketDefaults, ...about };
  const [mine, theirs] = (side === "a" ? [a, b] : [b, a]).map((id) => id.padEnd(16, "-"));
  const expires = Math.ceil((now + lifeMs) / 1000);
  const ticket = [link, side, begunAt, expires, lobby, mine, theirs, sidecar].join(".");
  return { ticket, key: ticketKeyOf(ticket, under) };
}

/** Some bytes that a game sends on a link. */
export function dataOf(link: string, payload: string | Uint8Array): Buffer {
  return Buffer.concat([Buffer.from([0xea]), Buffer.from(link, "hex"), Buffer.from(payload)]);
}

/** What a sidecar gives whoever is at an endpoint, to show that it is there. */
export function cookieOf(ip: string, port: number, { now = Date.now() } = {}): string {
  const epoch = Math.floor(now / 120_000);
  const key = hmac(secret, "orion-edge cookie v1");
  return hmac(key, `${epoch} ${ip} ${port}`).subarray(0, 12).toString("base64url");
}
