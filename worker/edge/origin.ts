/** Which pages may use this server: browsers say where a page is from, and games say nothing. */
import { isLocalHost } from "../../core/endpoint.ts";
import type { Env } from "../platform/env.ts";

/** The pages that may ask: those that the operator names, and the server's own (`ownOrigin`). */
export type AllowedPages = { readonly named: readonly string[]; readonly own: string | null };

/**
 * The origin of the server's own page, where the platform vouches for its name. Null under `npm start`: a stranger's name may lead to it (DNS
 * rebinding), and there `local` stands for the page, or the operator names it.
 */
export function ownOrigin({ url }: Request, { clientAddress }: Env): string | null {
  return clientAddress === "socket" ? null : (URL.parse(url)?.origin ?? null);
}

/** Whether the request comes from no page, or from one that may ask. */
export function mayAsk(request: Request, { named, own }: AllowedPages): boolean {
  const origin = request.headers.get("origin");
  if (origin === null || named.includes("*") || origin === own) return true;
  const isNamed = origin !== "local" && named.includes(origin.toLowerCase());
  return isNamed || (named.includes("local") && isLocal(origin));
}

/**
 * Whether the page is from this machine or its network, at any port. The Internet has no names without a dot, and none that end in `.local`, so
 * no stranger's page has such an origin, not even if its own name leads here (DNS rebinding). `null` may be anybody's.
 */
function isLocal(origin: string): boolean {
  const url = URL.parse(origin);
  return url !== null && (url.protocol === "file:" || isLocalHost(url.hostname));
}

/** Lets the page that asked read the answer, if it may. */
export function withCors(response: Response, request: Request, allowed: AllowedPages): Response {
  const { headers } = response;
  headers.set("access-control-expose-headers", "etag, retry-after");
  if (allowed.named.includes("*")) {
    headers.set("access-control-allow-origin", "*");
    return response;
  }
  headers.set("vary", "origin");
  const origin = request.headers.get("origin");
  if (origin !== null && mayAsk(request, allowed)) headers.set("access-control-allow-origin", origin);
  return response;
}
