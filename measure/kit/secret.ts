/** What the deployment's secret makes, computed from docs/protocol.md without the product's own code. */
import { createHmac } from "node:crypto";
import type { SidecarKey } from "../../core/sidecar-key.ts";
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

/** The token of a client that need not exist, issued now or so many hours ago. */
export function tokenOf(clientId: string, { holder = "l17", under = secret, hoursAgo = 0 } = {}): string {
  const id = clientId.padEnd(16, "-");
  const hour = (Math.floor(Date.now() / 3_600_000) - hoursAgo).toString(36);
  const part = `${masked(Buffer.from(holder), id, under).toString("base64url")}.${id}.${hour}`;
  const filter = hmac(hmac(under, "orion-edge token filter v1"), part).subarray(0, 8).toString("base64url");
  const mac = macOf(under, `${part}.${filter}`);
  noteSecret({ kind: "client's token", text: `${part}.${filter}.${mac}` });
  return `${part}.${filter}.${mac}`;
}

function macOf(under: string, signed: string): string {
  return hmac(hmac(under, "orion-edge token v3"), signed).subarray(0, 16).toString("base64url");
}

/** The same token with another mac for the Worker: what a thief of a sidecar's key can make. */
export function forgedOf(token: string): string {
  return `${token.slice(0, -22)}${"A".repeat(22)}`;
}

/** What a sidecar of this name is given. */
export function keyOf(name = "test", { under = secret, number = 1 } = {}): SidecarKey {
  const key = hmac(hmac(under, "orion-edge sidecar key v1"), `${number} ${name}`).toString("base64url");
  const filter = hmac(under, "orion-edge token filter v1").toString("base64url");
  noteSecret({ kind: "deployment's secret", text: key }, { kind: "deployment's secret", text: filter });
  return { name, key, filter };
}

/** The same as the text of its variable. */
export function keyTextOf(...of: Parameters<typeof keyOf>): string {
  const { name, key, filter } = keyOf(...of);
  return `v1.${name}.${key}.${filter}`;
}

type KeyLabel = "post" | "gateway" | "relay" | "pass" | "cookie";

function sidecarsKey(use: KeyLabel, ...of: Parameters<typeof keyOf>): Buffer {
  return hmac(Buffer.from(keyOf(...of).key, "base64url"), `orion-edge sidecar ${use} v1`);
}

/** A pass for a sidecar, of a client that need not exist, and its key. */
export function passOf(
  clientId: string,
  {
    holder = "l17",
    under = secret,
    sidecar = "test",
    mediation = "01234567",
    expiresAt = Date.now() + 600_000,
  } = {},
): { pass: string; key: string } {
  const id = clientId.padEnd(16, "-");
  const part = masked(Buffer.from(holder), id, under).toString("base64url");
  const text = [part, id, mediation, Math.ceil(expiresAt / 1000)].join(".");
  const mac = hmac(hmac(under, "orion-edge pass v1"), `${text} ${sidecar}`).subarray(0, 16);
  const pass = `${text}.${mac.toString("base64url")}`;
  return { pass, key: passKeyOf(pass, { under, sidecar }) };
}

/** What probes with a pass are signed with. */
export function passKeyOf(pass: string, { under = secret, sidecar = "test" } = {}): string {
  const key = hmac(sidecarsKey("pass", sidecar, { under }), pass)
    .subarray(0, 16)
    .toString("base64url");
  noteSecret({ kind: "link's or a ticket's key", text: key });
  return key;
}

/** The name of the object that holds a client's socket: a lounge, or a lobby. Empty for a token of no known secret. */
export function holderOf(token: string): string {
  const [part = "", clientId = "", , , mac] = token.split(".");
  for (const under of knownSecrets) {
    if (macOf(under, token.slice(0, -23)) !== mac) continue;
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
export function signatureOf(
  path: string,
  body: string,
  { name = "test", under = secret, number = 1 } = {},
): string {
  return hmac(sidecarsKey("post", name, { under, number }), `${name}\n${path}\n${body}`).toString("hex");
}

/** Whose gateway asks for which player. */
const gatewayDefaults = { dialect: "rabid", address: "192.0.2.1", sidecar: "test", under: secret, number: 1 };

/** What the requests of a gateway have in their headers, by their method and path. `at`: when it signs them; now, unless given. */
export function asGateway(about: Partial<typeof gatewayDefaults & { at: number }> = {}) {
  const { dialect, address, sidecar, under, number, at } = { at: undefined, ...gatewayDefaults, ...about };
  return (method: string, path: string): Record<string, string> => {
    const time = at ?? Date.now();
    const signed = [sidecar, dialect, address, time, method, path].join("\n");
    const mac = hmac(sidecarsKey("gateway", sidecar, { under, number }), signed).toString("hex");
    noteSecret({ kind: "gateway's signature", text: mac });
    return { "orion-gateway": `${sidecar} ${dialect} ${address} ${time} ${mac}` };
  };
}

/** What the holder of a relay's ticket signs with, at the sidecar of this name. */
export function ticketKeyOf(ticket: string, { under = secret, sidecar = "test", number = 1 } = {}): string {
  const key = hmac(sidecarsKey("relay", sidecar, { under, number }), ticket)
    .subarray(0, 16)
    .toString("base64url");
  noteSecret({ kind: "relay's ticket", text: ticket }, { kind: "link's or a ticket's key", text: key });
  return key;
}

/** What the holder of a ticket for a relay over WebSocket shows with it. */
export function webSocketTicketKeyOf(ticket: string, { under = secret } = {}): string {
  const key = hmac(hmac(under, "orion-edge relay over websocket v1"), ticket)
    .subarray(0, 16)
    .toString("base64url");
  noteSecret({ kind: "relay's ticket", text: ticket }, { kind: "link's or a ticket's key", text: key });
  return key;
}

/** What shows an edge that a client has sent its token to a sidecar. */
export function proofOf({ token }: { token: string }): { kind: "token"; text: string } {
  return { kind: "token", text: token };
}

/** Posts to the edge as a sidecar with this name, or that of the content, and a key of this secret does. */
export async function postAsSidecar(
  base: URL,
  path: string,
  content: object,
  by: { name?: string; under?: string; number?: number; headers?: Record<string, string> } = {},
): Promise<{ status: number; body: unknown; retryAfter: string | null }> {
  const body = JSON.stringify(content);
  const name = by.name ?? ("name" in content ? String(content.name) : "test");
  const response = await fetch(new URL(path, base), {
    method: "POST",
    headers: {
      ...by.headers,
      "x-orion-sidecar": name,
      "x-orion-signature": signatureOf(path, body, { ...by, name }),
    },
    body,
  });
  const { status, headers } = response;
  return { status, body: await response.json(), retryAfter: headers.get("retry-after") };
}

/** A datagram signed with a key that is a text: that of a pass, or of a ticket. */
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
  { under = secret, number = 1, now = about.lifeMs === undefined ? startedAt : Date.now() } = {},
): { ticket: string; key: string } {
  const { link, lobby, a, b, begunAt, lifeMs, sidecar } = { ...ticketDefaults, ...about };
  const [mine, theirs] = (side === "a" ? [a, b] : [b, a]).map((id) => id.padEnd(16, "-"));
  const expires = Math.ceil((now + lifeMs) / 1000);
  const ticket = [link, side, begunAt, expires, lobby, mine, theirs, sidecar].join(".");
  return { ticket, key: ticketKeyOf(ticket, { under, sidecar, number }) };
}

/** Some bytes that a game sends on a link. */
export function dataOf(link: string, payload: string | Uint8Array): Buffer {
  return Buffer.concat([Buffer.from([0xea]), Buffer.from(link, "hex"), Buffer.from(payload)]);
}

/** What a sidecar gives whoever is at an endpoint, to show that it is there. */
export function cookieOf(ip: string, port: number, { now = Date.now(), sidecar = "test" } = {}): string {
  const epoch = Math.floor(now / 120_000);
  return hmac(sidecarsKey("cookie", sidecar), `${epoch} ${ip} ${port}`).subarray(0, 12).toString("base64url");
}
