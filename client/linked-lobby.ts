/**
 * A lobby whose players can be connected to each other, in Node and in pages: what it connects them by is given to it (link/platform.ts).
 * `Raw`: what a game gets that connects by itself.
 */
import { type Cause, causes } from "../core/link/cause.ts";
import { anything } from "../core/shape.ts";
import { fromLobby } from "../core/wire/lobby-signal.ts";
import type { Heard } from "../core/wire/server-message.ts";
import { endProblem } from "../session/end.ts";
import type { MediationMessage, SessionEvent } from "../session/event.ts";
import { abortable, isLoss, retry, throwIfAborted } from "../session/retry.ts";
import type { Session } from "../session/session.ts";
import * as wishes from "../session/wishes.ts";
import { argumentError, checkOptions, checkTypes } from "./argument.ts";
import { Emitter } from "./emitter.ts";
import { forGame, OrionError, ownError } from "./error.ts";
import type { Link } from "./link/link.ts";
import { type Connection, Mediation } from "./link/mediation.ts";
import { bytesOf, messageOf, type Packet } from "./link/packet.ts";
import type { Encryption } from "./link/pairing.ts";
import type { LinkPlatform } from "./link/platform.ts";
import { type LinkedLobbyEvents, linkedLobbyEvents } from "./linked-lobby-events.ts";
import { Lobby } from "./lobby.ts";
import { type CloseReason, tellGame } from "./lobby-events.ts";
import { type Miss, MissedLinks } from "./missed-links.ts";
import type { Opening } from "./orion.ts";
import type { Peer } from "./peer.ts";
import { IceServers } from "./webrtc/ice-servers.ts";
import { WebSocketRelays } from "./websocket/relays.ts";

/** A peer, and the link to it. */
export type LinkedPeer = Peer & { readonly link: Link };
/** `patienceMs`: how long the server waits for a player to show up, 1 000 to 300 000; 20 000 unless given. */
export type StartOptions = { signal?: AbortSignal; raw?: false; patienceMs?: number };
export type RawStartOptions = { signal?: AbortSignal; raw: true; patienceMs?: number };
export type StartedOptions = Omit<StartOptions, "patienceMs">;
export type RawStartedOptions = Omit<RawStartOptions, "patienceMs">;

/** Milliseconds until a mediation begins after the server has agreed to it. */
const beginMs = 2_000;
/** Milliseconds that a start waits for a player, unless the game says otherwise: for as long as people look at a progress bar. */
const patience = 20_000;

type Waiter<Raw> = { resolve: (mediation: Mediation<Raw>) => void; reject: (error: OrionError) => void };

export class LinkedLobby<Raw> extends Lobby {
  readonly #session: Session;
  readonly #platform: LinkPlatform<Raw>;
  readonly #relays: WebSocketRelays;
  readonly #iceServers: IceServers;
  readonly #acceptsHost: boolean;
  readonly #encryption: Encryption;
  readonly #missed = new MissedLinks(
    (peers) => this.#session.say("ptpMediation_again", { peers }),
    (clientId) => this.#missOf(clientId),
  );
  readonly #events = new Emitter<LinkedLobbyEvents>(linkedLobbyEvents, ({ reason }) => endError(reason));
  /** The last one: under way, or done. */
  #mediation: Mediation<Raw> | null = null;
  /** Those before it whose links live on. */
  readonly #earlier = new Set<Mediation<Raw>>();
  /** Whether the members were connected to each other. */
  #wasPlaying: boolean;
  /** Those who wait for a mediation to begin. */
  #waiters = new Set<Waiter<Raw>>();
  /** Calls of `start` and `started` that are not done, and those with `raw` among them. */
  #waiting = 0;
  #rawWaiters = 0;
  /** Done when the last start that was called off is over. */
  #calledOff: Promise<void> = Promise.resolve();

  /** Made by `host` and `join`. @internal */
  constructor({ session, acceptsHost, encryption }: Opening, platform: LinkPlatform<Raw>) {
    super(session);
    this.#encryption = encryption;
    this.#platform = platform;
    this.#relays = new WebSocketRelays(session.server);
    this.#iceServers = new IceServers((signal) => session.ask("/ice", anything, { body: {} }, signal));
    this.#session = session;
    this.#acceptsHost = acceptsHost;
    this.#wasPlaying = session.view.isPlaying;
    session.reconnectIf(() => this.#needsLinks());
    session.listen((event) => {
      // First the mediation: the game may start the next one at once.
      this.#hear(event);
      tellGame(this.#events, event);
    });
  }

  /**
   * Calls the listener on every such event until the function that is returned is called. If you call it
   * right after `host` or `join`, you miss nothing. Throws `invalid_argument` for an event that does not
   * exist.
   */
  on<E extends keyof LinkedLobbyEvents>(
    event: E,
    listener: (payload: LinkedLobbyEvents[E]) => void,
  ): () => void {
    return this.#events.on(event, listener);
  }

  /** As `on`, for one event. Without a listener: a promise of it, which fails with why the lobby is over if that comes first. */
  once<E extends keyof LinkedLobbyEvents>(event: E): Promise<LinkedLobbyEvents[E]>;
  once<E extends keyof LinkedLobbyEvents>(
    event: E,
    listener: (payload: LinkedLobbyEvents[E]) => void,
  ): () => void;
  once<E extends keyof LinkedLobbyEvents>(
    event: E,
    listener?: (payload: LinkedLobbyEvents[E]) => void,
  ): Promise<LinkedLobbyEvents[E]> | (() => void) {
    return listener === undefined ? this.#events.next(event) : this.#events.once(event, listener);
  }

  /** Removes a listener, however often it is there. */
  off<E extends keyof LinkedLobbyEvents>(event: E, listener: (payload: LinkedLobbyEvents[E]) => void): void {
    this.#events.off(event, listener);
  }

  /** The links to other players that are open: of all starts, and to those who came later. */
  get links(): readonly Link[] {
    return this.#mediations().flatMap((mediation) => mediation.takeLinks());
  }

  /** The players at the other end of an open link, by client id, each with its newest link. Where a server tells no ids, by name. */
  get peers(): ReadonlyMap<string, LinkedPeer> {
    return new Map(this.links.map((link) => [link.peer.clientId || link.peer.name, { ...link.peer, link }]));
  }

  /**
   * Sends a packet, as `link.send`, to each of the `peers`. How many links took it. Throws a TypeError, or
   * `packet_too_large`.
   */
  broadcast(packet: Packet): number {
    const bytes = bytesOf(packet);
    let taken = 0;
    for (const { link } of this.peers.values()) {
      try {
        link.send(bytes);
        taken += 1;
      } catch {
        // Its listeners hear that it is closed.
      }
    }
    return taken;
  }

  /**
   * Sends a message, as `link.sendReliable`, to each of the `peers`. How many links took it; done when all that did have room for more.
   * Throws a TypeError, or `message_too_large`.
   */
  async broadcastReliable(message: Packet): Promise<number> {
    const bytes = messageOf(message);
    const sent = [...this.peers.values()].map(({ link }) => link.sendReliable(bytes));
    const results = await Promise.allSettled(sent);
    return results.filter(({ status }) => status === "fulfilled").length;
  }

  /**
   * As the host: connects every member to the host, or in a mesh to every other. Done when all links of this client that could be
   * made are usable, if any could; with `onLoss: "abort"`, when all are. With `raw` the game connects by
   * itself: it gets the UDP socket that the server has seen, and the peers. Aborting the signal while no
   * other call waits calls the start off for everybody: the lobby is open again. Throws the server's refusal,
   * the code with which the mediation was aborted, a cause (docs/protocol.md), or why the lobby is over.
   */
  start(options?: StartOptions): Promise<Link[]>;
  start(options: RawStartOptions): Promise<Raw>;
  async start(options: StartOptions | RawStartOptions = {}): Promise<Link[] | Raw> {
    return await forGame(this.#start(startOptions(options, "start")));
  }

  /**
   * As any other member: waits for the host to start, or for what it has started, then does as `start`. Who joins a lobby that
   * plays already waits in the same way.
   * Aborting the signal before the host starts calls off nothing but the waiting.
   */
  started(options?: StartedOptions): Promise<Link[]>;
  started(options: RawStartedOptions): Promise<Raw>;
  async started(options: StartedOptions | RawStartedOptions = {}): Promise<Link[] | Raw> {
    return await forGame(this.#started(startOptions(options, "started")));
  }

  /**
   * As the host: stops what was started, for everybody. All hear `aborted` with `stopped`. May be called again.
   * Throws the server's refusal, `not_mediating` among them.
   */
  async stop(): Promise<void> {
    await forGame(wishes.stop(this.#session));
  }

  /**
   * As the host: what was started goes on without the players who are missing. They have 5 s more, and hear
   * `aborted` with `left_out`. May be called again. Throws the server's refusal, `not_mediating` among them.
   */
  async proceed(): Promise<void> {
    const mediation = this.#mediation;
    await forGame(wishes.proceed(this.#session));
    mediation?.goOn();
  }

  /** After `raw`, where only the game knows: says that this client is connected to all its peers. */
  reportConnected(): void {
    this.#mediation?.reportConnected();
  }

  /**
   * Says that this client cannot connect: the start is aborted, or goes on without it. Throws
   * `invalid_argument` for an unknown cause.
   */
  reportFailed(cause: Cause = "no-packets-received"): void {
    // The server ignores a report with another cause, and everybody would wait.
    if (!Object.hasOwn(causes, cause)) throw argumentError(`There is no cause "${String(cause)}".`);
    this.#mediation?.reportFailed(cause);
  }

  /** Leaves the lobby. Links that were handed out live on. Links that nobody has asked for are closed. */
  override async leave(): Promise<void> {
    const left = super.leave();
    for (const mediation of this.#mediations()) mediation.drop();
    await left;
  }

  async #start({ signal, raw, patienceMs }: CheckedOptions): Promise<Link[] | Raw> {
    throwIfAborted(signal);
    // The server refuses a start until it has ended the one that was called off.
    await abortable(this.#calledOff, signal);
    if (this.#session.endReason) throw endError(this.#session.endReason);
    const given = new AbortController();
    const callOff = () => given.abort(signal?.reason);
    signal?.addEventListener("abort", callOff);
    // Messages may come before the answer. What is under way in a lobby that stays is for newcomers alone: a start ends that.
    const isFresh = this.#session.view.lifetime === "session";
    const waiting = this.#connection(raw, given.signal, isFresh);
    const asked = wishes.start(this.#session, patienceMs);
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

  async #started({ signal, raw }: CheckedOptions): Promise<Link[] | Raw> {
    try {
      return bare(await this.#connection(raw, signal, false));
    } catch (error) {
      if (signal?.aborted && this.#mediation) this.#calledOff = this.#callOff();
      throw error;
    }
  }

  /**
   * Ends the mediation that nobody waits for any more: the one under way or, if the server was asked for one,
   * the one about to begin. Never throws.
   */
  async #callOff(asked?: Promise<void>): Promise<void> {
    try {
      if (asked && (this.#mediation?.isFailing ?? true)) await asked;
      if (this.#waiting > 0) return;
      const current = this.#mediation?.isFailing ? null : this.#mediation;
      const mediation = current ?? (await this.#nextMediation(AbortSignal.timeout(beginMs)));
      if (this.#waiting === 0) await mediation.callOff();
    } catch {
      // The server refused, or the lobby is over. Nothing has begun.
    }
  }

  /** `isFresh`: of a mediation that begins from now on. */
  async #connection(
    raw: boolean,
    signal: AbortSignal | undefined,
    isFresh: boolean,
  ): Promise<Connection<Raw>> {
    throwIfAborted(signal);
    this.#waiting += 1;
    if (raw) this.#rawWaiters += 1;
    try {
      const current = isFresh ? null : this.#awaited();
      let mediation = current ?? (await this.#nextMediation(signal));
      for (;;) {
        try {
          return await mediation.wait(raw, signal);
        } catch (error) {
          const { successor } = mediation;
          if (successor === null || signal?.aborted) throw error;
          // The server has begun another in its place.
          mediation = successor;
        }
      }
    } finally {
      this.#waiting -= 1;
      if (raw) this.#rawWaiters -= 1;
    }
  }

  /**
   * What there is to wait for now. Not a mediation that is failing: the next may be about to begin. Nor, in a lobby that stays, one
   * whose links the game has.
   */
  #awaited(): Mediation<Raw> | null {
    const current = this.#mediation;
    if (!current || current.isFailing) return null;
    const stays = this.#session.view.lifetime === "session" && this.#session.endReason === null;
    return stays && current.isDone && current.isTaken ? null : current;
  }

  async #nextMediation(signal?: AbortSignal): Promise<Mediation<Raw>> {
    if (this.#session.endReason) throw endError(this.#session.endReason);
    const { promise, resolve, reject } = Promise.withResolvers<Mediation<Raw>>();
    const waiter = { resolve, reject };
    this.#waiters.add(waiter);
    return await abortable(promise, signal).finally(() => this.#waiters.delete(waiter));
  }

  #hear(event: SessionEvent): void {
    switch (event.kind) {
      case "mediation":
        this.#hearMediation(event.message);
        break;
      case "signal": {
        const signal = fromLobby(event.data);
        if (signal === undefined) break;
        for (const mediation of this.#mediations()) mediation.hearSignal(event.clientId, signal);
        break;
      }
      case "left":
        for (const mediation of this.#mediations()) mediation.lose(event.member.name, event.kicked);
        break;
      case "host-changed": {
        const wasPlaying = this.#wasPlaying;
        this.#wasPlaying = this.#session.view.isPlaying;
        if (event.member?.isSelf && wasPlaying && !this.#wasPlaying) this.#follow();
        break;
      }
      case "resumed":
        this.#catchUp();
        break;
      case "ended":
        this.#close(endError(event.reason));
        break;
      default:
    }
  }

  /** All that may have links. */
  #mediations(): Mediation<Raw>[] {
    return this.#mediation ? [...this.#earlier, this.#mediation] : [...this.#earlier];
  }

  /** A new host of a star that was playing: the others wait to be connected to it. */
  #follow(): void {
    if (!this.#acceptsHost || this.#session.members.length < 2) return;
    const { term } = this.#session.view;
    const isStill = () => this.#session.view.term === term;
    const start = async (signal: AbortSignal) => await wishes.start(this.#session, patience, signal);
    // Refused, it is as if nobody had started: the game can.
    retry(start, undefined, (error) => isLoss(error) && isStill()).catch(() => {});
  }

  /** Back after the connection was lost: perhaps the others have gone on without this one. */
  #catchUp(): void {
    const { phase, isPlaying } = this.#session.view;
    this.#wasPlaying = isPlaying;
    const current = this.#mediation;
    if (!current || current.isDone || phase.mediation === current.id) return;
    current.abort(ownError("disconnected"));
    this.#mediation = null;
  }

  /** Whether this player is without the links that it had. Those that its peers have given up while it was suspended are over. */
  #needsLinks(): boolean {
    for (const mediation of this.#mediations()) mediation.endGivenUp();
    const isUnderWay = this.#mediation !== null && !this.#mediation.isDone;
    return this.#wasPlaying && !isUnderWay && !this.#mediations().some(({ isLinked }) => isLinked);
  }

  /** Whether the server is to connect this player and the peer again, whose link has died. */
  #missOf(clientId: string): Miss {
    const { view, members, isReconnecting } = this.#session;
    const peer = members.find((member) => member.clientId === clientId);
    const isLinked = this.#mediations().some((mediation) => mediation.isLinkedTo(clientId));
    if (!peer || isLinked || view.lifetime !== "session" || !view.isPlaying) return "over";
    const isUnderWay = this.#mediation !== null && !this.#mediation.isDone && !this.#mediation.isFailing;
    return isReconnecting || isUnderWay || peer.presence === "away" ? "later" : "missed";
  }

  #hearMediation({ method, payload }: MediationMessage): void {
    switch (method) {
      case "ptpMediation_send":
        void this.#asked(payload)?.ask(payload);
        break;
      case "ptpMediation_peersConnection_start":
        void this.#mediation?.introduce(payload);
        break;
      case "ptpMediation_aborted":
        // One of which this client was never told may be aborted, too.
        if (this.#mediation?.hasSucceeded) break;
        this.#mediation?.abort(new OrionError(payload.code ?? "aborted", payload.abortReason));
        this.#mediation = null;
        break;
      case "ptpMediation_success":
        this.#wasPlaying = this.#session.view.isPlaying;
        this.#mediation?.succeed();
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

  /** The mediation for which the server asks to see us, perhaps a new one. Null if it is over. */
  #asked({ mediation: id }: Heard<"ptpMediation_send">): Mediation<Raw> | null {
    const current = this.#mediation;
    const isSame = id === undefined ? !(current?.isFailing ?? true) && !current?.isDone : id === current?.id;
    if (current && isSame) return current.isFailing ? null : current;
    const next = this.#begin(id);
    // What it has brought about stays; what is under way is over.
    if (current?.isDone) this.#earlier.add(current);
    else current?.giveWay(next);
    return next;
  }

  #begin(id: string | undefined): Mediation<Raw> {
    const events = this.#events;
    const { view } = this.#session;
    const mediation = new Mediation({
      id,
      session: this.#session,
      server: this.#session.server,
      platform: this.#platform,
      relays: this.#relays,
      iceServers: this.#iceServers,
      encryption: {
        ...this.#encryption,
        isRequired: this.#encryption.isRequired || view.encryption === "required",
      },
      // One for newcomers goes on in any case.
      goesOn: view.onLoss === "continue" || view.isPlaying,
      stop: async () => await wishes.stop(this.#session),
      wantsRaw: () => this.#rawWaiters > 0,
      introduced: (peers) => events.emit("introduced", { peers }),
      linked: (link) => {
        link.on("closed", ({ cause }) => {
          if (cause === "path-lost") this.#missed.add(link.peer.clientId);
        });
        const isTaken = events.hears("link");
        events.emit("link", link);
        return isTaken;
      },
      wentOn: (report) => events.emit("report", { clientId: this.clientId, name: this.self, ...report }),
    });
    this.#mediation = mediation;
    void mediation.gone.then(() => this.#earlier.delete(mediation));
    for (const { resolve } of this.#waiters) resolve(mediation);
    return mediation;
  }

  #close(error: OrionError): void {
    this.#missed.stop();
    for (const { reject } of this.#waiters) reject(error);
    for (const mediation of this.#mediations()) mediation.detach(error);
  }
}

type CheckedOptions = { signal: AbortSignal | undefined; raw: boolean; patienceMs: number };

/** Throws `invalid_argument`. */
function startOptions(options: StartOptions | RawStartOptions, call: string): CheckedOptions {
  checkOptions(options, call);
  const { signal, raw = false, patienceMs = patience } = options;
  if (typeof raw !== "boolean") throw argumentError(`raw must be true or false in ${call}.`);
  checkTypes([[patienceMs, "number", "invalid_patience"]]);
  return { signal, raw, patienceMs };
}

/** The error of a call that the end of the lobby cut short. */
function endError(reason: CloseReason): OrionError {
  return ownError(endProblem(reason));
}

function bare<Raw>(connection: Connection<Raw>): Link[] | Raw {
  return connection.kind === "raw" ? connection.raw : connection.links;
}
