/** Who really asks. Only what somebody trustworthy says of a client's address is believed. */
import { canonicalAddress, scopeOf } from "../../core/endpoint.ts";
import { type Env, settingsOf } from "../platform/env.ts";

/**
 * The address that a request comes from, as core/endpoint.ts writes it. At Cloudflare its header says it, which no client can send;
 * under `npm start` the server's own socket does. The operator's reverse proxies, and nobody else, are believed what they say of the client
 * before them. Null if nobody knows it: a connection from this machine itself may be a tunnel's, or a proxy's that is not configured.
 * It is never logged, and no other client is told.
 */
export function addressOf(request: Request, env: Env): string | null {
  const sender = senderOf(request, env);
  if (sender === null) return null;
  const { reverseProxies } = settingsOf(env);
  if (!reverseProxies.includes(sender)) return scopeOf(sender) === "loopback" ? null : sender;
  // The last that the proxy did not write itself: what stands before it, the client may have written.
  const chain = request.headers.get("x-forwarded-for")?.split(",") ?? [];
  return chain.map(canonicalAddress).findLast((hop) => hop === null || !reverseProxies.includes(hop)) ?? null;
}

/** Who is at the other end of the connection: perhaps a proxy. */
export function senderOf({ headers, cf }: Request, { clientAddress }: Env): string | null {
  if (clientAddress !== "socket") return canonicalAddress(headers.get("cf-connecting-ip") ?? "");
  // workerd writes an address with its port: 192.0.2.1:50000, [2001:db8::1]:50000.
  const [, six, four] = /^(?:\[(.*)\]|(.*)):\d+$/.exec(String(cf?.clientIp)) ?? [];
  return canonicalAddress(six ?? four ?? "");
}
