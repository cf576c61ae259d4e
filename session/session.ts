/** A client in one lobby: what it knows of the lobby, what it says there, and what it hears until the end. */
import * as z from "zod";
import { wireLimits } from "../core/wire/limits.ts";
import type { Privacy } from "../core/wire/privacy.ts";
import type { Heard, HeardMessage } from "../core/wire/server-message.ts";
import { ChatPace } from "./chat-pace.ts";
import type { Connection } from "./connection.ts";
import { type EndReason, endProblem, type SessionEnd } from "./end.ts";
import { type SessionError, sessionError } from "./error.ts";
import type { SessionEvent } from "./event.ts";
import { request } from "./http.ts";
import { inTime } from "./retry.ts";

/** The lobby as the answer to a host's or a member's request describes it. */
export type Welcome = {
  code: string;
  name: string;
  self: string;
  host: string;
  members: string[];
  /** Null if the server does not say. */
  privacy: Privacy | null;
  /** This member is relay-only, whatever the lobby is. */
  isHidden?: boolean;
};

/** Milliseconds until a chat message that has not come back counts as lost. */
const chatMs = 10_000;

type Unconfirmed = { text: string; resolve: () => void; reject: (error: SessionError) => void };

/** Made by `hostLobby` and `joinLobby`. It lives as long as its connection, and is in one lobby only. */
export class Session {
  readonly server: URL;
  readonly code: string;
  /** The lobby's name. */
  readonly name: string;
  /** This member's name. */
  readonly self: string;
  readonly host: string;
  /** The lobby's; null if the server does not say. */
  readonly privacy: Privacy | null;
  /** Whether no peer is told this client's addresses. */
  readonly isHidden: boolean;
  /** Names this client to an operator. No secret. Empty if the server is a plain Orion server. */
  readonly clientId: string;
  /** Done when the session is over and its connection has ended as well. */
  readonly closed: Promise<SessionEnd>;
  readonly #connection: Connection;
  readonly #pace = new ChatPace();
  readonly #listeners: ((event: SessionEvent) => void)[] = [];
  #members: readonly string[];
  #endReason: EndReason | null = null;
  #unconfirmed: Unconfirmed[] = [];
  #ticketListener: ((answer: Heard<"ptpRelay_renewed">) => void) | null = null;
  /** Those who need the connection when the lobby is over. */
  readonly #holds = new Set<symbol>();
  #succeeded = false;
  /** The others are being connected without this member. */
  #isLeftOut = false;

  constructor(server: URL, connection: Connection, welcome: Welcome) {
    const { code, name, self, host, members, privacy, isHidden = false } = welcome;
    this.server = server;
    this.#connection = connection;
    this.clientId = connection.clientId;
    this.code = code;
    this.name = name;
    this.self = self;
    this.host = host;
    this.privacy = privacy;
    this.isHidden = isHidden || privacy === "relay-only";
    this.#members = members;
    this.closed = new Promise((resolve) => {
      connection.listen(
        (message) => this.#hear(message),
        (closeCode) => resolve({ reason: this.#end("disconnected"), closeCode }),
      );
    });
  }

  /** Everybody's name, this member's too, in order of arrival. */
  get members(): readonly string[] {
    return this.#members;
  }

  get isHost(): boolean {
    return this.host === this.self;
  }

  /** Why the session is over, or null while it is not. */
  get endReason(): EndReason | null {
    return this.#endReason;
  }

  /**
   * Calls the listener on every event, in order; several listeners in the order in which they came. Listen in
   * the turn of the event loop in which you get the session, and you miss nothing. An error that a listener
   * throws keeps the event from nobody: it is thrown again where nobody waits.
   */
  listen(listener: (event: SessionEvent) => void): void {
    this.#listeners.push(listener);
  }

  /** Calls the listener on every answer to `ptpRelay_renew`, also when the lobby is over, in the place of the one before. Returns what ends that. */
  listenForTickets(listener: (answer: Heard<"ptpRelay_renewed">) => void): () => void {
    this.#ticketListener = listener;
    return () => {
      if (this.#ticketListener === listener) this.#ticketListener = null;
    };
  }

  /** Keeps the connection open when the lobby is over, until the function that is returned is called. Leaving a lobby closes it all the same. */
  hold(): () => void {
    const hold = Symbol("hold");
    this.#holds.add(hold);
    return () => {
      this.#holds.delete(hold);
      if (this.#endReason) this.#closeUnlessHeld();
    };
  }

  /** The client's secret. No property: printing an object prints its properties. */
  token(): string {
    return this.#connection.token();
  }

  /** Sends a message under the token (core/wire/client-message.ts). After the end it does nothing. */
  say(method: string, payload: object = {}): void {
    this.#connection.say(method, payload);
  }

  /**
   * Says something to all. Done when it came back. Half of a character that was cut in two is sent as U+FFFD,
   * as browsers do. Throws `invalid_message`, `too_many_messages`, `unanswered`, or why the session is over.
   */
  async chat(said: string): Promise<void> {
    if (said.length < 1 || said.length > wireLimits.chatLength) throw sessionError("invalid_message");
    this.#throwIfOver();
    const text = said.replace(/\p{Surrogate}/gu, "\uFFFD");
    if (!this.#connection.hasRoom || !this.#pace.allows(this.self, this.members.length, text)) {
      throw sessionError("too_many_messages");
    }
    let timer: ReturnType<typeof setTimeout> | undefined;
    const back = new Promise<void>((resolve, reject) => {
      const unconfirmed = { text, resolve, reject };
      this.#unconfirmed.push(unconfirmed);
      timer = setTimeout(() => {
        this.#unconfirmed = this.#unconfirmed.filter((other) => other !== unconfirmed);
        reject(sessionError("unanswered"));
      }, chatMs);
    });
    this.say("lobby_messaging_send", { lobbyId: this.code, message: text });
    await back.finally(() => clearTimeout(timer));
  }

  /** As the host: asks the server to connect all members. Throws its refusal, or as `hostLobby`. */
  async start(signal?: AbortSignal): Promise<void> {
    await this.#ask("start", signal);
  }

  /** As the host: stops the connecting, for all. Throws as `start`. */
  async stop(signal?: AbortSignal): Promise<void> {
    await this.#ask("stop", signal);
  }

  /** As the host: has the connecting go on without those who are missing. Throws as `start`. */
  async proceed(signal?: AbortSignal): Promise<void> {
    await this.#ask("proceed", signal);
  }

  async #ask(what: "start" | "stop" | "proceed", signal?: AbortSignal): Promise<void> {
    this.#throwIfOver();
    const url = new URL(`lobbies/${encodeURIComponent(this.code)}/ptp/${what}`, this.server);
    const body = { token: this.token() };
    await inTime((ending) => request(url, z.unknown(), { body, signal: ending }), signal);
  }

  /** Leaves the lobby. Done when the server knows. May be called again. When the lobby is over, whoever holds the connection keeps it. */
  async leave(): Promise<void> {
    const isHeld = this.#endReason !== null && this.#endReason !== "left" && this.#holds.size > 0;
    this.#end("left");
    if (!isHeld) await this.#connection.close();
  }

  #closeUnlessHeld(): void {
    if (this.#holds.size === 0) void this.#connection.close();
  }

  #hear(message: HeardMessage): void {
    if (message.method === "ptpRelay_renewed") this.#ticketListener?.(message.payload);
    if (this.#endReason) return;
    switch (message.method) {
      case "client_registered":
        break;
      case "lobby_peerConnect":
        this.#join(message.payload.peerName);
        break;
      case "lobby_peerDisconnect":
        this.#lose(message.payload.peerName);
        break;
      case "lobby_messaging_received":
        this.#hearChat(message.payload);
        break;
      case "lobby_closed":
        this.#end(this.#succeeded ? "connected" : this.#isLeftOut ? "left_out" : "host_left");
        this.#closeUnlessHeld();
        break;
      case "ptpMediation_send":
        this.#isLeftOut = false;
        this.#tell({ kind: "mediation", message });
        break;
      case "ptpMediation_aborted":
        this.#isLeftOut = message.payload.code === "left_out";
        this.#tell({ kind: "mediation", message });
        break;
      case "ptpMediation_success":
        this.#succeeded = true;
        this.#tell({ kind: "mediation", message });
        break;
      case "ptpMediation_peersConnection_start":
      case "ptpMediation_report":
        this.#tell({ kind: "mediation", message });
        break;
    }
  }

  #join(name: string): void {
    if (this.#members.includes(name)) return;
    this.#members = [...this.#members, name];
    this.#tell({ kind: "joined", name });
  }

  #lose(name: string): void {
    if (!this.#members.includes(name)) return;
    this.#members = this.#members.filter((member) => member !== name);
    this.#tell({ kind: "left", name });
  }

  #hearChat({ message }: Heard<"lobby_messaging_received">): void {
    const { senderName: from, message: text, timestamp: at } = message;
    if (from === this.self) this.#confirm(text);
    else this.#pace.allows(from, this.#members.length, text);
    this.#tell({ kind: "chat", from, text, at });
  }

  /** The server keeps the order of a sender's messages. If a later one came back, it dropped those before. */
  #confirm(text: string): void {
    const index = this.#unconfirmed.findIndex((unconfirmed) => unconfirmed.text === text);
    if (index < 0) return;
    for (const { reject } of this.#unconfirmed.splice(0, index)) reject(sessionError("too_many_messages"));
    this.#unconfirmed.shift()?.resolve();
  }

  /** Ends the session, once. Returns why it is over. */
  #end(reason: EndReason): EndReason {
    if (this.#endReason) return this.#endReason;
    this.#endReason = reason;
    for (const { reject } of this.#unconfirmed.splice(0)) reject(sessionError(endProblem(reason)));
    this.#tell({ kind: "ended", reason });
    return reason;
  }

  #throwIfOver(): void {
    if (this.#endReason) throw sessionError(endProblem(this.#endReason));
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
