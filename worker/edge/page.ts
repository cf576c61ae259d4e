/** The files that people open in a browser (page/build.ts), and what a browser may do with them. */
import { refuse } from "../../core/problem.ts";
import type { Env } from "../platform/env.ts";
import { count, networksOfRequest } from "./address-limits.ts";
import { refused } from "./http.ts";

/** A page loads its own scripts and styles, calls its own server, and is in nobody's frame. */
const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

/** Players choose nothing of it, so that a page that is taken over can use no device. */
const noDevices = ["camera", "display-capture", "geolocation", "microphone", "payment", "usb"]
  .map((device) => `${device}=()`)
  .join(", ");

const pageHeaders = {
  "content-security-policy": policy,
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "permissions-policy": noDevices,
  // A lobby's code may be in the address.
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
  // For browsers that do not know `frame-ancestors`.
  "x-frame-options": "DENY",
};

/** Files at the top of `page/dist/` that the Worker serves. */
export type PageFile = "index.html" | "operator.html" | "favicon.ico" | "favicon.svg" | "robots.txt";

/** Answers whose headers say all that browsers need to know. */
const files = new WeakSet<Response>();

export function isPageFile(response: Response): boolean {
  return files.has(response);
}

/**
 * Answers with one of the files, or 404 if the deployment has none. Requests for pages have a counter of their own for each address, as large
 * as that of all its other requests.
 */
export async function servePage(request: Request, env: Env, file: PageFile): Promise<Response> {
  const tooMany = await count(env, "REQUESTS", networksOfRequest(request, env), "pages");
  if (tooMany) return refused(tooMany);
  const known = request.headers.get("if-none-match");
  const found = await readFile(env, file, known === null ? {} : { "if-none-match": known });
  if (!found) return refused(refuse("not_found"));
  const response = new Response(found.body, found);
  for (const [name, value] of Object.entries(pageHeaders)) response.headers.set(name, value);
  files.add(response);
  return response;
}

/** Answers with a static file and the headers that `page/_headers` gives it, as a deployment does. */
export async function serveStatic(request: Request, env: Env): Promise<Response> {
  const { pathname } = new URL(request.url);
  const response = await env.ASSETS?.fetch(`http://assets${pathname}`, { headers: request.headers });
  if (!response?.ok && response?.status !== 304) return refused(refuse("not_found"));
  files.add(response);
  return response;
}

/** Makes the answer a page that shows this text of a file. */
export function asPage(response: Response, html: string): Response {
  const headers = new Headers(response.headers);
  headers.set("content-type", "text/html; charset=utf-8");
  for (const [name, value] of Object.entries(pageHeaders)) headers.set(name, value);
  return new Response(html, { status: response.status, headers });
}

/** A file as it was built, or null. */
export async function readFile(
  { ASSETS }: Env,
  file: PageFile | "error.html",
  headers: Record<string, string> = {},
): Promise<Response | null> {
  const response = await ASSETS?.fetch(`http://assets/${file}`, { headers });
  if (response?.ok || response?.status === 304) return response;
  await response?.body?.cancel();
  return null;
}
