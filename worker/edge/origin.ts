/** Which pages may use this server: browsers say where a page is from, and games say nothing. */
import { isLocalHost } from "../../core/endpoint.ts";

/** Whether the request comes from no page, or from one that may ask. */
export function mayAsk(request: Request, allowed: readonly string[]): boolean {
  const origin = request.headers.get("origin");
  if (origin === null || allowed.includes("*")) return true;
  const isNamed = origin !== "local" && allowed.includes(origin.toLowerCase());
  return isNamed || (allowed.includes("local") && isLocal(origin));
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
export function withCors(response: Response, request: Request, allowed: readonly string[]): Response {
  const { headers } = response;
  headers.set("access-control-expose-headers", "etag, retry-after");
  if (allowed.includes("*")) {
    headers.set("access-control-allow-origin", "*");
    return response;
  }
  headers.set("vary", "origin");
  const origin = request.headers.get("origin");
  if (origin !== null && mayAsk(request, allowed)) headers.set("access-control-allow-origin", origin);
  return response;
}
