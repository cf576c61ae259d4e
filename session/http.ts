/** One HTTP request to the server, and its answer or refusal. */
import type { ProblemCode } from "../core/problem.ts";
import { fields, listOf, optional, readAs, type Shape, text, wrong } from "../core/shape.ts";
import { SessionError, sessionError } from "./error.ts";
import { plainTransport, type Transport } from "./transport.ts";

const refusalShape = fields({ errors: listOf(text()), codes: optional(listOf(text())) });

/** Whether an Orion server answers. Throws `unreachable`, or `not_orion` if something else answers. */
export async function ping(server: URL, signal: AbortSignal): Promise<void> {
  const { status, bytes } = await ask(new URL("ping", server), { signal });
  if (status === 200 && textOf(bytes).trim() === "pong") return;
  // While a server starts, the proxy before it answers with a 5xx.
  throw sessionError(status >= 500 ? "unreachable" : "not_orion");
}

export type RequestOptions = {
  /** GET without a body, and POST with one, unless given. */
  method?: "GET" | "POST" | "PATCH" | "PUT" | "DELETE" | undefined;
  /** Sent as JSON, or bytes as they are. */
  body?: object | Uint8Array | undefined;
  headers?: Record<string, string> | undefined;
  /** The plain one without. */
  transport?: Transport | undefined;
  signal: AbortSignal;
  /** A code to leave out of a refusal that has others: it names the same mistake a second time. */
  implied?: ProblemCode | undefined;
};

/**
 * The answer's JSON. Throws the server's refusal, `unreachable`, `unexpected_answer`, or the signal's reason.
 */
export async function request<T>(url: URL, answer: Shape<T>, options: RequestOptions): Promise<T> {
  const { bytes } = await exchange(url, options);
  const read = answer(parsed(textOf(bytes)));
  if (read === wrong) throw sessionError("unexpected_answer");
  return read;
}

/** The answer's bytes, and its ETag. Throws as `request`. */
export async function exchange(
  url: URL,
  { method: given, body, headers, transport = plainTransport, signal, implied }: RequestOptions,
): Promise<{ bytes: Uint8Array; etag: string | null }> {
  const isRaw = body instanceof Uint8Array;
  const type = isRaw ? "application/octet-stream" : "application/json";
  const method = given ?? (body ? "POST" : "GET");
  const init: RequestInit & { signal: AbortSignal } = {
    method,
    ...(body && { body: isRaw ? new Uint8Array(body) : JSON.stringify(body) }),
    headers: { ...(body && { "content-type": type }), ...headers, ...transport.headers(method, url) },
    signal,
  };
  const { status, bytes, retryAfterS, etag } = await ask(url, init);
  if (status < 200 || status > 299) throw refusal(parsed(textOf(bytes)), { status, retryAfterS }, implied);
  return { bytes, etag };
}

async function ask(url: URL, init: RequestInit & { signal: AbortSignal }) {
  try {
    const response = await fetch(url, init);
    const bytes = new Uint8Array(await response.arrayBuffer());
    const { status, headers } = response;
    return { status, bytes, retryAfterS: secondsOf(headers.get("retry-after")), etag: headers.get("etag") };
  } catch (error) {
    // fetch says only that it was aborted. The signal says why.
    if (init.signal.aborted) throw init.signal.reason;
    throw sessionError("unreachable", error);
  }
}

function textOf(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

function parsed(json: string): unknown {
  try {
    return json === "" ? null : JSON.parse(json);
  } catch {
    return undefined;
  }
}

/** The number in a `Retry-After`. An Orion server never sends its other form, a date. */
function secondsOf(header: string | null): number | null {
  return header !== null && /^\d{1,6}$/.test(header) ? Number(header) : null;
}

type Refused = { status: number; retryAfterS: number | null };

function refusal(json: unknown, refused: Refused, implied: ProblemCode | undefined): SessionError {
  const { status } = refused;
  const plain = `The server answered with status ${status}.`;
  const read = readAs(refusalShape, json);
  if (!read) return new SessionError(["unexpected_answer"], plain, refused);
  const { codes = [], errors } = read;
  const repeated = codes.length > 1 ? codes.indexOf(implied ?? "") : -1;
  const [first = `status_${status}`, ...more] = codes.filter((_, i) => i !== repeated);
  const sentences = errors.filter((_, i) => i !== repeated);
  return new SessionError([first, ...more], sentences.join(" ") || plain, refused);
}
