/**
 * An object that holds clients' WebSockets: a lounge, or a lobby. It is the authority on which lobby each of its sessions
 * is in. It takes what clients ask and say to that lobby, here or in another object, and what the lobby says to them.
 */
import { retryable } from "cloudflare:durable-objects";
import { DurableObject } from "cloudflare:workers";
import { spend, strangerFrames } from "../../core/allowance.ts";
import { prices } from "../../core/bill.ts";
import { readCode } from "../../core/lobby/code.ts";
import type { MemberEvent, Witness } from "../../core/lobby/event.ts";
import type { Feature } from "../../core/lobby/features.ts";
import { isAtSocket, likeliest, withProven } from "../../core/lobby/sighting.ts";
import type { Member } from "../../core/lobby/state.ts";
import { loungeShape, type Region, regionOfLounge } from "../../core/lounges.ts";
import { accept, type Outcome, type Refusal, refuse, refuseFor, wrongGuesses } from "../../core/problem.ts";
import { relayLimits } from "../../core/relay/limits.ts";
import { sameText } from "../../core/token.ts";
import { type ClientMessage, type HeldTicket, readClientMessage } from "../../core/wire/client-message.ts";
import { fitsLobby, fitsMember } from "../../core/wire/data.ts";
import type { MatchAnswer } from "../../core/wire/finding.ts";
import type { HostAnswer, JoinAnswer, ResumeAnswer } from "../../core/wire/http.ts";
import { pingText, pongText } from "../../core/wire/ping.ts";
import { serverMessage } from "../../core/wire/server-message.ts";
import { Alarm } from "../platform/alarm.ts";
import { drawCode } from "../platform/codes.ts";
import type { Env } from "../platform/env.ts";
import { issueToken, networkTag } from "../platform/keys.ts";
import { platformLimits } from "../platform/limits.ts";
import { logFault, tagLobbiesOf } from "../platform/log.ts";
import {
  type Admission,
  type AskCall,
  addressHeader,
  type BatchAnswer,
  type Delivery,
  type HolderPort,
  type HostCall,
  type JoinCall,
  type LobbyPort,
  type MatchCall,
  type MessageBatch,
  type News,
  type ResumeCall,
  type Seen,
  type Sighted,
  type StartCall,
  type SteerCall,
  type Stray,
  type WishAnswer,
} from "../platform/ports.ts";
import { released, retry } from "../platform/retry.ts";
import { holderAt, lobbyAt } from "../platform/stubs.ts";
import { taggedNetworks } from "../platform/tags.ts";
import { Charges } from "./charges.ts";
import { Connections } from "./connections.ts";
import { enter, undo } from "./joining.ts";
import { holderLimits } from "./limits.ts";
import { match, matchAgain } from "./matching.ts";
import { Remote } from "./remote.ts";
import { renewTickets } from "./renewal.ts";
import { Session } from "./session.ts";
import { isSendable, isTooLarge, messageText } from "./websocket.ts";

/** What sessions ask of a lobby. */
type Asked = Pick<LobbyPort, "open" | "enter" | "comeBack" | "start" | "steer" | "ask" | "isMember">;

/** The lobby that lives in a holder's own object. */
export interface LobbyHere {
  /** Whether it can be opened by a session here. */
  readonly isFree: boolean;
  /** Takes news of a member. False if it has no such member. */
  hear(news: News): boolean;
  /** Whether a mediation waits for what this sidecar sees of the client. */
  awaits(clientId: string, witness: Witness): boolean;
  /** These members could not be reached. */
  lose(clientIds: string[], incarnation: string | undefined): void;
}

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
  protected readonly remote: Remote;
  readonly #charges: Charges;
  /** Sessions that are over, by their clients' ids, until their lobbies have been told: they pay for what they said last. */
  readonly #leaving = new Map<string, Session>();

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
    });
    this.#charges = new Charges(env, (session) => this.connections.expel(session, "over_budget"));
    this.remote = new Remote({
      call: async (name, batch) => released(await holderAt(env, name).receive(this.holder, batch)),
      take: (message) => ("to" in message ? this.connections.deliver(message) : this.#hear(message)),
      idleIn: (message) => ("to" in message ? [] : this.#idleIn(message)),
      rest: (clientIds) => this.#rest(clientIds),
      giveUp: (strays) => this.#giveUp(strays),
      gone: ({ clientId, ...about }) => {
        // It may be entering that lobby again by now.
        if (this.connections.get(clientId)?.lobbyId === about.lobbyId) return;
        this.#tell(about, { kind: "connection-lost", clientId, holder: this.holder });
      },
      lost: (name, messages, error) => {
        logFault("object_unreachable", { from: this.holder, holder: name, lost: messages.length }, error);
        for (const message of messages) {
          if ("to" in message) this.lobbyHere?.lose(message.to, message.incarnation);
        }
      },
      caused: (clientId, calls) => this.#chargeCalls(clientId, calls),
    });
  }

  /** The lobby that lives in this object; a lounge has none. */
  protected abstract readonly lobbyHere: (LobbyHere & Asked) | null;

  abstract override fetch(request: Request): Promise<Response>;

  /** Takes a client's socket: the answer to its upgrade, 409 without room. `opensHere`: it came to open this object's lobby. */
  protected async admit(request: Request, hasRoom: () => boolean, opensHere = false): Promise<Response> {
    const full = () => new Response(null, { status: 409 });
    if (!hasRoom()) return full();
    const id = Session.drawId();
    const token = await issueToken(this.env, this.holder, id, Date.now());
    // Others may have taken the room while the token was made.
    if (!hasRoom()) return full();
    const { 0: theirs, 1: ours } = new WebSocketPair();
    const address = request.headers.get(addressHeader) ?? undefined;
    this.connections.admit(ours, token, id, { opensHere, address });
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
      const text = messageText(data);
      // The platform answers a ping in a text frame, and passes on one in a binary frame.
      if (text === pingText) this.connections.send(session, pongText);
      else if (text !== null) this.#read(session, text);
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

  async hostLobby({ clientId, requestId, request }: HostCall): Promise<Outcome<HostAnswer>> {
    const session = this.connections.get(clientId);
    if (!session) return refuse("invalid_token");
    const tooMany = this.#countRequest(session, requestId);
    if (tooMany) return tooMany;
    learn(session, request.features);
    return await this.#enter<HostAnswer>(session, requestId, async (aim) => {
      const { membership } = session;
      const before = membership?.requestId === requestId ? membership.lobbyId : null;
      for (const lobbyId of before === null ? this.#codes(session) : [before]) {
        aim(lobbyId);
        const outcome = await this.#open(session, { requestId, lobbyId, request });
        if (outcome.ok || !outcome.codes.includes("code_taken")) return outcome;
      }
      return refuse("code_taken");
    });
  }

  /** Opens a lobby under this code, if nobody has it. */
  async #open(
    session: Session,
    { requestId, lobbyId, request }: Omit<HostCall, "clientId"> & { lobbyId: string },
  ): Promise<Outcome<Admission<HostAnswer>>> {
    const { id: clientId, features, address } = session;
    // So that a ban of a neighbour does not ban the host.
    const network = features && (await networkTag(this.env, address));
    const host: Member = {
      clientId,
      name: request.hostName,
      holder: this.holder,
      requestId,
      features,
      ...(network !== undefined && { network }),
      ...personOf(request),
    };
    const networks = request.isPublic ? taggedNetworks(this.env, address) : undefined;
    const open = (lobby: Asked) => lobby.open({ lobbyId, host, request, networks });
    return await this.#ask(lobbyId, host, open, this.#region);
  }

  async joinLobby(call: JoinCall): Promise<Outcome<JoinAnswer>> {
    const { clientId, requestId, lobbyId } = call;
    const session = this.connections.get(clientId);
    this.connections.stir(session);
    if (!session) return refuse("invalid_token");
    const tooMany = this.#countRequest(session, requestId);
    if (tooMany) return tooMany;
    return await this.#enter<JoinAnswer>(session, requestId, async (aim) => {
      const wait = session.guessesAgainIn(call.guessing);
      if (wait > 0) return refuseFor(wait);
      learn(session, call.features);
      if (lobbyId !== null) aim(lobbyId);
      const outcome =
        lobbyId === null ? refuse("no_such_lobby") : await this.#join(session, { ...call, lobbyId });
      if (isWrongGuess(outcome)) session.countFailedJoin();
      return outcome;
    });
  }

  async #join(
    session: Session,
    call: Omit<JoinCall, "clientId" | "guessing"> & { lobbyId: string },
  ): Promise<Outcome<Admission<JoinAnswer>>> {
    const { id: clientId, features, address } = session;
    const { lobbyId, requestId, peerName, privacy, password } = call;
    const network = await networkTag(this.env, address);
    const member: Member = {
      clientId,
      name: peerName,
      holder: this.holder,
      requestId,
      features,
      ...(network !== undefined && { network }),
      ...(privacy === "relay-only" && { relayOnly: true }),
      ...personOf(call),
    };
    const outcome = await this.#ask(lobbyId, member, (lobby) => lobby.enter(member, password));
    if (outcome.ok) this.#charges.charge(session, (outcome.value.calls ?? 0) * prices.call);
    return outcome;
  }

  async matchLobby({ clientId, requestId, request }: MatchCall): Promise<Outcome<MatchAnswer>> {
    const session = this.connections.get(clientId);
    this.connections.stir(session);
    if (!session) return refuse("invalid_token");
    const tooMany = this.#countRequest(session, requestId);
    if (tooMany) return tooMany;
    const { game, peerName, displayName, memberData, privacy, create } = request;
    learn(session, request.features);
    // Before others wait for a lobby that nobody can open.
    if (create.data && !fitsLobby(create.data)) return refuse("data_too_large");
    if (memberData && !fitsMember(memberData)) return refuse("data_too_large");
    const player = { requestId, displayName, memberData };
    return await this.#enter<MatchAnswer>(session, requestId, async (aim) => {
      const { membership } = session;
      const open = (lobbyId: string) => {
        aim(lobbyId);
        const opened = { ...create, hostName: peerName, isPublic: true, game, displayName, memberData };
        return this.#open(session, { requestId, lobbyId, request: opened });
      };
      const join = (lobbyId: string) => {
        aim(lobbyId);
        return this.#join(session, { ...player, lobbyId, peerName, privacy });
      };
      const isHere = () => this.connections.get(clientId) === session;
      const doors = { codes: this.#codes(session), open, join, isHere };
      if (membership?.requestId === requestId) return await matchAgain(membership.lobbyId, doors);
      return await match(this.env, clientId, request, doors);
    });
  }

  async resumeMember(call: ResumeCall): Promise<Outcome<ResumeAnswer>> {
    const { clientId, requestId, lobbyId, request } = call;
    const session = this.connections.get(clientId);
    this.connections.stir(session);
    if (!session) return refuse("invalid_token");
    const tooMany = this.#countRequest(session, requestId);
    if (tooMany) return tooMany;
    const features = learn(session, request.features);
    const about = { session: clientId, holder: this.holder, requestId, features, request };
    const resume = async (aim: (lobbyId: string) => void) => {
      const wait = session.guessesAgainIn(call.guessing);
      if (wait > 0) return refuseFor(wait);
      if (lobbyId !== null) aim(lobbyId);
      const outcome =
        lobbyId === null
          ? refuse("no_such_lobby")
          : await this.#ask(lobbyId, { clientId, requestId }, (lobby) => lobby.comeBack(about));
      if (isWrongGuess(outcome)) session.countFailedJoin();
      if (outcome.ok) {
        session.memberId = memberOfKey(request.resumeKey);
        this.#charges.charge(session, (outcome.value.calls ?? 0) * prices.call);
      }
      return outcome;
    };
    return await this.#enter<ResumeAnswer>(session, requestId, resume, lobbyId ?? undefined);
  }

  async leaveLobby(
    lobbyId: string | null,
    { clientId, requestId }: { clientId: string; requestId: string },
  ): Promise<Outcome<null>> {
    const session = this.connections.get(clientId);
    if (!session) return refuse("invalid_token");
    const tooMany = this.#countRequest(session, requestId);
    if (tooMany) return tooMany;
    if (session.leftBy === requestId) return accept(null);
    const { membership } = session;
    if (!membership || membership.lobbyId !== lobbyId) return refuse("not_a_member");
    session.membership = null;
    session.leftBy = requestId;
    await this.#tell(membership, { kind: "member-left", clientId });
    return accept(null);
  }

  async askLobby(lobbyId: string | null, call: AskCall): Promise<Outcome<WishAnswer>> {
    const session = this.connections.get(call.clientId);
    const mayList = call.wish.kind === "change" && call.wish.change.isPublic === true;
    const hostNetworks = mayList ? taggedNetworks(this.env, session?.address) : undefined;
    return await this.#askAsMember(lobbyId, call, (lobby) => lobby.ask({ ...call, hostNetworks }));
  }

  async takeBack(clientId: string, requestId: string): Promise<void> {
    const session = this.connections.get(clientId);
    const membership = session && (await undo(session, requestId));
    if (membership) this.#tell(membership, { kind: "member-left", clientId, requestId });
  }

  async startMediation(lobbyId: string | null, call: StartCall): Promise<Outcome<null>> {
    return await this.#askAsMember(lobbyId, call, (lobby) => lobby.start(call));
  }

  async steerMediation(lobbyId: string | null, call: SteerCall): Promise<Outcome<null>> {
    const session = this.connections.get(call.clientId);
    // Others send their token over UDP in clear, so this may be its reader. And none of them knows these requests.
    if (session && !session.features?.includes("links")) return refuse("needs_links");
    return await this.#askAsMember(lobbyId, call, (lobby) => lobby.steer(call));
  }

  async observe(seen: Seen[], caller?: { takesAll: true }): Promise<string[] | Sighted> {
    const sighted: Sighted = { again: [], gone: [], idle: [] };
    await Promise.all(
      seen.map(async (one) => {
        const became = await this.#see(one);
        if (became !== "awaited") sighted[became].push(one.clientId);
      }),
    );
    return caller?.takesAll ? sighted : sighted.again;
  }

  /** Tells the client's lobby what a sidecar saw of it, and says what became of that. */
  async #see(seen: Seen): Promise<"awaited" | keyof Sighted> {
    const session = this.connections.get(seen.clientId);
    if (!session) return "gone";
    if (session.paysForSighting()) this.#charges.charge(session, prices.observation);
    const { membership, address } = session;
    if (!membership) return "idle";
    session.isIdle = false;
    const observed = withProven(address, likeliest(address, seen.observed));
    const event = { ...seen, observed, isAtSocket: isAtSocket(address, observed) };
    if (!(await this.#tell(membership, { kind: "endpoint-seen", ...event }))) return "again";
    return session.isIdle ? "idle" : "awaited";
  }

  async receive(from: string, batch: MessageBatch): Promise<BatchAnswer | Stray[]> {
    this.connections.stir();
    return await this.remote.receive(from, batch);
  }

  /** Something happens here. `acting`: the session that it comes from. */
  protected stirred(_acting: Session | undefined): void {}

  /** A session here is over. `hasLeft`: by its client's will, for good. */
  protected ended(session: Session, hasLeft: boolean): void {
    const { id: clientId, membership } = session;
    if (!membership) return;
    this.#leaving.set(clientId, session);
    const told = hasLeft
      ? this.#tell(membership, { kind: "member-left", clientId })
      : this.#tell(membership, { kind: "connection-lost", clientId, holder: this.holder });
    void Promise.resolve(told).finally(() => this.#leaving.delete(clientId));
  }

  /** Sends a message to a lobby's members in another object. True once it is there, false if it is lost. */
  protected send(name: string, delivery: Delivery): Promise<boolean> {
    return this.remote.deliver(name, delivery);
  }

  /** `region`: only where the call may create the object. */
  #lobbyAt(lobbyId: string, region: Region | null = null): Asked {
    return this.lobbyHere && lobbyId === this.holder ? this.lobbyHere : lobbyAt(this.env, lobbyId, region);
  }

  /** Where a lobby should be that is opened from here: near its host, as far as the host's lounge tells. */
  get #region(): Region | null {
    return loungeShape.test(this.holder) ? regionOfLounge(this.holder) : null;
  }

  /** Codes for a new lobby, as long as none of them was free. */
  *#codes({ opensHere }: Session): Iterable<string> {
    if (opensHere && this.lobbyHere?.isFree) yield this.holder;
    for (let draw = 0; draw < holderLimits.codeDraws; draw++) yield drawCode(this.env);
  }

  /** `again`: a lobby that the session may be in already. */
  #enter<Answer extends Pick<HostAnswer, "lobbyId" | "lobbyName">>(
    session: Session,
    requestId: string,
    ask: (aim: (lobbyId: string) => void) => Promise<Outcome<Admission<Answer>>>,
    again?: string,
  ): Promise<Outcome<Answer>> {
    const aftermath = {
      isHere: () => this.connections.get(session.id) === session,
      isMember: (one: Session) => this.#isMember(one),
      giveBack: ({
        lobbyId,
        incarnation,
        clientId,
      }: {
        lobbyId: string;
        incarnation: string;
        clientId: string;
      }) => this.#tell({ lobbyId, incarnation }, { kind: "connection-lost", clientId, holder: this.holder }),
    };
    return enter(session, requestId, ask, aftermath, { again });
  }

  /** Asks a lobby for something that only a member may ask for. */
  async #askAsMember<T>(
    lobbyId: string | null,
    { clientId, requestId, guessing }: StartCall | SteerCall | AskCall,
    ask: (lobby: Asked) => Promise<Outcome<T>>,
  ): Promise<Outcome<T>> {
    const session = this.connections.get(clientId);
    if (!session) return refuse("invalid_token");
    const tooMany = this.#countRequest(session, requestId);
    if (tooMany) return tooMany;
    const isMember = lobbyId !== null && session.membership?.lobbyId === lobbyId;
    // To ask about codes of others is to guess.
    const wait = isMember ? 0 : session.guessesAgainIn(guessing);
    if (wait > 0) return refuseFor(wait);
    if (lobbyId === null) return noLobby(session);
    try {
      const asked = () => ask(this.#lobbyAt(lobbyId));
      const outcome = await retry(asked, platformLimits.promptRetryDelaysMs);
      return !outcome.ok && outcome.codes.includes("no_such_lobby") ? noLobby(session) : outcome;
    } catch (error) {
      logFault("lobby_unreachable", { lobbyId }, error);
      return refuse("unavailable");
    }
  }

  /** Asks a lobby to let a session in. If nobody can know whether it did, the session leaves it again. */
  async #ask<T>(
    lobbyId: string,
    { clientId, requestId }: Pick<Member, "clientId" | "requestId">,
    ask: (lobby: Asked) => Promise<Outcome<T>>,
    region: Region | null = null,
  ): Promise<Outcome<T>> {
    try {
      return await retry(() => ask(this.#lobbyAt(lobbyId, region)), platformLimits.promptRetryDelaysMs);
    } catch (error) {
      logFault("lobby_unreachable", { lobbyId }, error);
      this.#tell({ lobbyId, requestId }, { kind: "member-left", clientId, requestId });
      return refuse("unavailable");
    }
  }

  /** Whether the session's lobby has it as a member. If it has not, the session is in none. */
  async #isMember({ id: clientId, membership }: Session): Promise<boolean> {
    if (!membership) return false;
    const { lobbyId, incarnation } = membership;
    try {
      const asked = () => this.#lobbyAt(lobbyId).isMember(clientId, incarnation);
      if (await asked()) return true;
    } catch (error) {
      logFault("lobby_unreachable", { lobbyId }, error);
      return true;
    }
    this.connections.drop({ lobbyId, clientId, incarnation });
    return false;
  }

  /** Tells a lobby of a member. True once it knows. `about`: the membership, as the session knows it. */
  #tell(
    { lobbyId, incarnation, requestId }: Omit<News, "event">,
    event: MemberEvent,
  ): true | Promise<boolean> {
    const news = { lobbyId, incarnation, requestId, event };
    if (!this.lobbyHere || lobbyId !== this.holder) return this.remote.tell(lobbyId, news);
    if (event.kind === "endpoint-seen") this.#rest(this.#idleIn(news));
    const before = this.remote.callsCaused;
    this.#giveUp(this.#hear(news));
    this.#chargeCalls(event.clientId, this.remote.callsCaused - before);
    return true;
  }

  /** A session here made its lobby, or this object, call others so often. */
  #chargeCalls(clientId: string, calls: number): void {
    const session = this.connections.get(clientId) ?? this.#leaving.get(clientId);
    if (session && calls > 0) this.#charges.charge(session, calls * prices.call);
  }

  /** The client in this news, if no mediation of the lobby here waits for the endpoint that it tells of. */
  #idleIn({ event }: News): string[] {
    if (event.kind !== "endpoint-seen" || this.lobbyHere?.awaits(event.clientId, event)) return [];
    return [event.clientId];
  }

  /** No mediation waits for what was seen of these. */
  #rest(clientIds: readonly string[]): void {
    for (const clientId of clientIds) {
      const session = this.connections.get(clientId);
      if (session) session.isIdle = true;
    }
  }

  /** News of a member for the lobby here. Returns the member if it is none, and has not just left. */
  #hear(news: News): Stray[] {
    const { lobbyId, incarnation, requestId } = news;
    const { kind, clientId } = news.event;
    const isKnown = lobbyId === this.holder && this.lobbyHere?.hear(news) === true;
    const hasLeft = kind === "member-left" || kind === "connection-lost";
    return isKnown || hasLeft ? [] : [{ lobbyId, clientId, incarnation, requestId }];
  }

  /** Strays of what this object has sent: members of its lobby that are gone, or sessions that are in no lobby there. */
  #giveUp(strays: readonly Stray[]): void {
    for (const [incarnation, some] of Map.groupBy(strays, (stray) => stray.incarnation)) {
      const members = some.filter(({ lobbyId }) => lobbyId === this.holder);
      this.lobbyHere?.lose(
        members.map(({ clientId }) => clientId),
        incarnation,
      );
      for (const stray of some) this.connections.drop(stray);
    }
  }

  #countRequest(session: Session, requestId: string): Refusal | null {
    const seconds = session.countRequest(requestId);
    return seconds > 0 ? refuseFor(seconds) : null;
  }

  /** Nothing else gives the memory back that clients take who do not go. The platform would end the object later, and others with it. */
  #end(): void {
    logFault("object_ended_itself", { holder: this.holder });
    this.ctx.abort("Too much waits for clients that do not read.");
  }

  /** Whatever becomes of a message, its sender's socket and its lobby go on. */
  #read(session: Session, text: string): void {
    try {
      const message = readClientMessage(text);
      if (message && sameText(message.token, session.token)) this.#obey(session, message);
    } catch (error) {
      const { id: clientId, lobbyId } = session;
      logFault("message_failed", { clientId, lobbyId }, error);
    }
  }

  #obey(session: Session, message: ClientMessage): void {
    const { id: clientId, membership } = session;
    if (message.method === "client_pings") this.connections.expectPings(session);
    if (message.method === "client_features") session.features = message.features;
    if (message.method === "ptpRelay_renew") void this.#renew(session, message.tickets);
    if (!membership) return;
    switch (message.method) {
      case "lobby_signal": {
        if (session.features === undefined || session.purse.isEmpty) return;
        const { to, data } = message;
        this.#tell(membership, { kind: "signal-sent", clientId, to, data });
        return;
      }
      case "client_hidden":
        this.#charges.charge(session, prices.report);
        this.#tell(membership, { kind: "visibility-changed", clientId, hidden: message.hidden });
        return;
      case "lobby_messaging_send":
        if (readCode(message.lobbyId) !== membership.lobbyId || session.purse.isEmpty) return;
        this.#tell(membership, { kind: "message-sent", clientId, text: message.message });
        return;
      case "ptpMediation_unseen":
        this.#charges.charge(session, prices.report);
        this.#tell(membership, { kind: "silence-reported", clientId, mediation: message.mediation });
        return;
      case "ptpMediation_peersConnection_success":
      case "ptpMediation_peersConnection_failure": {
        const connected = message.method === "ptpMediation_peersConnection_success";
        const { mediation, report } = message;
        this.#charges.charge(session, prices.report);
        this.#tell(membership, { kind: "connection-reported", clientId, connected, mediation, report });
        return;
      }
    }
  }

  /** Gives a session later tickets for the relay: in a lobby, or when its lobby is over and it plays. */
  async #renew(session: Session, held: readonly HeldTicket[]): Promise<void> {
    if (!session.countRenewal()) return;
    const { id: clientId } = session;
    try {
      const tickets = await renewTickets(this.env, session, held, Date.now());
      if (this.connections.get(clientId) !== session) return;
      const lifeMs = relayLimits.relayTicketMs;
      this.connections.send(session, serverMessage("ptpRelay_renewed", { tickets, lifeMs }));
    } catch (error) {
      logFault("message_failed", { clientId, lobbyId: session.lobbyId }, error);
    }
  }
}

/** Close codes by which a client leaves: 1000, and none (RFC 6455, 7.4.1). A page that is closed or loaded again says 1001, and may be back. */
const leavingCodes: ReadonlySet<number> = new Set([1000, 1005]);

/** What a player says of itself besides its name. */
function personOf({
  displayName,
  memberData,
}: Pick<JoinCall, "displayName" | "memberData">): Pick<Member, "displayName" | "data"> {
  return { ...(displayName !== undefined && { displayName }), ...(memberData && { data: memberData }) };
}

/** The client id in a resume key. */
function memberOfKey(key: string): string {
  return key.split(".", 1)[0] ?? "";
}

/** Whether somebody may be trying codes, passwords or keys. */
function isWrongGuess(outcome: Outcome<unknown>): boolean {
  return !outcome.ok && outcome.codes.some((code) => wrongGuesses.has(code));
}

/** The session has asked about a code of no lobby. */
function noLobby(session: Session): Refusal {
  session.countFailedJoin();
  return refuse("no_such_lobby");
}

/** What the client can do, as it has said on its WebSocket or says with this request: either may come first. */
function learn(session: Session, told: readonly Feature[] | undefined): readonly Feature[] | undefined {
  if (told && session.features === undefined) session.features = told;
  return session.features;
}
