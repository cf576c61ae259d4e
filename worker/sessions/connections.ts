/** The WebSockets that one object holds: who is there, what may wait for clients to read it, and how they go. */
import { orionText } from "../../core/dialects/orion.ts";
import { sharedLimits } from "../../core/limits.ts";
import type { Network } from "../../core/network.ts";
import { closures } from "../../core/problem.ts";
import { serverMessage } from "../../core/wire/server-message.ts";
import type { Alarm } from "../platform/alarm.ts";
import { logFault, logRefusal } from "../platform/log.ts";
import type { Delivery, Stray } from "../platform/ports.ts";
import type { Backlog } from "./backlog.ts";
import { Pings } from "./pings.ts";
import { type Arrival, Session } from "./session.ts";
import { Unanswered } from "./unanswered.ts";
import { Unread } from "./unread.ts";

/** What happens to connections, other than by their own messages. */
export type ConnectionEvents = {
  /** The session is over. `hasLeft`: its client has closed the connection itself, for good. */
  ended(session: Session, hasLeft: boolean): void;
  /** Clients that were thrown out do not go, and too much memory waits for them. */
  stuck(): void;
  /** Something happens in the object. `acting`: the session that it comes from, which is not silent. */
  stirred(acting: Session | undefined): void;
  /** The session was told something of its lobby. */
  delivered(session: Session, delivery: Delivery): void;
};

/** What a client proves itself with. `secretToken`: it never goes over UDP. */
export type Tokens = { token: string; secretToken: string };

/** Whether the platform says what waits for a socket. No documentation promises it. */
const tellsWhatWaits = "bufferedAmount" in WebSocket.prototype;

export class Connections {
  readonly #ctx: DurableObjectState;
  readonly #events: ConnectionEvents;
  readonly #byId = new Map<string, Session>();
  readonly #bySocket = new Map<WebSocket, Session>();
  readonly #pings: Pings;
  readonly #backlog: Backlog;

  /** With those that were open before the object slept. */
  constructor(ctx: DurableObjectState, alarm: Alarm, events: ConnectionEvents) {
    this.#ctx = ctx;
    this.#events = events;
    this.#pings = new Pings(ctx, alarm);
    this.#backlog = tellsWhatWaits ? new Unread() : new Unanswered((session) => this.#pings.lastOf(session));
    for (const socket of ctx.getWebSockets()) this.#revive(socket);
  }

  /** All that are open, and those that were thrown out and do not go. */
  get size(): number {
    return this.#ctx.getWebSockets().length;
  }

  /** Sessions that are not over. */
  get sessions(): number {
    return this.#byId.size;
  }

  [Symbol.iterator](): Iterator<Session> {
    return this.#byId.values();
  }

  get(clientId: string): Session | undefined {
    return this.#byId.get(clientId);
  }

  /** The networks of each socket counted by `size`, none where nobody knows them: one that was thrown out takes room until it goes. */
  *networks(except?: WebSocket): Iterable<readonly Network[]> {
    for (const socket of this.#ctx.getWebSockets()) {
      if (socket !== except) yield (this.#bySocket.get(socket) ?? Session.revive(socket))?.networks ?? [];
    }
  }

  /** Takes the server's end of a new client's socket, and tells the client who it is. */
  admit(socket: WebSocket, tokens: Tokens, clientId: string, arrival: Arrival): void {
    this.#ctx.acceptWebSocket(socket);
    const session = Session.admit(socket, tokens.token, clientId, arrival);
    this.#hold(session);
    const { pingMs } = sharedLimits;
    this.send(session, serverMessage("client_registered", { ...tokens, clientId, pingMs }));
  }

  /** The session that has said something on this socket; undefined if it is over. */
  hear(socket: WebSocket): Session | undefined {
    const session = this.#bySocket.get(socket);
    if (session) session.spokeAt = Date.now();
    this.stir(session);
    return session;
  }

  /** What the client said made sense, so it probably reads, too. */
  trust(session: Session): void {
    this.#backlog.heard(session);
  }

  /** Something happens here: a good moment to look for those that stopped pinging, or are overdue. `acting`: the session that it comes from. */
  stir(acting?: Session): void {
    if (this.#pings.isLookDue) this.wake();
    this.#events.stirred(acting);
  }

  /** The object's alarm has come. No other event: what wakes the object may be the client's sign of life. */
  wake(): void {
    this.expelAll(this.#pings.look(this), "pingless");
  }

  /** The client says that it pings from now on. */
  expectPings(session: Session): void {
    this.#pings.expect(session);
  }

  send(session: Session, frame: string): void {
    if (!session.send(frame)) return;
    const lookIn = this.#backlog.add(session, frame);
    if (lookIn !== null) this.#lookIn(lookIn, session);
  }

  /** Looks for those who do not read: later, not in the middle of what their lobby does. */
  #lookIn(ms: number, session: Session): void {
    const look = () => {
      const { going, again } = this.#backlog.look(session);
      this.expelAll(going, "unanswered");
      if (again !== null) this.#lookIn(again, session);
    };
    if (ms === 0) queueMicrotask(look);
    else setTimeout(look, ms);
  }

  /** Hands a lobby's message to its members here. Returns those that are not here, or not in that lobby. */
  deliver(delivery: Delivery): Stray[] {
    const { lobbyId, incarnation, to, message, release } = delivery;
    const strays: Stray[] = [];
    // Once for all of them.
    const text = message ? textOf(message, lobbyId) : null;
    for (const clientId of to) {
      const session = this.#byId.get(clientId);
      // Also one that has left meanwhile: it was removed before.
      if (message?.type === "kicked") session?.remove(lobbyId, incarnation);
      if (!session?.isIn(lobbyId, incarnation)) {
        strays.push({ lobbyId, incarnation, clientId });
        continue;
      }
      if (text !== null) this.send(session, text);
      this.#events.delivered(session, delivery);
      if (!release) continue;
      session.release();
      if (message?.type === "resumedElsewhere") this.expel(session, "resumed_elsewhere");
    }
    return strays;
  }

  /** The lobby does not know this member: the client has not heard that the lobby closed. */
  drop({ lobbyId, clientId, incarnation, requestId }: Stray): void {
    const session = this.#byId.get(clientId);
    const membership = session?.membership;
    if (!session || membership?.lobbyId !== lobbyId) return;
    // What is told late may be of a membership before.
    if (incarnation !== undefined && incarnation !== membership.incarnation) return;
    if (requestId !== undefined && requestId !== membership.requestId) return;
    session.membership = null;
    this.send(session, serverMessage("lobby_closed", { lobbyId, lobbyName: membership.lobbyName }));
  }

  /** The socket is closed. `hasLeft`: by its client, for good. */
  gone(socket: WebSocket, hasLeft = false): void {
    this.#lose(socket, hasLeft);
    this.#backlog.gone(socket);
  }

  /** Throws a client out, unless it is gone already. */
  expel(session: Session, why: keyof typeof closures): void {
    if (!this.#bySocket.has(session.socket)) return;
    logRefusal("client_thrown_out", { code: why, clientId: session.id, lobbyId: session.lobbyId });
    this.#backlog.closing(session);
    this.#lose(session.socket);
    const [code, reason] = closures[why];
    session.socket.close(code, reason);
    if (this.#backlog.isStuck) this.#events.stuck();
  }

  /** Throws all of them out. Whatever goes wrong with one, the others go. */
  expelAll(sessions: readonly Session[], why: keyof typeof closures): void {
    for (const session of sessions) {
      try {
        this.expel(session, why);
      } catch (error) {
        logFault("client_not_thrown_out", { clientId: session.id }, error);
      }
    }
  }

  /** The server stops. All sockets close first, so that no client hears how the others leave. */
  closeAll(): void {
    const sessions = [...this.#byId.values()];
    const [code, reason] = closures.stopping;
    for (const { socket } of sessions) socket.close(code, reason);
    for (const { socket } of sessions) this.#lose(socket);
  }

  /** A client whose session cannot be read would wait for ever: it has to connect again. */
  #revive(socket: WebSocket): void {
    if (socket.readyState !== WebSocket.OPEN) return;
    const session = Session.revive(socket);
    if (session) {
      this.#hold(session);
      return;
    }
    logFault("kept_session_unreadable");
    const [code, reason] = closures.stopping;
    socket.close(code, reason);
  }

  #hold(session: Session): void {
    this.#byId.set(session.id, session);
    this.#bySocket.set(session.socket, session);
  }

  /** A session is over, if it was not before. */
  #lose(socket: WebSocket, hasLeft = false): void {
    const session = this.#bySocket.get(socket);
    if (!session) return;
    this.#bySocket.delete(socket);
    this.#byId.delete(session.id);
    this.#backlog.ended(session);
    this.#events.ended(session, hasLeft);
  }
}

/** A message as this object's clients read it; null if they are not told. */
function textOf(message: NonNullable<Delivery["message"]>, lobbyId: string): string | null {
  return message.type === "encoded" ? message.text : orionText(message, lobbyId);
}
