/** Whether WebSockets reach the server, on the paths where clients open them. */
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { type IncomingMessage, request as requestPlainly } from "node:http";
import { request as requestSecurely } from "node:https";
import type { Check } from "./finding.ts";
import { at } from "./visitor.ts";

/** Milliseconds to wait for an answer. */
const patienceMs = 10_000;

/** Asks to open a WebSocket. The status, 101 if it opened, and the answer's headers. */
export async function askForUpgrade(
  server: URL,
  path: string,
  headers: Record<string, string> = {},
): Promise<{ status: number; headers: IncomingMessage["headers"] }> {
  const url = at(server, path);
  const ask = url.protocol === "https:" ? requestSecurely : requestPlainly;
  const asked = ask(url, {
    signal: AbortSignal.timeout(patienceMs),
    agent: false,
    headers: {
      Connection: "Upgrade",
      Upgrade: "websocket",
      "Sec-WebSocket-Version": "13",
      "Sec-WebSocket-Key": randomBytes(16).toString("base64"),
      ...headers,
    },
  });
  asked.end();
  const answered = Promise.race([once(asked, "upgrade"), once(asked, "response")]);
  const [answer, socket] = (await answered) as [IncomingMessage, { destroy(): void } | undefined];
  asked.on("error", () => {});
  socket?.destroy();
  asked.destroy();
  return { status: answer.statusCode ?? 0, headers: answer.headers };
}

/** On `/`, where Orion's own clients open theirs, and on `/lobbies`, where the SDK does. */
export function upgradesOn(server: URL, path: "/" | "/lobbies"): Check {
  return {
    name: `upgrade on ${path}`,
    look: async () => {
      const { status } = await askForUpgrade(server, path);
      const what = `A WebSocket on ${path} was answered with ${status}`;
      if (status === 101) return { verdict: "ok", what: `A WebSocket opens on ${path}.` };
      if (status === 426)
        return {
          verdict: "wrong",
          code: "upgrade_stripped",
          what: `${what}: the header Upgrade did not reach the server.`,
        };
      if (status >= 200 && status < 400)
        return { verdict: "wrong", code: "upgrade_answered_by_page", what: `${what}, as if it was a page.` };
      return { verdict: "wrong", code: "upgrade_refused", what: `${what}.` };
    },
  };
}
