/**
 * An object that holds clients' WebSockets: a lounge, or a lobby. It is the authority on which lobby each of its sessions
 * is in. This file has the sockets. `Requests` has what clients ask by HTTP, `ClientMessages` what they say on their sockets, `LobbyNews`
 * what their lobbies are told of them, and `Connections` what clients are told.
 */
import { retryable } from "cloudflare:durable-objects";
import { DurableObject } from "cloudflare:workers";
import { spend, strangerFrames } from "../../core/allowance.ts";
import { prices } from "../../core/bill.ts";
import type { Form } from "../../core/dialects/groovejet/form.ts";
import { frameOf, identityOf } from "../../core/dialects/groovejet/message.ts";
import { networksOf } from "../../core/network.ts";
import type { Outcome } from "../../core/problem.ts";
import type { MatchAnswer } from "../../core/wire/finding.ts";
import type { HostAnswer, JoinAnswer, ResumeAnswer } from "../../core/wire/http.ts";
import { pingText, pongText } from "../../core/wire/ping.ts";
import { Alarm } from "../platform/alarm.ts";
import type { Env } from "../platform/env.ts";
import { issueSecretToken, issueToken } from "../platform/keys.ts";
import { logFault, tagLobbiesOf } from "../platform/log.ts";
import {
  type AskCall,
  addressHeader,
  atServerHeader,
  type BatchAnswer,
  type CallOfClient,
  type Delivery,
  gatewayNameHeader,
  type HolderPort,
  type HostCall,
  type JoinCall,
  type MatchCall,
  type MessageBatch,
  type ResumeCall,
  type Seen,
  type Sighted,
  type StartCall,
  type SteerCall,
  type Stray,
  type WishAnswer,
} from "../platform/ports.ts";
import { Charges } from "./charges.ts";
import { ClientMessages } from "./client-messages.ts";
import { Connections } from "./connections.ts";
import { Groovejet } from "./groovejet.ts";
import { type Asked, Lobbies, type LobbyHere } from "./lobbies.ts";
import { LobbyNews } from "./lobby-news.ts";
import type { Remote } from "./remote.ts";
import { Requests } from "./requests.ts";
import { Session } from "./session.ts";
import { isSendable, isTooLarge, messageText } from "./websocket.ts";

export abstract class Holder extends DurableObject<Env> implements HolderPort {
  static {
    // Request ids and ids of batches make that what is repeated is done once (docs/decisions/004).
    const { hostLobby, joinLobby, matchLobby, resumeMember, leaveLobby, askLobby } = Holder.prototype;
    const { takeBack, startMediation, steerMediation, observe, receive } = Holder.prototype;
    retryable(hostLobby, joinLobby, matchLobby, resumeMember, leaveLobby, askLobby);
    retryable(takeBack, startMediation, steerMediation, observe, receive);
  }

  protected readonly wakeUp: Alarm;
  protected readonly connections: Connections;
  /** The object's name, which tokens carry: a code, or that of a lounge. */
  protected readonly holder: string;
  readonly #charges: Charges;
  readonly #news: LobbyNews;
  readonly #requests: Requests;
  readonly #messages: ClientMessages;
  readonly #groovejet: Groovejet;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    tagLobbiesOf(env);
    this.holder = ctx.id.name ?? "";
    this.wakeUp = new Alarm(ctx.storage);
    this.connections = new Connections(ctx, this.wakeUp, {
      ended: (session, hasLeft) => this.ended(session, hasLeft),
      stuck: () => this.#end(),
      stirred: (acting) => this.stirred(acting),
      delivered: (session, delivery) => this.#charges.chargeForDelivery(session, delivery),
      vanished: () => this.vanished(),
    });
    this.#charges = new Charges(env, (session) => this.connections.expel(session, "over_budget"));
    const lobbies = new Lobbies(env, this.holder, () => this.lobbyHere);
    this.#news = new LobbyNews(env, lobbies, this.connections, this.#charges);
    this.#requests = new Requests(env, lobbies, this.connections, this.#charges, this.#news);
    this.#messages = new ClientMessages(env, this.connections, this.#charges, this.#news);
    this.#groovejet = new Groovejet(env, this.#requests, this.connections, this.#charges, this.#news);
  }

  /** The lobby that lives in this object; a lounge has none. */
  protected abstract readonly lobbyHere: (LobbyHere & Asked) | null;

  abstract override fetch(request: Request): Promise<Response>;

  /**
   * Takes a client's socket: the answer to its upgrade, 409 without room. `opensHere`: it came to open this object's lobby. `form`: the language
   * that it speaks, as far as its upgrade tells.
   */
  protected async admit(
    request: Request,
    hasRoom: () => boolean,
    { opensHere = false, form = { kind: "orion" } }: { opensHere?: boolean; form?: Form } = {},
  ): Promise<Response> {
    const full = () => new Response(null, { status: 409 });
    if (!hasRoom()) return full();
    const id = Session.drawId();
    const address = request.headers.get(addressHeader) ?? undefined;
    const refusal = form.kind === "query" ? await this.#groovejet.refuse(form, address) : null;
    if (refusal) {
      // Others may have taken the room while the room in the query was asked.
      if (!hasRoom()) return full();
      const { 0: theirs, 1: ours } = new WebSocketPair();
      const networks = address === undefined ? [] : networksOf(address);
      this.connections.turnAway(ours, [identityOf(id), refusal].map(frameOf), networks);
      return new Response(null, { status: 101, webSocket: theirs });
    }
    const token = await issueToken(this.env, this.holder, id, Date.now());
    const secretToken = await issueSecretToken(this.env, token);
    // Others may have taken the room while the tokens were made.
    if (!hasRoom()) return full();
    const { 0: theirs, 1: ours } = new WebSocketPair();
    const gateway = request.headers.get(gatewayNameHeader) ?? undefined;
    const atServer = request.headers.has(atServerHeader);
    const session = this.connections.admit(ours, token, id, { opensHere, address, atServer, gateway });
    if (form.kind === "orion" || form.kind === "either")
      this.connections.register(session, { token, secretToken });
    if (form.kind !== "orion") this.#groovejet.greet(session, form);
    return new Response(null, { status: 101, webSocket: theirs });
  }

  /** A client's message. Anything else is ignored; a flood or an oversized message closes the socket. */
  override webSocketMessage(socket: WebSocket, data: string | ArrayBuffer): void {
    const session = this.connections.hear(socket);
    if (!session) return;
    this.#charges.charge(session, prices.frame);
    const verdict = this.#spend(session, Date.now());
    if (isTooLarge(data)) this.connections.expel(session, "frame_too_large");
    else if (verdict === "close") this.connections.expel(session, "flood");
    else if (verdict === "take") {
      this.connections.trust(session);
      // groovejet's rooms are never where its clients' sockets are.
      if (this.lobbyHere === null && this.#groovejet.hear(session, data)) return;
      const text = messageText(data);
      // The platform answers a ping in a text frame, and passes on one in a binary frame.
      if (text === pingText) this.connections.send(session, pongText);
      else if (text !== null) this.#messages.take(session, text);
    }
  }

  /** What to do with one more message of this session. */
  #spend(session: Session, now: number): "take" | "drop" | "close" {
    const isStranger = this.lobbyHere !== null && session.lobbyId === undefined;
    return isStranger ? spend(session.strangerAllowance, now, strangerFrames) : spend(session.allowance, now);
  }

  /** The socket is closed, so the session is over. */
  override webSocketClose(socket: WebSocket, code: number): void {
    this.connections.gone(socket, leavingCodes.has(code));
    // Without an answer the client would see its close complete only seconds later.
    socket.close(isSendable(code) ? code : 1000);
  }

  override webSocketError(socket: WebSocket): void {
    this.connections.gone(socket);
  }

  override async alarm(): Promise<void> {
    this.wakeUp.rang();
    this.connections.wake();
    for (const session of this.connections)
      if (this.lobbyHere || session.pingsSince !== null) this.#charges.charge(session, prices.look);
  }

  async goodbye(): Promise<void> {
    this.connections.closeAll();
  }

  async hostLobby(call: HostCall): Promise<Outcome<HostAnswer>> {
    return await this.#requests.host(call);
  }

  async joinLobby(call: JoinCall): Promise<Outcome<JoinAnswer>> {
    return await this.#requests.join(call);
  }

  async matchLobby(call: MatchCall): Promise<Outcome<MatchAnswer>> {
    return await this.#requests.match(call);
  }

  async resumeMember(call: ResumeCall): Promise<Outcome<ResumeAnswer>> {
    return await this.#requests.resume(call);
  }

  async leaveLobby(lobbyId: string | null, call: CallOfClient): Promise<Outcome<null>> {
    return await this.#requests.leave(lobbyId, call);
  }

  async askLobby(lobbyId: string | null, call: AskCall): Promise<Outcome<WishAnswer>> {
    return await this.#requests.ask(lobbyId, call);
  }

  async takeBack(clientId: string, requestId: string): Promise<void> {
    await this.#requests.takeBack(clientId, requestId);
  }

  async startMediation(lobbyId: string | null, call: StartCall): Promise<Outcome<null>> {
    return await this.#requests.start(lobbyId, call);
  }

  async steerMediation(lobbyId: string | null, call: SteerCall): Promise<Outcome<null>> {
    return await this.#requests.steer(lobbyId, call);
  }

  async observe(seen: Seen[], caller?: { takesAll: true }): Promise<string[] | Sighted> {
    return await this.#news.observe(seen, caller);
  }

  /** What this object and others say to each other. */
  protected get remote(): Remote {
    return this.#news.remote;
  }

  async receive(from: string, batch: MessageBatch): Promise<BatchAnswer | Stray[]> {
    this.connections.stir();
    return await this.remote.receive(from, batch);
  }

  /** Something happens here. `acting`: the session that it comes from. */
  protected stirred(_acting: Session | undefined): void {}

  /** A socket that was turned away is gone: it takes no room any more. */
  protected vanished(): void {}

  /** A session here is over. `hasLeft`: by its client's will, for good. */
  protected ended(session: Session, hasLeft: boolean): void {
    this.#news.ended(session, hasLeft);
  }

  /** Sends a message to a lobby's members in another object. True once it is there, false if it is lost. */
  protected send(name: string, delivery: Delivery): Promise<boolean> {
    return this.remote.deliver(name, delivery);
  }

  /** Nothing else gives the memory back that clients take who do not go. The platform would end the object later, and others with it. */
  #end(): void {
    logFault("object_ended_itself", { holder: this.holder });
    this.ctx.abort("Too much waits for clients that do not read.");
  }
}

/** Close codes by which a client leaves: 1000, and none (RFC 6455, 7.4.1). A page that is closed or loaded again says 1001, and may be back. */
const leavingCodes: ReadonlySet<number> = new Set([1000, 1005]);
