/** Which pages may use this server: browsers say where a page is from, and games say nothing. */

/** Whether the request comes from no page, or from one that may ask. */
export function mayAsk(request: Request, allowed: readonly string[]): boolean {
  const origin = request.headers.get("origin");
  return origin === null || allowed.includes("*") || allowed.includes(origin.toLowerCase());
}

/** Lets the page that asked read the answer, if it may. */
export function withCors(response: Response, request: Request, allowed: readonly string[]): Response {
  const { headers } = response;
  headers.set("access-control-expose-headers", "retry-after");
  if (allowed.includes("*")) {
    headers.set("access-control-allow-origin", "*");
    return response;
  }
  headers.set("vary", "origin");
  const origin = request.headers.get("origin");
  if (origin !== null && mayAsk(request, allowed)) headers.set("access-control-allow-origin", origin);
  return response;
}
