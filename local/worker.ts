/**
 * The Worker as `npm start` runs it: with a bound on its open WebSockets, and with an end that its clients hear of.
 * Neither is part of the deployed Worker.
 */
import { refuse } from "../core/problem.ts";
import { sameText } from "../core/token.ts";
import { hardened, logIfRefused, refused } from "../worker/edge/http.ts";
import { isUpgrade } from "../worker/edge/upgrade.ts";
import worker, { Lobby as PlainLobby, Lounge as PlainLounge } from "../worker/index.ts";
import type { Env } from "../worker/platform/env.ts";
import { holderAt } from "../worker/platform/stubs.ts";
import { type LocalVars, stopHeader } from "./worker-vars.ts";

export { Directory, Fleet } from "../worker/index.ts";

type LocalEnv = Env & { [Name in keyof LocalVars]?: string };

/** Seconds after which a client that was refused for lack of room may ask again. */
const retryAfterS = 10;
/** Milliseconds between two counts of all sockets. */
const recountMs = 1_000;
/** Milliseconds in which all objects close their sockets, even on a busy machine. */
const closingMs = 3_000;
/** Milliseconds that clients then have to answer. */
const answerMs = 1_000;

/** Open sockets by the name of the object that holds them. workerd runs all objects and the Worker in one isolate, which has this map. */
const sockets = new Map<string, number>();
let openSockets = 0;
/** Sockets that no object has taken yet. */
let arrivingSockets = 0;

/** Counts what an object holds now, `gone` excepted. */
function countSockets({ id, getWebSockets }: Counting, gone?: WebSocket): void {
  const name = id.name ?? "";
  const count = getWebSockets().filter((socket) => socket !== gone).length;
  openSockets += count - (sockets.get(name) ?? 0);
  if (count > 0) sockets.set(name, count);
  else sockets.delete(name);
}

type Counting = { id: DurableObjectId; getWebSockets(): WebSocket[] };

function countingOf(ctx: DurableObjectState): Counting {
  return { id: ctx.id, getWebSockets: () => ctx.getWebSockets() };
}

export class Lobby extends PlainLobby {
  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    countSockets(countingOf(ctx));
  }

  override async fetch(request: Request): Promise<Response> {
    const response = await super.fetch(request);
    countSockets(countingOf(this.ctx));
    return response;
  }

  override webSocketClose(socket: WebSocket, code: number): void {
    super.webSocketClose(socket, code);
    countSockets(countingOf(this.ctx), socket);
  }

  override webSocketError(socket: WebSocket): void {
    super.webSocketError(socket);
    countSockets(countingOf(this.ctx), socket);
  }
}

export class Lounge extends PlainLounge {
  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    countSockets(countingOf(ctx));
  }

  override async fetch(request: Request): Promise<Response> {
    const response = await super.fetch(request);
    countSockets(countingOf(this.ctx));
    return response;
  }

  override webSocketClose(socket: WebSocket, code: number): void {
    super.webSocketClose(socket, code);
    countSockets(countingOf(this.ctx), socket);
  }

  override webSocketError(socket: WebSocket): void {
    super.webSocketError(socket);
    countSockets(countingOf(this.ctx), socket);
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
    if (isFull(env))
      return hardened(logIfRefused(request, refused({ ...refuse("unavailable"), retryAfterS })));
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
async function recount(env: Env): Promise<void> {
  if (Math.abs(Date.now() - recountedAt) < recountMs) return;
  recountedAt = Date.now();
  await Promise.allSettled([...sockets.keys()].map((name) => holderAt(env, name).observe([])));
}

/** Closes every client's socket, and waits a moment for the clients' answers. */
async function closeAll(env: Env): Promise<void> {
  const goodbyes = [...sockets.keys()].map((name) => holderAt(env, name).goodbye());
  await Promise.race([Promise.allSettled(goodbyes), scheduler.wait(closingMs)]);
  const end = Date.now() + answerMs;
  while (openSockets > 0 && Date.now() < end) await scheduler.wait(10);
}
