/** Who gets to hold a new client's socket. A WebSocket cannot move, so this is decided by the path it is opened on. */
import { limits } from "../core/limits.ts";
import { drawLobbyId, lobbyIdBytes, readLobbyId } from "../core/lobby/lobby-id.ts";
import type { Env } from "./env.ts";
import { logFault } from "./log.ts";

export function isUpgrade(request: Request): boolean {
  return request.headers.get("upgrade")?.toLowerCase() === "websocket";
}

/**
 * Accepts the socket, on any path. `/lobbies` means to host, and gets a fresh lobby's object; `/lobbies/<id>`
 * means to join, and gets that lobby's if it is open; anything else, and whoever finds no room there, a lounge.
 */
export async function upgrade(request: Request, env: Env): Promise<Response> {
  const [, root, wanted, ...rest] = new URL(request.url).pathname.split("/");
  if (root === "lobbies" && rest.length === 0) {
    const response = wanted ? await joinSocket(env, wanted) : await hostSocket(env);
    if (response) return response;
  }
  return await loungeSocket(env);
}

async function joinSocket(env: Env, wanted: string): Promise<Response | null> {
  const lobbyId = readLobbyId(wanted);
  return lobbyId === null ? null : await openSocket(env.LOBBY.getByName(lobbyId), `/join/${lobbyId}`);
}

async function hostSocket(env: Env): Promise<Response | null> {
  for (let draw = 0; draw < limits.codeDraws; draw++) {
    const lobbyId = drawLobbyId(crypto.getRandomValues(new Uint8Array(lobbyIdBytes)));
    const response = await openSocket(env.LOBBY.getByName(lobbyId), `/host/${lobbyId}`);
    if (response) return response;
  }
  return null;
}

/** The lounge this isolate is filling. The next one is drawn when it is full: no coordination, no bottleneck. */
let filling: { id: string; sockets: number } = { id: "", sockets: limits.loungeSockets };

async function loungeSocket(env: Env): Promise<Response> {
  for (let draw = 0; draw < limits.loungeDraws; draw++) {
    if (filling.sockets >= limits.loungeSockets) {
      filling = { id: env.LOUNGE.newUniqueId().toString(), sockets: 0 };
    }
    filling.sockets += 1;
    const { id } = filling;
    const response = await openSocket(env.LOUNGE.get(env.LOUNGE.idFromString(id)), "/");
    if (response) return response;
    // It gets no more; another request may have drawn the next one already.
    if (filling.id === id) filling.sockets = limits.loungeSockets;
  }
  throw new Error("no lounge took a socket");
}

/** Hands the socket to an object. Null if it has no room for it, or does not answer. */
async function openSocket(object: Pick<Fetcher, "fetch">, path: string): Promise<Response | null> {
  try {
    const response = await object.fetch(`http://home${path}`, { headers: { upgrade: "websocket" } });
    return response.status === 101 ? response : null;
  } catch (error) {
    logFault("home unreachable", {}, error);
    return null;
  }
}
