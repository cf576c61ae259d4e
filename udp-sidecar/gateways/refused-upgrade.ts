/** Why the edge refuses a WebSocket. Node's own says only that it did not open, so the same is asked once more, and given up. */

import { randomBytes } from "node:crypto";
import { request as httpRequest, type IncomingMessage } from "node:http";
import { request as httpsRequest } from "node:https";
import { parseObject } from "../../core/wire/codec.ts";

/** `code`: the edge's own, if it was the edge that answered. */
export type UpgradeRefusal = { status: number; code: string | null; retryAfterS: number | null };

/** Milliseconds that the answer may take. */
const patienceMs = 5_000;
/** Bytes of an answer that are read: the edge's own are short. */
const longestAnswer = 4 * 1024;

/** Null if nothing answers, or if the WebSocket would open now. Never throws. */
export function whyRefused(url: URL, headers: Record<string, string>): Promise<UpgradeRefusal | null> {
  return new Promise((resolve) => {
    const request = url.protocol === "https:" ? httpsRequest : httpRequest;
    const sent = request(url, {
      agent: false,
      signal: AbortSignal.timeout(patienceMs),
      headers: {
        ...headers,
        connection: "upgrade",
        upgrade: "websocket",
        "sec-websocket-version": "13",
        "sec-websocket-key": randomBytes(16).toString("base64"),
      },
    });
    sent.on("error", () => resolve(null));
    let isAnswered = false;
    // Of a request that is answered, this may come before all of the answer has.
    sent.on("close", () => isAnswered || resolve(null));
    sent.on("upgrade", (_, socket) => socket.destroy());
    sent.on("response", (response) => {
      isAnswered = true;
      let text = "";
      response.setEncoding("utf8");
      response.on("error", () => {});
      response.on("data", (chunk: string) => {
        text += chunk;
        if (text.length > longestAnswer) sent.destroy();
      });
      response.on("close", () => resolve(refusalOf(response, text)));
    });
    sent.end();
  });
}

function refusalOf({ statusCode: status = 0, headers }: IncomingMessage, text: string): UpgradeRefusal {
  const { codes } = parseObject(text) ?? {};
  const [code] = Array.isArray(codes) ? codes : [];
  const { "retry-after": seconds = "" } = headers;
  return {
    status,
    code: typeof code === "string" ? code : null,
    retryAfterS: /^\d{1,6}$/.test(seconds) ? Number(seconds) : null,
  };
}
