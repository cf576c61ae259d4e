/** Who gets to hold a new client's socket. A WebSocket cannot move, so this is decided by the path it is opened on. */
import {
  type Filling,
  firstHome,
  homeAfterFilled,
  homeAfterFull,
  type Region,
  regionAt,
} from "../core/homes.ts";
import { limits } from "../core/limits.ts";
import { readLobbyId } from "../core/lobby/lobby-id.ts";
import { refuse } from "../core/problem.ts";
import { count, countFailedJoin, networkOfRequest, refuseGuesser } from "./address-limits.ts";
import { homesOf } from "./codes.ts";
import { type Env, settingsOf } from "./env.ts";
import { refused } from "./http.ts";
import { logFault } from "./log.ts";
import { pathText } from "./path.ts";
import { placeOf } from "./place.ts";
import { homeAt } from "./ports.ts";
import { refuseWithoutRoom } from "./room.ts";

export function isUpgrade(request: Request): boolean {
  return request.headers.get("upgrade")?.toLowerCase() === "websocket";
}

/**
 * Accepts the socket, on any path, unless its address has opened too many. `/lobbies/<id>` means to join, and gets the home of that lobby, if it is open and
 * has room; anything else gets the home that this isolate is filling. Whoever hosts there has its lobby there.
 */
export async function upgrade(request: Request, env: Env): Promise<Response> {
  const network = networkOfRequest(request, env);
  const tooMany = await count(env, "CONNECTS", network);
  if (tooMany) return refused(tooMany);
  const noRoom = await refuseWithoutRoom(env);
  if (noRoom) return refused(noRoom);
  const [, root, wanted, ...rest] = new URL(request.url).pathname.split("/");
  const lobbyId = root === "lobbies" && wanted && rest.length === 0 ? readLobbyId(pathText(wanted)) : null;
  // Where the socket goes tells whether there is such a lobby: to one who guesses, nothing.
  if (lobbyId && !refuseGuesser(network)) {
    const socket = await lobbySocket(env, lobbyId);
    if (socket) return withSubprotocol(socket, request);
    await countFailedJoin(env, network);
  }
  return withSubprotocol(await socketNear(request, env), request);
}

/**
 * The answer with the first of the subprotocols that the client offers. They mean nothing here, but browsers and most
 * libraries close a WebSocket whose server chooses none of those offered.
 */
function withSubprotocol(response: Response, request: Request): Response {
  const offered = request.headers.get("sec-websocket-protocol")?.split(",", 1)[0]?.trim();
  if (!offered || !response.webSocket) return response;
  const headers = { "sec-websocket-protocol": offered };
  return new Response(null, { status: 101, webSocket: response.webSocket, headers });
}

async function lobbySocket(env: Env, lobbyId: string): Promise<Response | null> {
  for (const home of await homesOf(env, lobbyId)) {
    const response = await openSocket(env, home, `/${home}/${lobbyId}`);
    if (response) return response;
  }
  return null;
}

/** The home that this isolate is filling, by region. */
const fillings = new Map<Region | null, Filling>();

async function socketNear(request: Request, env: Env): Promise<Response> {
  const { homes, clientsPerHome } = settingsOf(env);
  const region = regionAt(placeOf(request));
  for (let draw = 0; draw < limits.homeDraws; draw++) {
    let filling = fillings.get(region) ?? firstHome(region);
    // Counting saves a crowd that comes at once from trying the same full home all together.
    if (filling.sent >= clientsPerHome) filling = homeAfterFilled(filling, homes, random());
    fillings.set(region, { ...filling, sent: filling.sent + 1 });
    const home = String(filling.home);
    const response = await openSocket(env, home, `/${home}`);
    if (response) return response;
    // Another request may have looked farther already.
    const now = fillings.get(region) ?? filling;
    if (now.width <= filling.width) fillings.set(region, homeAfterFull(now, homes, random()));
  }
  logFault("no home took a socket", { region: region ?? "none" });
  return refused(refuse("unavailable"));
}

/** Hands the socket to an object. Null if it has no room for it, or does not answer. */
async function openSocket(env: Env, home: string, path: string): Promise<Response | null> {
  try {
    const response = await homeAt(env, home).fetch(`http://home${path}`, {
      headers: { upgrade: "websocket" },
    });
    return response.status === 101 ? response : null;
  } catch (error) {
    logFault("home unreachable", { home }, error);
    return null;
  }
}

/** From 0 up to 1. */
function random(): number {
  const [value = 0] = crypto.getRandomValues(new Uint32Array(1));
  return value / 2 ** 32;
}
