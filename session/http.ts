/** One HTTP request to the server, and its answer or refusal. */
import * as z from "zod";
import type { ProblemCode } from "../core/problem.ts";
import { SessionError, sessionError } from "./error.ts";

const refusalShape = z.object({ errors: z.array(z.string()), codes: z.array(z.string()).optional() });

/** Whether an Orion server answers. Throws `unreachable`, or `not_orion` if something else answers. */
export async function ping(server: URL, signal: AbortSignal): Promise<void> {
  const { status, text } = await ask(new URL("ping", server), { signal });
  if (status === 200 && text.trim() === "pong") return;
  // While a server starts, the proxy before it answers with a 5xx.
  throw sessionError(status >= 500 ? "unreachable" : "not_orion");
}

export type RequestOptions = {
  /** It is sent as JSON with POST. Without it the request is a GET. */
  body?: object;
  signal: AbortSignal;
  /** A code to leave out of a refusal that has others: it names the same mistake a second time. */
  implied?: ProblemCode | undefined;
};

/**
 * The answer's JSON. Throws the server's refusal, `unreachable`, `unexpected_answer`, or the signal's reason.
 */
export async function request<T>(
  url: URL,
  answer: z.ZodType<T>,
  { body, signal, implied }: RequestOptions,
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
  if (!success) throw sessionError("unexpected_answer");
  return data;
}

async function ask(url: URL, init: RequestInit & { signal: AbortSignal }) {
  try {
    const response = await fetch(url, init);
    const text = await response.text();
    return { status: response.status, text, retryAfterS: secondsOf(response.headers.get("retry-after")) };
  } catch (error) {
    // fetch says only that it was aborted. The signal says why.
    if (init.signal.aborted) throw init.signal.reason;
    throw sessionError("unreachable", error);
  }
}

function parsed(text: string): unknown {
  try {
    return text === "" ? null : JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The number in a `Retry-After`. An Orion server never sends its other form, a date. */
function secondsOf(text: string | null): number | null {
  return text !== null && /^\d{1,6}$/.test(text) ? Number(text) : null;
}

type Refused = { status: number; retryAfterS: number | null };

function refusal(json: unknown, refused: Refused, implied: ProblemCode | undefined): SessionError {
  const { status } = refused;
  const plain = `The server answered with status ${status}.`;
  const { success, data } = refusalShape.safeParse(json);
  if (!success) return new SessionError(["unexpected_answer"], plain, refused);
  const { codes = [], errors } = data;
  const repeated = codes.length > 1 ? codes.indexOf(implied ?? "") : -1;
  const [first = `status_${status}`, ...more] = codes.filter((_, i) => i !== repeated);
  const sentences = errors.filter((_, i) => i !== repeated);
  return new SessionError([first, ...more], sentences.join(" ") || plain, refused);
}
