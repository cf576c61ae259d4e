/** HTTP requests over connections that are kept: node:http, because fetch would cost the driver more than the server. */
import { Agent, type IncomingMessage, request } from "node:http";
import { patienceMs } from "./patience.ts";

export type Http = {
  /** The answer's body. Rejects unless the status is 200. */
  get(path: string): Promise<string>;
  /** Posts JSON; the answer's body. Rejects unless the status is 200 or 201. */
  post(path: string, body: object): Promise<string>;
  /** Posts JSON to a request that is refused; rejects if it is done. */
  refused(path: string, body: object): Promise<void>;
  close(): void;
};

export function connectHttp(base: URL): Http {
  const agent = new Agent({ keepAlive: true });

  const isDone = (status = 0): boolean => status === 200 || status === 201;
  const isRefused = (status = 0) => status >= 400 && status < 500;
  const ask = (method: string, path: string, body: string, isRight = isDone): Promise<string> =>
    new Promise((resolve, reject) => {
      const headers = body === "" ? {} : { "content-length": Buffer.byteLength(body) };
      const sent = request(new URL(path, base), { agent, method, headers, timeout: patienceMs });
      const fail = (why: string) => reject(new Error(`${method} ${path}: ${why}.`));
      sent.on("timeout", () => sent.destroy(new Error(`no answer within ${patienceMs / 1000} s`)));
      sent.on("error", (error: NodeJS.ErrnoException) => {
        // The server ended a connection that was kept, just as it was used again.
        if (sent.reusedSocket && error.code === "ECONNRESET")
          ask(method, path, body, isRight).then(resolve, reject);
        else fail(error.message);
      });
      sent.on("response", (response: IncomingMessage) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("error", () => fail("an answer that was cut off"));
        response.on("end", () => {
          const text = Buffer.concat(chunks).toString();
          const { statusCode } = response;
          if (isRight(statusCode)) resolve(text);
          else fail(`answered ${statusCode} ${text.slice(0, 200)}`);
        });
      });
      sent.end(body);
    });

  return {
    get: (path) => ask("GET", path, ""),
    post: (path, body) => ask("POST", path, JSON.stringify(body)),
    refused: async (path, body) => {
      await ask("POST", path, JSON.stringify(body), isRefused);
    },
    close: () => agent.destroy(),
  };
}
