/** A real HTTP server that stands where the edge should be, and behaves as a test wants. */
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { Heartbeat, Observation } from "../../core/wire/sidecar-post.ts";

export type EdgePost = { at: number; path: string; body: string; signature: string };

export type StandIn = {
  readonly url: URL;
  /** All that was posted, in order. */
  readonly posts: EdgePost[];
  readonly beats: Heartbeat[];
  /** The observations of every post that had some. */
  readonly observed: Observation[][];
  /** Decides over the next posts. */
  answer: Answer;
  stop(): Promise<void>;
};

/** Answers a post, or leaves it without an answer. */
export type Answer = (post: EdgePost, response: ServerResponse) => void;

/** As the edge answers a post it takes. */
export const takeAll: Answer = ({ path }, response) => {
  response.end(path.endsWith("observations") ? '{"again":[]}' : '{"known":true}');
};

export async function startStandIn(answer: Answer = takeAll, port = 0): Promise<StandIn> {
  const posts: EdgePost[] = [];
  const server = createServer(async (request: IncomingMessage, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const post = {
      at: Date.now(),
      path: request.url ?? "",
      body: Buffer.concat(chunks).toString(),
      signature: String(request.headers["x-orion-signature"]),
    };
    posts.push(post);
    standIn.answer(post, response);
  }).listen(port, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  const bodies = (path: string) => posts.filter((post) => post.path === path).map(({ body }) => body);
  const standIn: StandIn = {
    url: new URL(`http://127.0.0.1:${address.port}`),
    posts,
    get beats() {
      return bodies("/sidecar/heartbeat").map((body) => JSON.parse(body));
    },
    get observed() {
      return bodies("/sidecar/observations").map((body) => JSON.parse(body).observations);
    },
    answer,
    stop: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
  return standIn;
}
