/** Paths as clients write them. */

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
