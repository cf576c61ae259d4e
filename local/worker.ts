/**
 * The Worker as `npm start` runs it: with a bound on its open WebSockets, and with an end that its clients hear of.
 * Neither is part of the deployed Worker.
 */
import { refuse } from "../core/problem.ts";
import { sameText } from "../core/token.ts";
import type { Env } from "../worker/env.ts";
import { logIfRefused, refused } from "../worker/http.ts";
import worker, { Home as PlainHome } from "../worker/index.ts";
import { isUpgrade } from "../worker/upgrade.ts";
import { type LocalVars, stopHeader } from "./worker-vars.ts";

export { Directory, Fleet } from "../worker/index.ts";

type LocalEnv = Env & { [Name in keyof LocalVars]?: string };

/** Seconds after which a client that was refused for lack of room may ask again. */
const retryAfterS = 10;
/** Milliseconds between two counts of all homes. */
const recountMs = 1_000;
/** Milliseconds in which all homes close their sockets, even on a busy machine. */
const closingMs = 3_000;
/** Milliseconds that clients then have to answer. */
const answerMs = 1_000;

/** Open sockets by the id of their home. workerd runs all homes and the Worker in one isolate, which has this map. */
const sockets = new Map<string, number>();
let openSockets = 0;
/** Sockets that no home has taken yet. */
let arrivingSockets = 0;

export class Home extends PlainHome {
  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.#count();
  }

  override async fetch(request: Request): Promise<Response> {
    const response = await super.fetch(request);
    this.#count();
    return response;
  }

  override webSocketClose(socket: WebSocket, code: number): void {
    super.webSocketClose(socket, code);
    this.#count(socket);
  }

  override webSocketError(socket: WebSocket): void {
    super.webSocketError(socket);
    this.#count(socket);
  }

  #count(gone?: WebSocket): void {
    const id = this.ctx.id.toString();
    const count = this.ctx.getWebSockets().filter((socket) => socket !== gone).length;
    openSockets += count - (sockets.get(id) ?? 0);
    if (count > 0) sockets.set(id, count);
    else sockets.delete(id);
  }
}

export default {
  async fetch(request, env) {
    const stopKey = request.headers.get(stopHeader);
    if (stopKey !== null && env.stopKey && sameText(stopKey, env.stopKey)) {
      await closeAll(env);
      return new Response(null, { status: 204 });
    }
    if (!isUpgrade(request)) return await worker.fetch(request, env);
    if (isFull(env)) await recount(env);
    if (isFull(env)) return logIfRefused(request, refused({ ...refuse("unavailable"), retryAfterS }));
    arrivingSockets += 1;
    try {
      return await worker.fetch(request, env);
    } finally {
      arrivingSockets -= 1;
    }
  },
} satisfies ExportedHandler<LocalEnv>;

function isFull({ mostSockets }: LocalEnv): boolean {
  return openSockets + arrivingSockets >= Number(mostSockets ?? Number.POSITIVE_INFINITY);
}

let recountedAt = 0;

/**
 * An object that was ended could not say that its sockets are gone. Any call builds it again, and it counts what it has.
 * Once a second at most.
 */
async function recount({ HOME }: Env): Promise<void> {
  if (Math.abs(Date.now() - recountedAt) < recountMs) return;
  recountedAt = Date.now();
  await Promise.allSettled([...sockets.keys()].map((id) => HOME.get(HOME.idFromString(id)).listed([])));
}

/** Closes every client's socket, and waits a moment for the clients' answers. */
async function closeAll({ HOME }: Env): Promise<void> {
  const goodbyes = [...sockets.keys()].map((id) => HOME.get(HOME.idFromString(id)).goodbye());
  await Promise.race([Promise.allSettled(goodbyes), scheduler.wait(closingMs)]);
  const end = Date.now() + answerMs;
  while (openSockets > 0 && Date.now() < end) await scheduler.wait(10);
}
