/** A visit to the server, as a client of its own: how fast it answers, and which STUN servers it names. The private lobby that this needs ends with the visit. */
import type { WebSocketFound } from "./verdict.ts";

/** `stun`: URLs, the nearest first. Empty if the server names none, or does not answer. */
export type Visit = { webSocket: WebSocketFound | null; stun: readonly string[] };

/** Never throws. `server`: its base URL. */
export async function visit(server: URL, signal: AbortSignal): Promise<Visit> {
  const socket = openSocket(server);
  if (!socket) return { webSocket: null, stun: [] };
  try {
    const began = performance.now();
    const registered = await next(socket, signal, (text) => payloadOf(text, "client_registered"));
    if (!registered) return { webSocket: null, stun: [] };
    const openMs = performance.now() - began;
    const pinged = performance.now();
    socket.send("ping");
    const pong = await next(socket, signal, (text) => (text === "pong" ? {} : null));
    const pingMs = pong ? performance.now() - pinged : null;
    const { secretToken } = registered;
    const stun = typeof secretToken === "string" ? await stunOf(server, secretToken, signal) : [];
    return { webSocket: { openMs, pingMs }, stun };
  } finally {
    socket.close(1000);
  }
}

function openSocket(server: URL): WebSocket | null {
  const url = new URL("lobbies", server);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  try {
    return new WebSocket(url);
  } catch {
    return null;
  }
}

/** The first message that is read as something. Null if the socket ends, or the time is up. */
async function next<Read>(
  socket: WebSocket,
  signal: AbortSignal,
  read: (text: string) => Read | null,
): Promise<Read | null> {
  const { promise, resolve } = Promise.withResolvers<Read | null>();
  const take = ({ data }: MessageEvent) => {
    const found = typeof data === "string" ? read(data) : null;
    if (found !== null) resolve(found);
  };
  const end = () => resolve(null);
  socket.addEventListener("message", take);
  for (const event of ["close", "error"]) socket.addEventListener(event, end);
  signal.addEventListener("abort", end);
  if (signal.aborted || socket.readyState > WebSocket.OPEN) end();
  try {
    return await promise;
  } finally {
    socket.removeEventListener("message", take);
    for (const event of ["close", "error"]) socket.removeEventListener(event, end);
    signal.removeEventListener("abort", end);
  }
}

/** The payload of a message of this method: `method:base64(JSON)`. */
function payloadOf(text: string, method: string): Record<string, unknown> | null {
  if (!text.startsWith(`${method}:`)) return null;
  try {
    return objectOf(JSON.parse(atob(text.slice(method.length + 1))));
  } catch {
    return null;
  }
}

async function stunOf(server: URL, token: string, signal: AbortSignal): Promise<string[]> {
  const name = "Network test";
  const wish = { token, lobbyName: name, hostName: name, maxMembers: 2, isPublic: false };
  const lobby = await post(new URL("lobbies", server), wish, signal);
  const code = lobby?.lobbyId;
  if (typeof code !== "string") return [];
  const answer = await post(new URL(`lobbies/${encodeURIComponent(code)}/ice`, server), { token }, signal);
  const servers = Array.isArray(answer?.iceServers) ? answer.iceServers : [];
  const urls = servers.flatMap((one: unknown) => objectOf(one)?.urls ?? []);
  return urls.filter((url): url is string => typeof url === "string" && /^stuns?:/i.test(url));
}

async function post(url: URL, body: object, signal: AbortSignal): Promise<Record<string, unknown> | null> {
  try {
    const headers = { "content-type": "application/json" };
    const response = await fetch(url, { method: "POST", headers, body: JSON.stringify(body), signal });
    return response.ok ? objectOf(await response.json()) : null;
  } catch {
    return null;
  }
}

function objectOf(value: unknown): Record<string, unknown> | null {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : null;
}
