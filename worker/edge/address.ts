/** Who really asks. Only what somebody trustworthy says of a client's address is believed. */
import { canonicalAddress, scopeOf } from "../../core/endpoint.ts";
import { type Env, settingsOf } from "../platform/env.ts";
import { gatewayOf } from "./gateways.ts";

/**
 * The address that a request comes from, as core/endpoint.ts writes it. At Cloudflare its header says it, which no client can send;
 * under `npm start` the server's own socket does. The operator's reverse proxies, and nobody else, are believed what they say of the client
 * before them, and so are gateways, whose requests are signed. Null if nobody knows it: a connection from this machine itself may be a tunnel's, or a proxy's that is not configured.
 * It is never logged, and no other client is told.
 */
export function addressOf(request: Request, env: Env): string | null {
  const gateway = gatewayOf(request);
  return gateway ? gateway.address : ownAddressOf(request, env);
}

/** The same, whatever a gateway's header says: of a gateway's request, that of its sidecar. */
export function ownAddressOf(request: Request, env: Env): string | null {
  const sender = senderOf(request, env);
  if (sender === null) return null;
  const { reverseProxies } = settingsOf(env);
  if (!reverseProxies.includes(sender)) return scopeOf(sender) === "loopback" ? null : sender;
  // The last that the proxy did not write itself: what stands before it, the client may have written.
  const chain = request.headers.get("x-forwarded-for")?.split(",") ?? [];
  return chain.map(canonicalAddress).findLast((hop) => hop === null || !reverseProxies.includes(hop)) ?? null;
}

/**
 * Whether a client of `npm start` runs on the server's own machine. A connection from there may as well be a tunnel's or a proxy's, behind which strangers are.
 * Those say so in a header, or leave the host that the stranger has called. So the client must have called this machine by a name of its own, and no header
 * may tell of anybody in between. Who passes on plain TCP can still have native clients say so: docs/links.md#who-is-near.
 */
export function isAtServer(request: Request, env: Env): boolean {
  if (env.clientAddress !== "socket" || gatewayOf(request) !== null) return false;
  const sender = senderOf(request, env);
  if (sender === null || scopeOf(sender) !== "loopback") return false;
  if (settingsOf(env).reverseProxies.includes(sender)) return false;
  const { hostname } = new URL(request.url);
  const isOwnName = ownName.test(hostname) || scopeOf(hostname.replace(/^\[(.*)\]$/, "$1")) === "loopback";
  return isOwnName && ![...request.headers.keys()].some((name) => ofBetween.test(name));
}

const ownName = /^(?:.+\.)?localhost$/i;
/** Headers of those who pass requests on. */
const ofBetween =
  /^(?:forwarded|via|x-forwarded-.+|x-real-ip|x-client-ip|true-client-ip|cf-.+|fly-.+|ngrok-.+)$/i;

/** Who is at the other end of the connection: perhaps a proxy. */
export function senderOf({ headers, cf }: Request, { clientAddress }: Env): string | null {
  if (clientAddress !== "socket") return canonicalAddress(headers.get("cf-connecting-ip") ?? "");
  // workerd writes an address with its port: 192.0.2.1:50000, [2001:db8::1]:50000.
  const [, six, four] = /^(?:\[(.*)\]|(.*)):\d+$/.exec(String(cf?.clientIp)) ?? [];
  return canonicalAddress(six ?? four ?? "");
}
