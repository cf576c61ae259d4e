/** A lobby whose players can be connected to each other: the half that needs UDP. */
import * as z from "zod";
import { type Cause, causes } from "../core/link/cause.ts";
import type { Heard, HeardMessage } from "../core/wire/heard-message.ts";
import { argumentError, checkOptions } from "./argument.ts";
import { Emitter } from "./emitter.ts";
import { OrionError, ownError } from "./error.ts";
import { request } from "./http.ts";
import { Lobby } from "./lobby.ts";
import { type LobbyEvents, lobbyEvents } from "./lobby-events.ts";
import type { Opening } from "./orion.ts";
import { abortable, inTime, throwIfAborted } from "./patience.ts";
import type { Peer, RawConnection } from "./peer.ts";
import type { ConnectionReport } from "./report.ts";
import { endError, type Seat } from "./seat.ts";
import type { Link } from "./udp/link.ts";
import { type Connection, Mediation } from "./udp/mediation.ts";

/** What happens in a lobby whose players can be connected. */
export type NodeLobbyEvents = LobbyEvents & {
  /** The server has told who the peers are: now they look for each other. */
  introduced: { peers: Peer[] };
  /** A link is usable; others may follow. */
  link: Link;
  /** To the host: a member could not be connected to it, or not directly, and why. */
  report: { clientId: string; name: string } & ConnectionReport;
};

const nodeLobbyEvents: Record<keyof NodeLobbyEvents, true> = {
  ...lobbyEvents,
  introduced: true,
  link: true,
  report: true,
};

export type StartOptions = { signal?: AbortSignal; raw?: false };
export type RawStartOptions = { signal?: AbortSignal; raw: true };

/** Milliseconds in which a mediation begins that the server has agreed to. */
const beginMs = 2_000;

type Waiter = { resolve: (mediation: Mediation) => void; reject: (error: OrionError) => void };

export class NodeLobby extends Lobby {
  readonly #seat: Seat;
  readonly #server: URL;
  readonly #goesOn: boolean;
  readonly #events = new Emitter<NodeLobbyEvents>(nodeLobbyEvents);
  #mediation: Mediation | null = null;
  /** Those who wait for a mediation to begin. */
  #waiters = new Set<Waiter>();
  /** Calls of `start` and `started` that are not done, and those with `raw` among them. */
  #waiting = 0;
  #rawWaiters = 0;
  /** Done when the last start that was called off is over. */
  #calledOff: Promise<void> = Promise.resolve();

  /** Made by `host` and `join`. @internal */
  constructor({ seat, server, goesOn }: Opening) {
    super(seat);
    this.#seat = seat;
    this.#server = server;
    this.#goesOn = goesOn;
    // What is ours to do comes before what the game hears of it.
    seat.attend((message) => this.#hear(message));
    seat.events.on("left", ({ name }) => this.#mediation?.lose(name));
    seat.events.on("closed", ({ reason }) => this.#close(endError(reason)));
    seat.events.on("chat", (message) => this.#events.emit("chat", message));
    seat.events.on("joined", (member) => this.#events.emit("joined", member));
    seat.events.on("left", (member) => this.#events.emit("left", member));
    seat.events.on("closed", (end) => this.#events.emit("closed", end));
    seat.events.on("aborted", (end) => this.#events.emit("aborted", end));
  }

  override on<E extends keyof NodeLobbyEvents>(
    event: E,
    listener: (payload: NodeLobbyEvents[E]) => void,
  ): () => void {
    return this.#events.on(event, listener);
  }

  /**
   * The host's: connects all members, to the host each. Done when all this client's links are usable; with
   * `onLoss: "continue"`, all that came about, if any did. With `raw` it is the game that connects: it is given the UDP socket
   * that the server has seen, and who the peers are. A signal that is aborted while nobody else waits calls the start off, for
   * all: the lobby is open again. Throws the server's refusal, the code with which the mediation was
   * aborted, a cause (docs/protocol.md), or why the lobby is over.
   */
  start(options?: StartOptions): Promise<Link[]>;
  start(options: RawStartOptions): Promise<RawConnection>;
  async start(options: StartOptions | RawStartOptions = {}): Promise<Link[] | RawConnection> {
    const { signal, raw } = startOptions(options, "start");
    throwIfAborted(signal);
    // The server takes no start before it has ended the one that was called off.
    await abortable(this.#calledOff, signal);
    if (this.#seat.over) throw endError(this.#seat.over);
    const given = new AbortController();
    const callOff = () => given.abort(signal?.reason);
    signal?.addEventListener("abort", callOff);
    // Messages may come before the answer.
    const waiting = this.#connection(raw, given.signal);
    const asked = this.#askToStart();
    try {
      const [connection] = await Promise.all([waiting, asked]);
      return bare(connection);
    } catch (error) {
      given.abort(error);
      await waiting.catch(() => {});
      if (signal?.aborted) this.#calledOff = this.#callOff(asked);
      throw error;
    } finally {
      signal?.removeEventListener("abort", callOff);
    }
  }

  /** Everybody's: waits for the host to start, or for what it has started, and then as `start`. Called off before, it calls off nothing else. */
  started(options?: StartOptions): Promise<Link[]>;
  started(options: RawStartOptions): Promise<RawConnection>;
  async started(options: StartOptions | RawStartOptions = {}): Promise<Link[] | RawConnection> {
    const { signal, raw } = startOptions(options, "started");
    try {
      return bare(await this.#connection(raw, signal));
    } catch (error) {
      if (signal?.aborted && this.#mediation) this.#calledOff = this.#callOff();
      throw error;
    }
  }

  /** Says that this client is connected to all its peers: after `raw`, where only the game knows. */
  reportConnected(): void {
    this.#mediation?.reportConnected();
  }

  /** Says that it cannot be: the start is aborted, or goes on without it. Throws `invalid_argument` for an unknown cause. */
  reportFailed(cause: Cause = "no-packets-received"): void {
    // The server ignores a report with another cause, and everybody would wait.
    if (!Object.hasOwn(causes, cause)) throw argumentError(`There is no cause "${String(cause)}".`);
    this.#mediation?.reportFailed(cause);
  }

  /** As a lobby that has no links. Those that were handed out live on; those that nobody has asked for are closed. */
  override async leave(): Promise<void> {
    const left = super.leave();
    this.#mediation?.drop();
    await left;
  }

  async #askToStart(): Promise<void> {
    const url = new URL(`lobbies/${encodeURIComponent(this.code)}/ptp/start`, this.#server);
    const body = { token: this.#seat.token() };
    await inTime((signal) => request(url, z.unknown(), { body, signal }));
  }

  /** Ends what nobody waits for any more: what is under way, or, once it was asked for, what is about to begin. Never throws. */
  async #callOff(asked?: Promise<void>): Promise<void> {
    try {
      if (asked && (this.#mediation?.isFailing ?? true)) await asked;
      if (this.#waiting > 0) return;
      const current = this.#mediation?.isFailing ? null : this.#mediation;
      const mediation = current ?? (await this.#nextMediation(AbortSignal.timeout(beginMs)));
      if (this.#waiting === 0) await mediation.callOff();
    } catch {
      // It was refused, or the lobby is over: nothing has begun.
    }
  }

  async #connection(raw: boolean, signal?: AbortSignal): Promise<Connection> {
    throwIfAborted(signal);
    this.#waiting += 1;
    if (raw) this.#rawWaiters += 1;
    try {
      // One that fails is not waited for: the next may be about to begin.
      const current = this.#mediation?.isFailing ? null : this.#mediation;
      const mediation = current ?? (await this.#nextMediation(signal));
      return await mediation.wait(raw, signal);
    } finally {
      this.#waiting -= 1;
      if (raw) this.#rawWaiters -= 1;
    }
  }

  async #nextMediation(signal?: AbortSignal): Promise<Mediation> {
    if (this.#seat.over) throw endError(this.#seat.over);
    const { promise, resolve, reject } = Promise.withResolvers<Mediation>();
    const waiter = { resolve, reject };
    this.#waiters.add(waiter);
    return await abortable(promise, signal).finally(() => this.#waiters.delete(waiter));
  }

  #hear({ method, payload }: HeardMessage): void {
    switch (method) {
      case "ptpMediation_send":
        void this.#asked(payload)?.ask(payload);
        break;
      case "ptpMediation_peersConnection_start":
        void this.#mediation?.introduce(payload);
        break;
      case "ptpMediation_aborted":
        this.#mediation?.abort(new OrionError(payload.code ?? "aborted", payload.abortReason));
        this.#mediation = null;
        break;
      case "ptpMediation_report": {
        const { clientId, name, cause = null, peers } = payload;
        const told = peers.map(({ rttMs = null, timeline = [], ...peer }) => {
          return { name: peer.clientId === this.clientId ? this.self : "", ...peer, rttMs, timeline };
        });
        this.#events.emit("report", { clientId, name, cause, timeline: [], peers: told });
        break;
      }
      default:
    }
  }

  /** The mediation that the server's wish to see us belongs to, a new one perhaps; null if that one is over. */
  #asked({ mediation: id }: Heard<"ptpMediation_send">): Mediation | null {
    const current = this.#mediation;
    const isSame = id === undefined ? !current?.isFailing : id === current?.id;
    if (current && isSame) return current.isFailing ? null : current;
    current?.abort(ownError("aborted"));
    return this.#begin(id);
  }

  #begin(id: string | undefined): Mediation {
    const events = this.#events;
    const mediation = new Mediation({
      id,
      seat: this.#seat,
      server: this.#server,
      goesOn: this.#goesOn,
      wantsRaw: () => this.#rawWaiters > 0,
      introduced: (peers) => events.emit("introduced", { peers }),
      linked: (link) => {
        const isTaken = events.hears("link");
        events.emit("link", link);
        return isTaken;
      },
      wentOn: (report) => events.emit("report", { clientId: this.clientId, name: this.self, ...report }),
    });
    this.#mediation = mediation;
    for (const { resolve } of this.#waiters) resolve(mediation);
    return mediation;
  }

  #close(error: OrionError): void {
    for (const { reject } of this.#waiters) reject(error);
    this.#mediation?.detach(error);
  }
}

/** Throws `invalid_argument`. */
function startOptions(options: StartOptions | RawStartOptions, call: string) {
  checkOptions(options, call);
  const { signal, raw = false } = options;
  if (typeof raw !== "boolean") throw argumentError(`raw must be true or false in ${call}.`);
  return { signal, raw };
}

function bare(connection: Connection): Link[] | RawConnection {
  return connection.kind === "raw" ? connection.raw : connection.links;
}
