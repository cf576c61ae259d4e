/** A client in one lobby: what it knows of the lobby, what it says there, and what it hears until the end. */
import type { Shape } from "../core/shape.ts";
import { wireLimits } from "../core/wire/limits.ts";
import { type Picture, picture as pictureShape } from "../core/wire/picture.ts";
import type { Privacy } from "../core/wire/privacy.ts";
import type { Heard, HeardMessage } from "../core/wire/server-message.ts";
import { ChatPace } from "./chat-pace.ts";
import type { Connection } from "./connection.ts";
import { type EndReason, endProblem, type SessionEnd } from "./end.ts";
import { SessionError, sessionError } from "./error.ts";
import type { SessionEvent } from "./event.ts";
import { exchange, type RequestOptions, request } from "./http.ts";
import { type LobbyView, type PlainWelcome, pictureView, plainView } from "./lobby-view.ts";
import type { Member } from "./member.ts";
import { Mirror } from "./mirror.ts";
import { QuietSignals } from "./quiet-signals.ts";
import { comeBack, endOf, type ResumeAnswer } from "./resuming.ts";
import { abortable, inTime } from "./retry.ts";
import { Unconfirmed } from "./unconfirmed.ts";

/** The lobby as the answer to a host's or a member's request describes it. */
export type Welcome = PlainWelcome & {
  /** This member is relay-only, whatever the lobby is. */
  isHidden?: boolean;
  /** Where the server knows the additions. */
  picture?: Picture | undefined;
  /** With this the member comes back by another connection. A secret. */
  resumeKey?: string | undefined;
  /** The member's, if that is not the connection's own: it has come back. */
  clientId?: string;
};

/** What goes with a request of a member, besides its token. */
export type Ask = Omit<RequestOptions, "signal" | "body" | "transport"> & {
  /** Sent with the token in it. */
  body?: object;
  /** Sent as they are. The token is in a header then, as it is where there is no body. */
  bytes?: Uint8Array;
};

type Line = { at: number; from: string; text: string };

/** Milliseconds for which a coming back is tried after the grace period: the server may have noticed the loss later. */
const lateMs = 5_000;
/** Milliseconds to wait for the end of a connection whose token is void. */
const voidMs = 2_000;
/** Made by the functions of opening.ts. It lives until the lobby is over for this client, and is in one lobby only. */
export class Session {
  readonly server: URL;
  /** Whether no peer is told this client's addresses. */
  readonly isHidden: boolean;
  /** Stands for this client, as long as it is in the lobby. No secret. Empty if the server is a plain Orion server. */
  readonly clientId: string;
  /** This member's name, as Orion has it. */
  readonly self: string;
  /** Done when the session is over and its connection has ended as well. */
  readonly closed: Promise<SessionEnd>;
  #connection: Connection;
  readonly #mirror: Mirror;
  readonly #pace = new ChatPace();
  readonly #unconfirmed = new Unconfirmed();
  readonly #signals = new QuietSignals();
  readonly #listeners: ((event: SessionEvent) => void)[] = [];
  readonly #ticketListeners = new Set<(answer: Heard<"ptpRelay_renewed">) => void>();
  /** Those who need the connection when the lobby is over. */
  readonly #holds = new Set<symbol>();
  #resumeKey: string | null;
  /** While there is no connection: what calls it off, and when it is back. */
  #reconnecting: { ending: AbortController; back: Promise<void> } | null = null;
  #needsLinks = () => false;
  /** What this client last reported, and of which mediation: it is said again if it was lost. */
  #reported: { mediation: unknown; say: () => void } | null = null;
  #isPageHidden = false;
  /** The newest chat that was heard: of which millisecond by the server's clock, and all lines of it. */
  #heard: { at: number; lines: Set<string> } | null = null;
  #end: SessionEnd | null = null;
  #succeeded = false;
  /** The others are being connected without this member. */
  #isLeftOut = false;
  #resolveClosed: (end: SessionEnd) => void = () => {};

  constructor(server: URL, connection: Connection, welcome: Welcome) {
    const { self, isHidden = false, picture, resumeKey = null } = welcome;
    const { clientId = connection.clientId } = welcome;
    this.server = server;
    this.clientId = clientId;
    this.self = self;
    const view = picture ? pictureView(picture, clientId) : plainView(welcome, clientId);
    this.#mirror = new Mirror({
      view,
      clientId,
      ask: async () => await this.ask("", pictureShape),
      tell: (event) => this.#tell(event),
    });
    this.isHidden = isHidden || view.privacy === "relay-only";
    this.#resumeKey = resumeKey;
    this.closed = new Promise((resolve) => {
      this.#resolveClosed = resolve;
    });
    this.#connection = connection;
    this.#listenTo(connection);
  }

  get code(): string {
    return this.#mirror.view.code;
  }

  /** The lobby's name, as Orion has it. */
  get name(): string {
    return this.#mirror.view.lobbyName;
  }

  /** The host's name. */
  get host(): string {
    return this.#mirror.view.members.find(({ isHost }) => isHost)?.name ?? "";
  }

  get isHost(): boolean {
    return this.me?.isHost ?? false;
  }

  /** The lobby's; null if the server does not say. */
  get privacy(): Privacy | null {
    return this.#mirror.view.privacy;
  }

  /** All that is known of the lobby. A change makes another object. */
  get view(): LobbyView {
    return this.#mirror.view;
  }

  /** Everybody, this member too, in order of arrival. */
  get members(): readonly Member[] {
    return this.#mirror.view.members;
  }

  /** This client itself; undefined only if a server does not name it. */
  get me(): Member | undefined {
    return this.#mirror.view.members.find(({ isSelf }) => isSelf);
  }

  /** Why the session is over, or null while it is not. */
  get endReason(): EndReason | null {
    return this.#end?.reason ?? null;
  }

  /** Whether the connection is lost, and this client tries to come back. */
  get isReconnecting(): boolean {
    return this.#reconnecting !== null;
  }

  /**
   * Calls the listener on every event, in order; several listeners in the order in which they came. Listen in
   * the turn of the event loop in which you get the session, and you miss nothing. An error that a listener
   * throws keeps the event from nobody: it is thrown again where nobody waits.
   */
  listen(listener: (event: SessionEvent) => void): void {
    this.#listeners.push(listener);
  }

  /** Calls the listener on every answer to `ptpRelay_renew`, also when the lobby is over. Returns what ends that. */
  listenForTickets(listener: (answer: Heard<"ptpRelay_renewed">) => void): () => void {
    this.#ticketListeners.add(listener);
    return () => {
      this.#ticketListeners.delete(listener);
    };
  }

  /** Keeps the connection open when the lobby is over, until the function that is returned is called. Leaving a lobby closes it all the same. */
  hold(): () => void {
    const hold = Symbol("hold");
    this.#holds.add(hold);
    return () => {
      this.#holds.delete(hold);
      if (this.#end) this.#closeUnlessHeld();
    };
  }

  /** `needsLinks`: asked when this client comes back, whether it has lost its links to the others. */
  reconnectIf(needsLinks: () => boolean): void {
    this.#needsLinks = needsLinks;
  }

  /** The client's secret. No property: printing an object prints its properties. It changes when the client comes back. */
  token(): string {
    return this.#connection.token();
  }

  /** What `resumeLobby` takes; null in a lobby without a grace period. A secret, and good once: it changes when the client comes back. */
  resumeKey(): string | null {
    return this.#resumeKey;
  }

  /** What it has said that it can do. */
  get features(): readonly string[] {
    return this.#connection.features;
  }

  /** Sends a message under the token (core/wire/client-message.ts). After the end, and while there is no connection, it does nothing. */
  say(method: string, payload: object = {}): void {
    this.#connection.say(method, payload);
    // A report is not said twice, so it must not be lost.
    if (!method.startsWith("ptpMediation_peersConnection_") || !("mediation" in payload)) return;
    const { mediation } = payload;
    this.#reported = { mediation, say: () => this.#connection.say(method, payload) };
  }

  /** Whether this client's page is not looked at: such a member becomes host only if there is no other. */
  hide(hidden: boolean): void {
    this.#isPageHidden = hidden;
    if (this.#connection.knowsAdditions) this.#connection.say("client_hidden", { hidden });
  }

  /**
   * Says something to all. Done when it came back. Half of a character that was cut in two is sent as U+FFFD,
   * as browsers do. While there is no connection it waits. Throws `invalid_message`, `too_many_messages`, `unanswered`,
   * `disconnected` if the connection was lost meanwhile (then it may have been heard, or not), or why the session is over.
   */
  async chat(said: string): Promise<void> {
    if (said.length < 1 || said.length > wireLimits.chatLength) throw sessionError("invalid_message");
    await this.#ready();
    const text = said.replace(/\p{Surrogate}/gu, "\uFFFD");
    if (!this.#connection.hasRoom || !this.#pace.allows(this.self, this.members.length, text)) {
      throw sessionError("too_many_messages");
    }
    const back = this.#unconfirmed.add(text);
    this.say("lobby_messaging_send", { lobbyId: this.code, message: text });
    await back;
  }

  /** Signals to a member how to make a link. If it is not passed on, the program does not hear of it. */
  signalForLinks(to: string, data: object): void {
    this.#signals.note("links", to, performance.now());
    this.say("lobby_signal", { to, data });
  }

  /** Signals to a member when there is a connection. Throws why the session is over. */
  async signal(to: string, data: unknown): Promise<void> {
    await this.#ready();
    this.#signals.note("program", to, performance.now());
    this.say("lobby_signal", { to, data });
  }

  /**
   * Asks the server for something in the lobby, in this client's name. While there is no connection it waits. Throws the server's
   * refusal, `unreachable`, `unanswered`, `unexpected_answer`, `aborted`, or why the session is over.
   */
  async ask<T>(what: string, answer: Shape<T>, ask: Ask = {}, signal?: AbortSignal): Promise<T> {
    return await this.#withToken(
      async (token, ending) => await request(this.#at(what), answer, this.#optionsOf(ask, token, ending)),
      signal,
    );
  }

  /** The same, where the answer is no JSON. */
  async askForBytes(what: string, ask: Ask = {}, signal?: AbortSignal) {
    return await this.#withToken(
      async (token, ending) => await exchange(this.#at(what), this.#optionsOf(ask, token, ending)),
      signal,
    );
  }

  /** Has the whole lobby told again. Throws as `ask`. */
  async refresh(): Promise<void> {
    await this.#mirror.refresh();
  }

  /** Done when the view is as new as this version, or the session is over. */
  async reaches(version: number): Promise<void> {
    await this.#mirror.reaches(version, this.closed);
  }

  /** Leaves the lobby. Done when the server knows. May be called again. When the lobby is over, whoever holds the connection keeps it. */
  async leave(): Promise<void> {
    const isHeld = this.#end !== null && this.#end.reason !== "left" && this.#holds.size > 0;
    this.#finish({ reason: "left" });
    if (!isHeld) await this.#connection.close();
  }

  #closeUnlessHeld(): void {
    if (this.#holds.size === 0) void this.#connection.close();
  }

  #listenTo(connection: Connection): void {
    const isCurrent = () => connection === this.#connection;
    connection.listen(
      (message) => isCurrent() && this.#hear(message),
      (closeCode) => isCurrent() && this.#lose(closeCode),
    );
  }

  #hear(message: HeardMessage): void {
    if (message.method === "ptpRelay_renewed") {
      for (const listener of this.#ticketListeners) listener(message.payload);
    }
    if (this.#end) return;
    this.#mirror.hear(message);
    switch (message.method) {
      case "lobby_messaging_received": {
        const { senderName: from, message: text, timestamp: at } = message.payload.message;
        this.#hearChat({ from, text, at });
        break;
      }
      case "lobby_closed": {
        const reason = this.#succeeded ? "connected" : this.#isLeftOut ? "left_out" : "host_left";
        this.#finish({ reason });
        this.#closeUnlessHeld();
        break;
      }
      case "lobby_kicked": {
        const { reason, banned } = message.payload;
        this.#finish({ reason: "kicked", message: reason, banned });
        void this.#connection.close();
        break;
      }
      case "lobby_resumedElsewhere":
        this.#finish({ reason: "resumed_elsewhere" });
        void this.#connection.close();
        break;
      case "lobby_resumeRefused":
        this.#tell({ kind: "resume-refused" });
        break;
      case "lobby_signal": {
        const { from: clientId, data } = message.payload;
        this.#tell({ kind: "signal", clientId, member: this.#memberOf(clientId), data });
        break;
      }
      case "lobby_signalFailed":
        if (this.#signals.isQuiet(message.payload.to, performance.now())) break;
        this.#tell({ kind: "signal-failed", clientId: message.payload.to, code: message.payload.code });
        break;
      case "ptpMediation_progress": {
        const { seen, awaited } = message.payload;
        this.#tell({ kind: "progress", seen: this.#membersOf(seen), awaited: this.#membersOf(awaited) });
        break;
      }
      case "ptpMediation_send":
        this.#isLeftOut = false;
        this.#tell({ kind: "mediation", message });
        break;
      case "ptpMediation_aborted":
        this.#isLeftOut = message.payload.code === "left_out";
        this.#reported = null;
        this.#tell({ kind: "mediation", message });
        break;
      case "ptpMediation_success":
        this.#succeeded = true;
        this.#reported = null;
        this.#tell({ kind: "mediation", message });
        break;
      case "ptpMediation_peersConnection_start":
      case "ptpMediation_report":
        this.#tell({ kind: "mediation", message });
        break;
      default:
    }
  }

  #hearChat({ from, text, at }: Line, missed?: true): void {
    if (at > (this.#heard?.at ?? 0)) this.#heard = { at, lines: new Set() };
    if (at === this.#heard?.at) this.#heard.lines.add(lineOf({ from, text }));
    if (from === this.self) this.#unconfirmed.confirm(text);
    else this.#pace.allows(from, this.members.length, text);
    const member = this.members.find(({ name }) => name === from) ?? null;
    this.#tell({ kind: "chat", from, text, at, member, ...(missed && { missed }) });
  }

  #memberOf(clientId: string): Member | null {
    return this.members.find((member) => member.clientId === clientId) ?? null;
  }

  #membersOf(clientIds: readonly string[]): Member[] {
    return this.members.filter(({ clientId }) => clientIds.includes(clientId));
  }

  /** The connection has ended. In a lobby that keeps its members' places, this client tries to come back. */
  #lose(closeCode: number | null): void {
    const { graceMs } = this.view;
    if (this.#end || this.#resumeKey === null || graceMs === 0) {
      this.#finish({ reason: "disconnected" });
      this.#resolveClosed(this.#endWith(closeCode));
      return;
    }
    const ending = new AbortController();
    this.#reconnecting = { ending, back: this.#return(this.#resumeKey, closeCode, ending.signal) };
    this.#tell({ kind: "reconnecting", graceMs });
  }

  /** Never throws: it ends the session where there is no way back. */
  async #return(resumeKey: string, closeCode: number | null, signal: AbortSignal): Promise<void> {
    const { code, graceMs } = this.view;
    const { server } = this;
    const features = this.#connection.features.filter((feature) => feature !== "pings");
    // Others may have been said in the same millisecond.
    const heardAt = this.#heard ? this.#heard.at - 1 : 0;
    const { transport } = this.#connection;
    const way = { server, path: code, resumeKey, features, heardAt, reconnect: this.#needsLinks, transport };
    try {
      const { connection, answer } = await comeBack(way, signal, graceMs + lateMs);
      if (this.#end) {
        void connection.close();
        throw sessionError("aborted");
      }
      this.#resume(connection, answer);
    } catch (error) {
      this.#finish({ reason: endOf(error) });
      this.#resolveClosed(this.#endWith(closeCode));
    }
  }

  #resume(connection: Connection, { lobby, resumeKey, missed }: ResumeAnswer): void {
    this.#connection = connection;
    this.#resumeKey = resumeKey ?? null;
    this.#reconnecting = null;
    this.#listenTo(connection);
    this.#mirror.take(lobby);
    const heard = this.#heard;
    const isHeard = (line: Line) => line.at === heard?.at && heard.lines.has(lineOf(line));
    for (const line of missed.lines.filter((line) => !isHeard(line))) this.#hearChat(line, true);
    // Those that were said before, and nobody has heard, will not come any more.
    this.#unconfirmed.giveUp("disconnected");
    if (this.#isPageHidden) this.hide(true);
    const { mediation, awaited } = lobby.phase;
    const isAwaited = mediation === this.#reported?.mediation && awaited.includes(this.clientId);
    if (lobby.phase.kind === "connecting" && isAwaited) this.#reported?.say();
    this.#tell({ kind: "resumed", isComplete: missed.isComplete });
  }

  async #ready(signal?: AbortSignal): Promise<void> {
    this.#throwIfOver();
    if (this.#reconnecting) await abortable(this.#reconnecting.back, signal);
    this.#throwIfOver();
  }

  /** Does it with a token that is good: one of a connection that is gone is void, and then nothing was done. */
  async #withToken<T>(
    work: (token: string, ending: AbortSignal) => Promise<T>,
    signal?: AbortSignal,
  ): Promise<T> {
    await this.#ready(signal);
    const connection = this.#connection;
    const attempt = async () => {
      return await inTime(async (ending) => await work(this.#connection.secretToken(), ending), signal);
    };
    try {
      return await attempt();
    } catch (error) {
      const isVoid = error instanceof SessionError && error.code === "invalid_token";
      if (!isVoid || this.#resumeKey === null || !(await hasEnded(connection))) throw error;
    }
    await this.#ready(signal);
    return await attempt();
  }

  #optionsOf({ body, bytes, headers, ...more }: Ask, token: string, signal: AbortSignal): RequestOptions {
    const rest = { ...more, transport: this.#connection.transport, signal };
    if (body) return { ...rest, body: { token, ...body }, headers };
    return { ...rest, body: bytes, headers: { ...headers, authorization: `Bearer ${token}` } };
  }

  #at(what: string): URL {
    return new URL(`lobbies/${encodeURIComponent(this.code)}${what}`, this.server);
  }

  #finish(end: Omit<SessionEnd, "closeCode">): void {
    if (this.#end) return;
    this.#end = { ...end, closeCode: null };
    this.#unconfirmed.giveUp(endProblem(end.reason));
    this.#reconnecting?.ending.abort();
    this.#reconnecting = null;
    this.#tell({ kind: "ended", ...end });
  }

  #endWith(closeCode: number | null): SessionEnd {
    return { ...(this.#end ?? { reason: "disconnected" }), closeCode };
  }

  #throwIfOver(): void {
    if (this.#end) throw sessionError(endProblem(this.#end.reason));
  }

  #tell(event: SessionEvent): void {
    for (const listener of this.#listeners) {
      try {
        listener(event);
      } catch (error) {
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  }
}

function lineOf({ from, text }: Pick<Line, "from" | "text">): string {
  return `${from}\n${text}`;
}

/** Whether the connection ends soon, if it has not yet. */
async function hasEnded(connection: Connection): Promise<boolean> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), voidMs);
  });
  const ended = connection.closed.then(() => true);
  return await Promise.race([ended, late]).finally(() => clearTimeout(timer));
}
