import { stopHeader } from "./worker-vars.ts";

/** Milliseconds that the Worker has for its goodbye. It takes 1 000 if a client does not answer, and 4 000 at most. */
const patienceMs = 5_000;

/**
 * Has a Worker (worker.ts) close all its WebSockets. Returns when its clients know that it stops, or soon after the
 * Worker shows that it cannot tell them.
 */
export async function sayGoodbye(edge: URL, stopKey: string): Promise<void> {
  const headers = { [stopHeader]: stopKey };
  await fetch(edge, { method: "POST", headers, signal: AbortSignal.timeout(patienceMs) })
    .then((response) => response.body?.cancel())
    .catch(() => {});
}
