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
import { counting, holders, sockets, socketsFrom, whileArriving } from "./socket-counts.ts";
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

export class Lobby extends counting(PlainLobby) {
  protected override held(gone?: WebSocket): Iterable<readonly Network[]> {
    return this.connections.networks(gone);
  }
}

export class Lounge extends counting(PlainLounge) {
  protected override held(gone?: WebSocket): Iterable<readonly Network[]> {
    return this.connections.networks(gone);
  }

  protected override vanished(): void {
    this.count();
  }
}

export class Relay extends counting(PlainRelay) {
  protected override held(gone?: WebSocket): Iterable<readonly Network[]> {
    return this.networks(gone);
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
    const networks = networksOfRequest(request, env);
    const isPrivate = address !== null && scopeOf(address) === "private";
    const refusal = () => refusalFor(env, networks, isPrivate, read.settings.socketsPerAddress);
    if (refusal()) await recount(env);
    const refusing = refusal();
    if (refusing) return hardened(logIfRefused(request, refused({ ...refusing, retryAfterS })));
    return await whileArriving(networks, () => worker.fetch(request, env));
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
  const [own] = networks;
  // As in a minute (edge/address-limits.ts): a wider network that neighbours have filled has a rest for addresses that hold little.
  const isQuiet = own !== undefined && socketsFrom(own) < perAddress * edgeLimits.quietShare;
  const crowded = networks.find((network, at) => {
    const isLan = isPrivate && network.name.includes("/");
    const part = isLan ? most : Math.floor((most * (networks.length + at)) / (2 * networks.length));
    const rest = at > 0 && isQuiet ? Math.ceil(network.shares / 2) : 0;
    const bound = Math.min(perAddress * (network.shares + rest), part);
    return socketsFrom(network) >= bound;
  });
  if (crowded) {
    logRefusal("address_over_limit", { counted: "SOCKETS", from: neighbourhoodOf(crowded.name) });
    return refuse("too_many_requests");
  }
  return sockets() >= most ? refuse("unavailable") : null;
}

let recountedAt = 0;

/**
 * An object that was ended could not say that its sockets are gone. Any call builds it again, and it counts what it has.
 * Once a second at most.
 */
async function recount(env: Env): Promise<void> {
  if (Math.abs(Date.now() - recountedAt) < recountMs) return;
  recountedAt = Date.now();
  await Promise.allSettled(holders().map((name) => wake(env, name)));
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
  const goodbyes = holders().map((name) =>
    (isRelay(name) ? relayAt(env, name) : holderAt(env, name))?.goodbye(),
  );
  await Promise.race([Promise.allSettled(goodbyes), scheduler.wait(closingMs)]);
  const end = Date.now() + answerMs;
  while (sockets() > 0 && Date.now() < end) await scheduler.wait(10);
}
