/** Reading bodies, answering, and what browsers need to be allowed to call. */

import type { z } from "zod";
import { accept, type Outcome, type ProblemCode, type Refusal, refusal, refuse } from "../../core/problem.ts";
import { parseObject } from "../../core/wire/codec.ts";
import { check } from "../../core/wire/schema.ts";
import { type Details, loggedPath, logRefusal } from "../platform/log.ts";
import { within } from "../platform/retry.ts";
import { edgeLimits } from "./limits.ts";

export function json(body: unknown, status = 200): Response {
  return Response.json(body, { status });
}

/** The answer so that no browser takes it for something else than it says, and nothing on the way keeps it. */
export function hardened(response: Response): Response {
  response.headers.set("x-content-type-options", "nosniff");
  response.headers.set("cache-control", "no-store");
  return response;
}

/** Why each refused request was, and what is known of the client that asked. */
const reasons = new WeakMap<Response, { codes: readonly ProblemCode[]; about: Details }>();

/** The answer to a request that is not done. `logIfRefused` logs it, with what is known of the client that asked. */
export function refused({ codes, retryAfterS }: Refusal, about: Details = {}): Response {
  const { status, body } = refusal(codes);
  const response = json(body, status);
  reasons.set(response, { codes, about });
  if (retryAfterS !== undefined) response.headers.set("retry-after", String(retryAfterS));
  return response;
}

/** Why a request was refused; null for any other answer. */
export function codesOf(response: Response): readonly ProblemCode[] | null {
  return reasons.get(response)?.codes ?? null;
}

/** Logs the answer if it is a refusal, and hands it on. */
export function logIfRefused({ method, url, headers }: Request, response: Response): Response {
  const why = reasons.get(response);
  if (!why) return response;
  const path = loggedPath(/^\w+:\/\/[^/?#]*([^?#]*)/.exec(url)?.[1] ?? "");
  const upgrade = headers.has("upgrade") ? "websocket" : undefined;
  const { codes, about } = why;
  const code = codes.join(" ");
  logRefusal("request_refused", { status: response.status, method, path, upgrade, code, ...about });
  return response;
}

/**
 * The body as text. Refused if it has more than `limit` bytes; what is left of it then is drained, so that the client
 * gets to read the refusal. Refused too if it does not come in time: it would hold its connection for ever.
 */
export async function readText(request: Request, limit: number): Promise<Outcome<string>> {
  const bytes = await readBytes(request, limit);
  // Like `text()`, the decoder leaves out the byte order mark.
  return bytes.ok ? accept(new TextDecoder().decode(bytes.value)) : bytes;
}

/** The same, as bytes. */
export async function readBytes(request: Request, limit: number): Promise<Outcome<Uint8Array>> {
  if (Number(request.headers.get("content-length") ?? 0) > limit) return await refuseBody(request);
  try {
    // One byte more than there may be: the bound must not rest on the length that a stranger claims. All in one call of the
    // platform, because each one costs more than what is done with the body.
    const reader = request.body?.getReader({ mode: "byob" });
    const reading = reader?.readAtLeast(limit + 1, new Uint8Array(limit + 1));
    const read = reading && (await within<Awaited<typeof reading> | null>(edgeLimits.bodyMs, reading, null));
    if (read === null) {
      reader?.cancel().catch(() => {});
      return refuse("body_too_slow");
    }
    reader?.releaseLock();
    const bytes = read?.value ?? new Uint8Array();
    if (bytes.byteLength > limit) return await refuseBody(request);
    return accept(bytes);
  } catch {
    // The client broke off, or broke its framing.
    return refuse("invalid_body");
  }
}

async function refuseBody(request: Request): Promise<Outcome<never>> {
  await drain(request);
  return refuse("body_too_large");
}

/**
 * Reads what is left of the body and throws it away, within bounds. Most clients read the answer only after they have
 * sent everything. If the server answers and closes earlier, they see a broken connection and no answer.
 */
export async function drain({ body, headers }: Request): Promise<void> {
  if (body === null || Number(headers.get("content-length") ?? 0) > edgeLimits.drainBytes) return;
  const reader = body.getReader();
  const giveUpAt = Date.now() + edgeLimits.drainMs;
  try {
    for (let bytes = 0; bytes < edgeLimits.drainBytes; ) {
      const patience = Math.min(edgeLimits.drainPauseMs, giveUpAt - Date.now());
      const read = patience > 0 ? await within(patience, reader.read(), null) : null;
      if (!read?.value) return;
      bytes += read.value.byteLength;
    }
  } catch {
    // The client broke off: nobody waits for the answer.
  }
}

/** The body, whatever its content-type says, as the schema wants it. */
export async function readJson<T>(
  request: Request,
  schema: z.ZodType<T>,
  limit: number,
): Promise<Outcome<T>> {
  const text = await readText(request, limit);
  return text.ok ? check(schema, parseObject(text.value)) : text;
}

/** The token that a request without a JSON body carries in `Authorization: Bearer …`; empty if there is none. */
export function bearerToken({ headers }: Request): string {
  return /^Bearer +(\S{1,256}) *$/i.exec(headers.get("authorization") ?? "")?.[1] ?? "";
}

/** The version in `If-Match: "3"`. Undefined without that header; refused if it is another text. */
export function ifMatch({ headers }: Request): Outcome<number | undefined> {
  const given = headers.get("if-match");
  if (given === null || given.trim() === "*") return accept(undefined);
  const version = /^\s*(?:W\/)?"?(\d{1,15})"?\s*$/.exec(given)?.[1];
  return version === undefined ? refuse("invalid_version") : accept(Number(version));
}

/** The answer to a browser's question whether it may call. */
export function preflight(): Response {
  return new Response(null, {
    status: 204,
    headers: {
      "access-control-allow-methods": "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS",
      "access-control-allow-headers": "authorization, content-type, if-match",
      "access-control-max-age": "86400",
    },
  });
}
