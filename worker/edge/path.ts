/** Hosts and paths as clients write them. */

/**
 * Whether the path is what the client asked for. A server without Cloudflare in front puts the Host header before the path to get the URL:
 * a host with a slash, `?` or `#` in it would make another path, and a proxy that forbids some paths would be passed.
 */
export function hasPlainHost({ headers }: Request): boolean {
  return !/[/\\?#]/.test(headers.get("host") ?? "");
}

/** The request with each run of slashes in its path as one: a client may put a base URL and a path together carelessly. */
export function withPlainPath(request: Request): Request {
  const url = URL.parse(request.url);
  if (!url?.pathname.includes("//")) return request;
  url.pathname = url.pathname.replace(/\/{2,}/g, "/");
  return new Request(url, request);
}

/** A part of a path without its percent-encoding; as it is where that is broken. */
export function pathText(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
