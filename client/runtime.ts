/** What the SDK needs of the place it runs in, besides the language of 2022. */
import { OrionError, ownProblems } from "./error.ts";

/** Throws `unsupported_runtime`, and names what is missing: an older Node.js has no WebSocket. */
export function checkRuntime(more: Record<string, unknown> = {}): void {
  const { fetch, WebSocket, AbortController } = globalThis;
  const needed = Object.entries({ fetch, WebSocket, AbortController, ...more });
  const missing = needed.filter(([, value]) => typeof value !== "function").map(([name]) => name);
  if (missing.length === 0) return;
  const sentence = `${ownProblems.unsupported_runtime} Missing here: ${missing.join(", ")}.`;
  throw new OrionError("unsupported_runtime", sentence);
}
