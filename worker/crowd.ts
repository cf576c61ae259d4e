/** The clients whose sockets one home holds: who is there, what may wait for them to read it, and how they go. */
import { limits } from "../core/limits.ts";
import { closures } from "../core/problem.ts";
import { serverMessage } from "../core/wire/server-message.ts";
import type { Alarm } from "./alarm.ts";
import { Backlog } from "./backlog.ts";
import { Client } from "./client.ts";
import { logRefusal } from "./log.ts";
import { Pings } from "./pings.ts";

/** What a crowd needs of its home. */
export type Doorkeeper = {
  /** The client is no more. */
  left(client: Client): void;
  /** Those who were thrown out do not go, and too much waits for them. */
  stuck(): void;
};

export class Crowd {
  readonly #ctx: DurableObjectState;
  readonly #doorkeeper: Doorkeeper;
  readonly #byId = new Map<string, Client>();
  readonly #bySocket = new Map<WebSocket, Client>();
  readonly #pings: Pings;
  readonly #backlog = new Backlog();

  /** With those who were there before the object slept. */
  constructor(ctx: DurableObjectState, alarm: Alarm, doorkeeper: Doorkeeper) {
    this.#ctx = ctx;
    this.#doorkeeper = doorkeeper;
    this.#pings = new Pings(ctx, alarm, {
      clients: () => this,
      miss: (client) => this.expel(client, "pingless"),
    });
    for (const socket of ctx.getWebSockets()) {
      const client = Client.revive(socket);
      if (client) this.#hold(client);
    }
  }

  /** All that are here, and those who were thrown out and do not go. */
  get size(): number {
    return this.#ctx.getWebSockets().length;
  }

  [Symbol.iterator](): Iterator<Client> {
    return this.#byId.values();
  }

  get(clientId: string): Client | undefined {
    return this.#byId.get(clientId);
  }

  /** Takes the server's end of a new client's socket, and tells the client who it is. */
  admit(socket: WebSocket, token: string, clientId: string): void {
    this.#ctx.acceptWebSocket(socket);
    const client = Client.admit(socket, token, clientId);
    this.#hold(client);
    this.send(client, serverMessage("client_registered", { token, clientId, pingMs: limits.pingMs }));
  }

  /** The client that has said something on this socket; undefined if it is none any more. */
  hear(socket: WebSocket): Client | undefined {
    const client = this.#bySocket.get(socket);
    if (client) client.spokeAt = Date.now();
    this.stir();
    return client;
  }

  /** What the client has said was no junk: it may well read, too. */
  trust(client: Client): void {
    this.#backlog.settle(client);
  }

  /** Something happens here: a good moment to look for those who stopped pinging. */
  stir(): void {
    this.#pings.lookInPassing();
  }

  /** The home's alarm has come. Not for any other awakening: what wakes the home may be the client's sign of life. */
  wake(): void {
    this.#pings.look();
  }

  /** The client says that it pings from now on. */
  expectPings(client: Client): void {
    this.#pings.expect(client);
  }

  send(client: Client, frame: string): void {
    if (!client.send(frame) || !this.#backlog.add(client, frame)) return;
    // Later, not in the middle of what its lobby does.
    queueMicrotask(() => {
      const culprit = this.#backlog.culprit(client, (one) => this.#pings.lastOf(one));
      if (culprit) this.expel(culprit, "unanswered");
    });
  }

  /** The socket is closed. */
  gone(socket: WebSocket): void {
    this.#lose(socket);
    this.#backlog.gone(socket);
  }

  /** Throws a client out, unless it is gone already. */
  expel(client: Client, why: keyof typeof closures): void {
    if (!this.#bySocket.has(client.socket)) return;
    logRefusal("a client was thrown out", { code: why, clientId: client.id, lobbyId: client.lobbyId });
    this.#backlog.closing(client);
    this.#lose(client.socket);
    const [code, reason] = closures[why];
    client.socket.close(code, reason);
    if (this.#backlog.isStuck) this.#doorkeeper.stuck();
  }

  /** The server stops. All sockets close first, so that no client hears how the others leave. */
  closeAll(): void {
    const clients = [...this.#byId.values()];
    const [code, reason] = closures.stopping;
    for (const { socket } of clients) socket.close(code, reason);
    for (const { socket } of clients) this.#lose(socket);
  }

  #hold(client: Client): void {
    this.#byId.set(client.id, client);
    this.#bySocket.set(client.socket, client);
  }

  /** A client is no more, if it has not been lost before. */
  #lose(socket: WebSocket): void {
    const client = this.#bySocket.get(socket);
    if (!client) return;
    this.#bySocket.delete(socket);
    this.#byId.delete(client.id);
    this.#backlog.settle(client);
    this.#doorkeeper.left(client);
  }
}
