/** Reading bodies, answering, and what browsers need to be allowed to call. */

import type { z } from "zod";
import { accept, type Outcome, type Refusal, refusal, refuse } from "../core/problem.ts";
import { parseObject } from "../core/wire/codec.ts";
import { check } from "../core/wire/schema.ts";
import { type Details, logRefusal } from "./log.ts";

export function json(body: unknown, status = 200): Response {
  return Response.json(body, { status });
}

/** The answer to a request that is not done. It is logged, with what is known of the one who asked. */
export function refused({ codes, retryAfterS }: Refusal, about: Details = {}): Response {
  const { status, body } = refusal(codes);
  logRefusal("refused", { code: codes.join(" "), ...about });
  const response = json(body, status);
  if (retryAfterS !== undefined) response.headers.set("retry-after", String(retryAfterS));
  return response;
}

/** The body as text, unless it has more than `limit` bytes: such a one is not read to its end. */
export async function readText(request: Request, limit: number): Promise<Outcome<string>> {
  if (Number(request.headers.get("content-length") ?? 0) > limit) return refuse("body_too_large");
  try {
    if (request.headers.has("content-length")) return accept(await request.text());
    const chunks: Uint8Array[] = [];
    let length = 0;
    for await (const chunk of request.body ?? []) {
      length += chunk.byteLength;
      if (length > limit) return refuse("body_too_large");
      chunks.push(chunk);
    }
    // As the other way does: the byte order mark is no part of the text.
    return accept(new TextDecoder().decode(await new Blob(chunks).arrayBuffer()));
  } catch {
    // Its sender broke off, or broke its framing: no fault of ours.
    return refuse("invalid_body");
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

/** The answer to a browser's question whether it may call. */
export function preflight(): Response {
  return new Response(null, {
    status: 204,
    headers: {
      "access-control-allow-methods": "GET, POST, OPTIONS",
      "access-control-allow-headers": "content-type",
      "access-control-max-age": "86400",
    },
  });
}
