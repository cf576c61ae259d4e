/** Requests with the headers that a browser or a proxy sends, which `fetch` does not let anybody choose. */
import { request as httpRequest } from "node:http";
import type { Answer } from "./player.ts";

/** What Chromium sends when a person opens an address. */
export const navigation = {
  accept: "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8",
  "sec-fetch-dest": "document",
  "sec-fetch-mode": "navigate",
  "sec-fetch-site": "none",
  "upgrade-insecure-requests": "1",
};

/** Sends a request without a body, with these headers and no others of its own. */
export function requestWith(
  base: URL,
  path: string,
  headers: Record<string, string>,
  method = "GET",
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const { hostname: host, port } = base;
    // The path as it is: a URL would be made plain.
    const sent = httpRequest({ host, port, path, method, headers, agent: false }, async (response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of response) chunks.push(chunk);
      const text = Buffer.concat(chunks).toString();
      const headers = new Headers(
        Object.entries(response.headers).map(([name, value]) => [name, String(value)]),
      );
      resolve({ status: response.statusCode ?? 0, text, body: parsed(text), headers });
    });
    sent.on("error", reject);
    sent.end();
  });
}

function parsed(text: string): Answer["body"] {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
