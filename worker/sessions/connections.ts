/** The WebSockets that one object holds: who is there, what may wait for clients to read it, and how they go. */
import { closingError } from "../../core/dialects/groovejet/error.ts";
import { frameOf } from "../../core/dialects/groovejet/message.ts";
import { toldBy } from "../../core/dialects/groovejet/room.ts";
import { dialectOf } from "../../core/dialects/names.ts";
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
import { TurnedAway } from "./turned-away.ts";
import { Unanswered } from "./unanswered.ts";
import { tellsWhatWaits, watchOpening } from "./unopened.ts";
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
  /** A socket that was turned away is gone: it takes no room any more. */
  vanished(): void;
};

/** What a client proves itself with. `secretToken`: it never goes over UDP. */
export type Tokens = { token: string; secretToken: string };

export class Connections {
  readonly #ctx: DurableObjectState;
  readonly #events: ConnectionEvents;
  readonly #byId = new Map<string, Session>();
  readonly #bySocket = new Map<WebSocket, Session>();
  readonly #turnedAway: TurnedAway;
  readonly #pings: Pings;
  readonly #backlog: Backlog;

  /** With those that were open before the object slept. */
  constructor(ctx: DurableObjectState, alarm: Alarm, events: ConnectionEvents) {
    this.#ctx = ctx;
    this.#events = events;
    this.#pings = new Pings(ctx, alarm);
    this.#turnedAway = new TurnedAway(() => events.vanished());
    this.#backlog = tellsWhatWaits
      ? new Unread((sessions) => this.expelAll(sessions, "unanswered"))
      : new Unanswered((session) => this.#pings.lastOf(session));
    for (const socket of ctx.getWebSockets()) this.#revive(socket);
  }

  /** All that are open, and those that were thrown out or turned away and do not go. */
  get size(): number {
    return this.#ctx.getWebSockets().length + this.#turnedAway.size;
  }

  /** Sessions that are not over. */
  get sessions(): number {
    return this.#byId.size;
  }

  /** Whether a client here has said that it pings: then the object's alarm looks for those that fall silent. */
  get hasPinging(): boolean {
    return [...this].some(({ pingsSince }) => pingsSince !== null);
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
    yield* this.#turnedAway.networks();
  }

  /** Takes the server's end of a new client's socket. */
  admit(socket: WebSocket, token: string, clientId: string, arrival: Arrival): Session {
    this.#ctx.acceptWebSocket(socket);
    const session = Session.admit(socket, token, clientId, arrival);
    this.#hold(session);
    return session;
  }

  /** Takes the server's end of a new client's socket, says this, and closes it. It takes room until it is gone. */
  turnAway(socket: WebSocket, frames: readonly string[], networks: readonly Network[]): void {
    this.#turnedAway.take(socket, frames, networks);
  }

  /** Something was sent to a client that need never say anything. If its connection broke in the moment of its upgrade, its client is gone. */
  expectOpening(session: Session): void {
    watchOpening(
      () => this.#backlog.hasTaken(session),
      () => this.dismiss(session),
    );
  }

  /** Tells a client of Orion's who it is. */
  register(session: Session, tokens: Tokens): void {
    const { id: clientId } = session;
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
    const { lobbyId, incarnation, to, message, release, letsGo } = delivery;
    const strays: Stray[] = [];
    const isRoom = dialectOf(lobbyId) === "groovejet";
    // Once for all of them.
    const text = message && !isRoom ? textOf(message, lobbyId) : null;
    for (const clientId of to) {
      const session = this.#byId.get(clientId);
      // Also one that has left meanwhile: it was removed before.
      if (message?.type === "kicked") session?.remove(lobbyId, incarnation);
      if (!session?.isIn(lobbyId, incarnation)) {
        strays.push({ lobbyId, incarnation, clientId });
        continue;
      }
      if (letsGo) {
        this.expel(session, "out_of_reach");
        continue;
      }
      if (text !== null) this.send(session, text);
      if (message && isRoom) this.tellInRoom(session, message);
      this.#events.delivered(session, delivery);
      if (!release) continue;
      session.release();
      if (message?.type === "resumedElsewhere") this.expel(session, "resumed_elsewhere");
    }
    return strays;
  }

  /** Hands what a groovejet room says to a session in it, in its words. */
  tellInRoom(session: Session, message: NonNullable<Delivery["message"]>): void {
    if (message.type === "encoded") return;
    if (session.heldBack) {
      session.heldBack.push(message);
      return;
    }
    const before = session.groovejet?.room;
    if (!before) return;
    const { room, messages } = toldBy(message, before);
    if (room !== before) session.groovejet = { ...session.groovejet, room };
    for (const one of messages) this.send(session, frameOf(one));
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
    const { lobbyName } = membership;
    if (dialectOf(lobbyId) === "groovejet") this.tellInRoom(session, { type: "lobbyClosed", lobbyName });
    else this.send(session, serverMessage("lobby_closed", { lobbyId, lobbyName }));
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
    close(session, why);
    if (this.#backlog.isStuck) this.#events.stuck();
  }

  /** Closes a client's socket, which was told why, as groovejet does: without a code. */
  dismiss(session: Session): void {
    if (!this.#bySocket.has(session.socket)) return;
    this.#backlog.closing(session);
    this.#lose(session.socket);
    session.socket.close();
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
    for (const session of sessions) close(session, "stopping");
    for (const { socket } of sessions) this.#lose(socket);
  }

  /** A client whose session cannot be read would wait for ever: it has to connect again. */
  #revive(socket: WebSocket): void {
    if (socket.readyState !== WebSocket.OPEN) return;
    const session = Session.revive(socket);
    if (session) {
      if (!session.isOver) this.#hold(session);
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
    session.end();
    this.#backlog.ended(session);
    this.#events.ended(session, hasLeft);
  }
}

/** Closes a client's socket. One that speaks groovejet hears why in an error, and gets no code, as there. */
function close({ groovejet, socket }: Session, why: keyof typeof closures): void {
  const [code, reason] = closures[why];
  if (!groovejet) {
    socket.close(code, reason);
    return;
  }
  if (socket.readyState === WebSocket.OPEN) socket.send(frameOf(closingError(why)));
  socket.close();
}

/** A message as this object's clients read it; null if they are not told. */
function textOf(message: NonNullable<Delivery["message"]>, lobbyId: string): string | null {
  return message.type === "encoded" ? message.text : orionText(message, lobbyId);
}
