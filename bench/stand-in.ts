/** Stands where a sidecar's edge should be: takes every post, and counts those with observations. */
import { createHmac } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import { encode } from "./player.ts";

/** The secret of the sidecar under test. */
export const secret = "the secret of the bench's own sidecar";

export type StandIn = {
  url: URL;
  observationPosts(): number;
  stop(): void;
};

export async function startStandIn(): Promise<StandIn> {
  let posts = 0;
  const server = createServer((request, response) => {
    const observes = request.url === "/sidecar/observations";
    if (observes) posts += 1;
    request.resume().on("end", () => response.end(observes ? '{"again":[]}' : '{"known":true}'));
  });
  // Between two measurements the sidecar is silent for longer than Node keeps a connection.
  server.keepAliveTimeout = 60_000;
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const port = typeof address === "object" ? address?.port : undefined;
  return {
    url: new URL(`http://127.0.0.1:${port}`),
    observationPosts: () => posts,
    stop: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

/** The datagram of the `index`th client, with a token as the edge would issue it, or one with another secret's mac. */
export function datagramOf(index: number, { forged }: { forged: boolean }): string {
  const signed = `17.${String(index).padStart(16, "-")}`;
  const under = forged ? `not ${secret}` : secret;
  const mac = hmac(hmac(under, "orion-edge token v1"), signed).subarray(0, 16).toString("base64url");
  return encode("ptpMediation_connect", { token: `${signed}.${mac}` });
}

function hmac(key: string | Buffer, text: string): Buffer {
  return createHmac("sha256", key).update(text).digest();
}
