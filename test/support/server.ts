/** Servers for tests: the real Worker, real sockets, free ports. */
import { fileURLToPath } from "node:url";
import { type Server, type ServerOptions, startServer } from "../../local/server.ts";

const faultyWorker = fileURLToPath(new URL("./faulty-worker.ts", import.meta.url));

/** A server whose objects can be crashed (`faulty-worker.ts`). */
export function startFaultyServer(options: Partial<ServerOptions> = {}): Promise<Server> {
  return startTestServer({ entry: faultyWorker, ...options });
}

export function startTestServer(options: Partial<ServerOptions> = {}): Promise<Server> {
  return startServer({ httpPort: 0, udpPort: 0, host: "127.0.0.1", ...options });
}

/** Ends an object: `{ home }` of a client's token, `{ lobby }`, `{ directory }` by shard, or `{ fleet }`. */
export async function crash(base: URL, what: Record<string, string>): Promise<void> {
  await fetch(new URL(`/test/crash?${new URLSearchParams(what)}`, base));
}
