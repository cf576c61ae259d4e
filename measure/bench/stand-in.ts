/** Stands where a sidecar's edge should be: takes every post, and counts those with observations. */
import { once } from "node:events";
import { createServer } from "node:http";

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
