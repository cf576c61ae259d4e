/**
 * The floor: the least that a Worker with an object can do on this machine. An upgrade on `/room/<n>` opens a WebSocket
 * into object n, which greets it as Orion Edge greets a client, and sends every message to all in the room;
 * a POST there is one call of the object. On `/table/<n>` they reach the same object for all n, which sends to those at table n,
 * for every POST and every message, the frames that this consists of. `/fresh/<n>` is the same in an object of its own for
 * each n, so a new n costs what the platform takes for a new object.
 */
import { DurableObject } from "cloudflare:workers";
import type {
  DurableObjectNamespace,
  Request,
  WebSocket,
  Response as WorkerResponse,
} from "@cloudflare/workers-types";

declare const WebSocketPair: new () => { 0: WebSocket; 1: WebSocket };
declare const Response: new (
  body: string | null,
  init?: { status: number; webSocket: WebSocket },
) => WorkerResponse;

/** As long as the one of Orion Edge. */
const greeting = `client_registered:${btoa(JSON.stringify({ token: "0".repeat(44), clientId: "0".repeat(16) }))}`;

export class Room extends DurableObject {
  override fetch(): WorkerResponse {
    const { 0: theirs, 1: ours } = new WebSocketPair();
    this.ctx.acceptWebSocket(ours);
    ours.send(greeting);
    return new Response(null, { status: 101, webSocket: theirs });
  }
  override webSocketMessage(_: WebSocket, text: string | ArrayBuffer): void {
    for (const socket of this.ctx.getWebSockets()) socket.send(text);
  }
  override webSocketClose(socket: WebSocket, code: number): void {
    socket.close(code);
  }
  call(body: string): string {
    return body;
  }
}

export class Tables extends DurableObject {
  override fetch(request: Request): WorkerResponse {
    const { 0: theirs, 1: ours } = new WebSocketPair();
    this.ctx.acceptWebSocket(ours, [new URL(request.url).pathname]);
    ours.send(greeting);
    return new Response(null, { status: 101, webSocket: theirs });
  }
  override webSocketMessage(from: WebSocket, text: string | ArrayBuffer): void {
    this.call(this.ctx.getTags(from)[0] ?? "", String(text));
  }
  override webSocketClose(socket: WebSocket, code: number): void {
    socket.close(code);
  }
  /** `body` is a JSON array of frames. */
  call(table: string, body: string): string {
    const frames: string[] = JSON.parse(body);
    for (const socket of this.ctx.getWebSockets(table)) for (const frame of frames) socket.send(frame);
    return body;
  }
}

type Env = { ROOM: DurableObjectNamespace<Room>; TABLES: DurableObjectNamespace<Tables> };

export default {
  async fetch(request: Request, env: Env): Promise<WorkerResponse> {
    const { pathname } = new URL(request.url);
    const isFresh = pathname.startsWith("/fresh/");
    if (isFresh || pathname.startsWith("/table/")) {
      const tables = env.TABLES.getByName(isFresh ? pathname : "all");
      if (request.headers.get("upgrade") === "websocket") return await tables.fetch(request);
      return new Response(await tables.call(pathname, await request.text()));
    }
    const room = env.ROOM.getByName(pathname);
    if (request.headers.get("upgrade") === "websocket") return await room.fetch(request);
    return new Response(await room.call(await request.text()));
  },
};
