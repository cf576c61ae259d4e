/**
 * The Worker as `npm start` runs it: with a bound on its open WebSockets, and with an end that its clients hear of.
 * Neither is part of the deployed Worker.
 */
import { scopeOf } from "../core/endpoint.ts";
import { type Network, neighbourhoodOf } from "../core/network.ts";
import { type Refusal, refuse } from "../core/problem.ts";
import { sameText } from "../core/token.ts";
import { addressOf } from "../worker/edge/address.ts";
import { networksOfRequest } from "../worker/edge/address-limits.ts";
import { admitGateway } from "../worker/edge/gateway-door.ts";
import { hardened, logIfRefused, refused } from "../worker/edge/http.ts";
import { edgeLimits } from "../worker/edge/limits.ts";
import { operatorNow } from "../worker/edge/operator-view.ts";
import { isUpgrade } from "../worker/edge/upgrade.ts";
import worker, { Lobby as PlainLobby, Lounge as PlainLounge, Relay as PlainRelay } from "../worker/index.ts";
import { type Env, readSettings } from "../worker/platform/env.ts";
import { logRefusal } from "../worker/platform/log.ts";
import { holderAt, relayAt } from "../worker/platform/stubs.ts";
import type { Connections } from "../worker/sessions/connections.ts";
import { type LocalVars, statsHeader, stopHeader } from "./worker-vars.ts";

export { Budget, Directory, Fleet, Stats } from "../worker/index.ts";

type LocalEnv = Env & { [Name in keyof LocalVars]?: string };

/** Seconds after which a client that was refused for lack of room may ask again. */
const retryAfterS = 10;
/** Milliseconds between two counts of all sockets. */
const recountMs = 1_000;
/** Milliseconds in which all objects close their sockets, even on a busy machine. */
const closingMs = 3_000;
/** Milliseconds that clients then have to answer. */
const answerMs = 1_000;

/** What one object holds: sockets that are open, or thrown out and not gone, and of them those of each network by its name. */
type Held = { sockets: number; perNetwork: Map<string, number> };

/** By the name of the object. workerd runs all objects and the Worker in one isolate, which has this map. */
const held = new Map<string, Held>();
/** The same of all objects together, and the sockets that no object has taken yet. */
const all: Held = { sockets: 0, perNetwork: new Map() };

/** Counts what an object holds now, `gone` excepted. */
function countSockets(
  ctx: DurableObjectState,
  connections: Pick<Connections, "networks">,
  gone?: WebSocket,
): void {
  const name = ctx.id.name ?? "";
  const now: Held = { sockets: 0, perNetwork: new Map() };
  for (const networks of connections.networks(gone)) {
    now.sockets += 1;
    for (const { name } of networks) add(now.perNetwork, name, 1);
  }
  addAll(held.get(name), -1);
  addAll(now, 1);
  if (now.sockets > 0) held.set(name, now);
  else held.delete(name);
}

function addAll(one: Held | undefined, sign: 1 | -1): void {
  if (!one) return;
  all.sockets += sign * one.sockets;
  for (const [network, count] of one.perNetwork) add(all.perNetwork, network, sign * count);
}

function add(counts: Map<string, number>, name: string, change: number): void {
  const count = (counts.get(name) ?? 0) + change;
  if (count > 0) counts.set(name, count);
  else counts.delete(name);
}

export class Lobby extends PlainLobby {
  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    countSockets(ctx, this.connections);
  }

  override async fetch(request: Request): Promise<Response> {
    const response = await super.fetch(request);
    countSockets(this.ctx, this.connections);
    return response;
  }

  override webSocketClose(socket: WebSocket, code: number): void {
    super.webSocketClose(socket, code);
    countSockets(this.ctx, this.connections, socket);
  }

  override webSocketError(socket: WebSocket): void {
    super.webSocketError(socket);
    countSockets(this.ctx, this.connections, socket);
  }
}

export class Lounge extends PlainLounge {
  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    countSockets(ctx, this.connections);
  }

  override async fetch(request: Request): Promise<Response> {
    const response = await super.fetch(request);
    countSockets(this.ctx, this.connections);
    return response;
  }

  override webSocketClose(socket: WebSocket, code: number): void {
    super.webSocketClose(socket, code);
    countSockets(this.ctx, this.connections, socket);
  }

  override webSocketError(socket: WebSocket): void {
    super.webSocketError(socket);
    countSockets(this.ctx, this.connections, socket);
  }

  protected override vanished(): void {
    countSockets(this.ctx, this.connections);
  }
}

export class Relay extends PlainRelay {
  readonly #connections = { networks: (except?: WebSocket) => this.networks(except) };

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    countSockets(ctx, this.#connections);
  }

  override async fetch(request: Request): Promise<Response> {
    const response = await super.fetch(request);
    countSockets(this.ctx, this.#connections);
    return response;
  }

  override webSocketClose(socket: WebSocket, code: number): void {
    super.webSocketClose(socket, code);
    countSockets(this.ctx, this.#connections, socket);
  }

  override webSocketError(socket: WebSocket): void {
    super.webSocketError(socket);
    countSockets(this.ctx, this.#connections, socket);
  }
}

export default {
  async fetch(request, env) {
    const stopKey = request.headers.get(stopHeader);
    if (stopKey !== null && env.stopKey && sameText(stopKey, env.stopKey)) {
      await closeAll(env);
      return new Response(null, { status: 204 });
    }
    const statsKey = request.headers.get(statsHeader);
    if (statsKey !== null && env.stopKey && sameText(statsKey, env.stopKey))
      return Response.json({ ...(await operatorNow(env)), mayAct: false });
    const read = readSettings(env);
    if (!isUpgrade(request) || !read.ok) return await worker.fetch(request, env);
    // The Worker refuses a header that is not genuine.
    if (!(await admitGateway(request, env)).ok) return await worker.fetch(request, env);
    const address = addressOf(request, env);
    const arriving: Held = { sockets: 1, perNetwork: new Map() };
    const networks = networksOfRequest(request, env);
    for (const { name } of networks) arriving.perNetwork.set(name, 1);
    const isPrivate = address !== null && scopeOf(address) === "private";
    const refusal = () => refusalFor(env, networks, isPrivate, read.settings.socketsPerAddress);
    if (refusal()) await recount(env);
    const refusing = refusal();
    if (refusing) return hardened(logIfRefused(request, refused({ ...refusing, retryAfterS })));
    addAll(arriving, 1);
    try {
      return await worker.fetch(request, env);
    } finally {
      addAll(arriving, -1);
    }
  },
} satisfies ExportedHandler<LocalEnv>;

/**
 * Why the server takes no more sockets from there: all it has room for are open, or one network has as many as it may. That is half of all at
 * the most for one address, and a larger part for each wider network that it is in: so none keeps out its neighbours, or everybody. A private
 * network, all of whose players may be the operator's guests, is not held to a part, but one IPv4 address in it is.
 */
function refusalFor(
  { mostSockets }: LocalEnv,
  networks: readonly Network[],
  isPrivate: boolean,
  perAddress: number,
): Refusal | null {
  const most = Number(mostSockets ?? Number.POSITIVE_INFINITY);
  const held = ({ name }: Network) => all.perNetwork.get(name) ?? 0;
  const [own] = networks;
  // As in a minute (edge/address-limits.ts): a wider network that neighbours have filled has a rest for addresses that hold little.
  const isQuiet = own !== undefined && held(own) < perAddress * edgeLimits.quietShare;
  const crowded = networks.find((network, at) => {
    const isLan = isPrivate && network.name.includes("/");
    const part = isLan ? most : Math.floor((most * (networks.length + at)) / (2 * networks.length));
    const rest = at > 0 && isQuiet ? Math.ceil(network.shares / 2) : 0;
    const bound = Math.min(perAddress * (network.shares + rest), part);
    return held(network) >= bound;
  });
  if (crowded) {
    logRefusal("address_over_limit", { counted: "SOCKETS", from: neighbourhoodOf(crowded.name) });
    return refuse("too_many_requests");
  }
  return all.sockets >= most ? refuse("unavailable") : null;
}

let recountedAt = 0;

/**
 * An object that was ended could not say that its sockets are gone. Any call builds it again, and it counts what it has.
 * Once a second at most.
 */
async function recount(env: Env): Promise<void> {
  if (Math.abs(Date.now() - recountedAt) < recountMs) return;
  recountedAt = Date.now();
  await Promise.allSettled([...held.keys()].map((name) => wake(env, name)));
}

async function wake(env: Env, name: string): Promise<void> {
  if (isRelay(name)) await relayAt(env, name)?.wake();
  else await holderAt(env, name).observe([]);
}

/** Whether the object of this name is a relay over WebSocket. No lobby is called so. */
function isRelay(name: string): boolean {
  return name.startsWith("relay:");
}

/** Closes every client's socket, and waits a moment for the clients' answers. */
async function closeAll(env: Env): Promise<void> {
  const goodbyes = [...held.keys()].map((name) =>
    (isRelay(name) ? relayAt(env, name) : holderAt(env, name))?.goodbye(),
  );
  await Promise.race([Promise.allSettled(goodbyes), scheduler.wait(closingMs)]);
  const end = Date.now() + answerMs;
  while (all.sockets > 0 && Date.now() < end) await scheduler.wait(10);
}
