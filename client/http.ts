/** Requests to the server, and what it answers. */
import * as z from "zod";
import type { ProblemCode } from "../core/problem.ts";
import { OrionError, ownError } from "./error.ts";

// Pages may forbid to make code from strings, so zod must not try.
z.config({ jitless: true });

const refusalShape = z.object({ errors: z.array(z.string()), codes: z.array(z.string()).optional() });

/** The server's URL, its path with a slash at the end. Throws `invalid_url`. */
export function readServerUrl(url: string | URL): URL {
  const base = parsedUrl(url);
  if (!base || !/^https?:$/.test(base.protocol) || base.username || base.password) {
    throw ownError("invalid_url");
  }
  base.search = base.hash = "";
  if (!base.pathname.endsWith("/")) base.pathname += "/";
  return base;
}

/** Not `URL.parse`, which many browsers do not have yet. */
function parsedUrl(url: unknown): URL | null {
  try {
    return new URL(String(url));
  } catch {
    return null;
  }
}

/** Whether an Orion server answers. Throws `unreachable`, or `not_orion` if something else answers. */
export async function ping(base: URL, signal: AbortSignal): Promise<void> {
  const { status, text } = await ask(new URL("ping", base), { signal });
  if (status === 200 && text.trim() === "pong") return;
  // Before a server that is just starting, a proxy answers in its place.
  throw ownError(status >= 500 ? "unreachable" : "not_orion");
}

/**
 * The answer's JSON. Throws the server's refusal, `unreachable`, or `unexpected_answer`. `implied` is a code that the
 * refusal leaves out beside others, because it would name the same mistake again.
 */
export async function request<T>(
  url: URL,
  answer: z.ZodType<T>,
  { body, signal, implied }: { body?: object; signal: AbortSignal; implied?: ProblemCode | undefined },
): Promise<T> {
  const post = body && {
    method: "POST",
    body: JSON.stringify(body),
    headers: { "content-type": "application/json" },
  };
  const { status, text, retryAfterS } = await ask(url, { ...post, signal });
  const json = parsed(text);
  if (status < 200 || status > 299) throw refusal(json, { status, retryAfterS }, implied);
  const { success, data } = answer.safeParse(json);
  if (!success) throw ownError("unexpected_answer");
  return data;
}

async function ask(url: URL, init: RequestInit & { signal: AbortSignal }) {
  try {
    const response = await fetch(url, init);
    const text = await response.text();
    return { status: response.status, text, retryAfterS: secondsOf(response.headers.get("retry-after")) };
  } catch (error) {
    // What aborted the request says more than that it was aborted.
    if (init.signal.aborted) throw init.signal.reason;
    throw ownError("unreachable", error);
  }
}

function parsed(text: string): unknown {
  try {
    return text === "" ? null : JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The number in a `Retry-After`. Its other form, a date, is none of an Orion server. */
function secondsOf(text: string | null): number | null {
  return text !== null && /^\d{1,6}$/.test(text) ? Number(text) : null;
}

type Refused = { status: number; retryAfterS: number | null };

function refusal(json: unknown, refused: Refused, implied: ProblemCode | undefined): OrionError {
  const { status } = refused;
  const { success, data } = refusalShape.safeParse(json);
  if (!success) {
    return new OrionError("unexpected_answer", `The server answered with status ${status}.`, refused);
  }
  const { codes = [], errors } = data;
  const repeated = codes.length > 1 ? codes.indexOf(implied ?? "") : -1;
  const [first = `status_${status}`, ...more] = codes.filter((_, i) => i !== repeated);
  const sentences = errors.filter((_, i) => i !== repeated);
  const message = sentences.join(" ") || `The server answered with status ${status}.`;
  return new OrionError([first, ...more], message, refused);
}
