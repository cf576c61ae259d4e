/** A member's place in a lobby, from its side: what it knows of the lobby, and what happens there. */
import { limits } from "../core/limits.ts";
import type { Heard, HeardMessage } from "../core/wire/heard-message.ts";
import { ChatPace } from "./chat-pace.ts";
import { Emitter } from "./emitter.ts";
import { type OrionError, ownError } from "./error.ts";
import { type CloseReason, type LobbyEvents, lobbyEvents } from "./lobby-events.ts";
import type { ServerSocket } from "./server-socket.ts";

/** A lobby as the answer to `host` or `join` tells of it. */
export type Welcome = { code: string; name: string; self: string; host: string; members: string[] };

/** Milliseconds until a chat message that has not come back is taken for lost. */
const chatPatienceMs = 10_000;

type Unconfirmed = { text: string; resolve: () => void; reject: (error: OrionError) => void };

export class Seat {
  readonly events = new Emitter<LobbyEvents>(lobbyEvents);
  readonly code: string;
  readonly name: string;
  readonly self: string;
  readonly host: string;
  readonly clientId: string;
  /** Their names in order of arrival. */
  members: readonly string[];
  /** Why the lobby is over, or null as long as it is not. */
  over: CloseReason | null = null;
  readonly #socket: ServerSocket;
  readonly #pace = new ChatPace();
  #unconfirmed: Unconfirmed[] = [];
  #succeeded = false;
  /** The others are being connected without this member. */
  #isLeftOut = false;
  #attend: ((message: HeardMessage) => void) | null = null;

  constructor(socket: ServerSocket, { code, name, self, host, members }: Welcome) {
    this.#socket = socket;
    this.clientId = socket.clientId;
    this.code = code;
    this.name = name;
    this.self = self;
    this.host = host;
    this.members = members;
    socket.heed(
      (message) => this.#hear(message),
      () => this.#end("disconnected"),
    );
  }

  /** Hears every message of the server, before any listener hears of it. One at a time. */
  attend(attend: (message: HeardMessage) => void): void {
    this.#attend = attend;
  }

  /** The client's secret, and what is said under it. */
  token(): string {
    return this.#socket.token();
  }

  say(method: string, payload: object = {}): void {
    this.#socket.say(method, payload);
  }

  /**
   * Done when the message came back. Half of a character that was cut in two is sent as U+FFFD, as browsers do. Throws
   * `invalid_message`, `too_many_messages`, `unanswered`, or why the lobby is over.
   */
  async chat(said: string): Promise<void> {
    if (typeof said !== "string" || said.length < 1 || said.length > limits.chatLength) {
      throw ownError("invalid_message");
    }
    if (this.over) throw endError(this.over);
    const text = said.replace(/\p{Surrogate}/gu, "\uFFFD");
    if (!this.#socket.hasRoom || !this.#pace.allows(this.self, this.members.length, text)) {
      throw ownError("too_many_messages");
    }
    let timer: ReturnType<typeof setTimeout> | undefined;
    const back = new Promise<void>((resolve, reject) => {
      const unconfirmed = { text, resolve, reject };
      this.#unconfirmed.push(unconfirmed);
      timer = setTimeout(() => {
        this.#unconfirmed = this.#unconfirmed.filter((other) => other !== unconfirmed);
        reject(ownError("unanswered"));
      }, chatPatienceMs);
    });
    this.say("lobby_messaging_send", { lobbyId: this.code, message: text });
    await back.finally(() => clearTimeout(timer));
  }

  /** Leaves the lobby. Done when the server knows. May be called again. */
  async leave(): Promise<void> {
    this.#end("left");
    await this.#socket.close();
  }

  #hear(message: HeardMessage): void {
    if (this.over) return;
    // Before any listener, which may begin the next thing at once.
    this.#attend?.(message);
    switch (message.method) {
      case "lobby_peerConnect":
        this.#join(message.payload.peerName);
        break;
      case "lobby_peerDisconnect":
        this.#leave(message.payload.peerName);
        break;
      case "lobby_messaging_received":
        this.#hearChat(message.payload);
        break;
      case "ptpMediation_aborted": {
        const { code = "aborted", abortReason } = message.payload;
        this.#isLeftOut = code === "left_out";
        this.events.emit("aborted", { code, reason: abortReason });
        break;
      }
      case "ptpMediation_send":
        this.#isLeftOut = false;
        break;
      case "ptpMediation_success":
        this.#succeeded = true;
        break;
      case "lobby_closed":
        this.#end(this.#succeeded ? "connected" : this.#isLeftOut ? "left_out" : "host_left");
        void this.#socket.close();
        break;
      default:
    }
  }

  #join(name: string): void {
    if (this.members.includes(name)) return;
    this.members = [...this.members, name];
    this.events.emit("joined", { name });
  }

  #leave(name: string): void {
    if (!this.members.includes(name)) return;
    this.members = this.members.filter((member) => member !== name);
    this.events.emit("left", { name });
  }

  #hearChat({ message }: Heard<"lobby_messaging_received">): void {
    const { senderName: from, message: text, timestamp: at } = message;
    if (from === this.self) this.#confirm(text);
    else this.#pace.allows(from, this.members.length, text);
    this.events.emit("chat", { from, text, at });
  }

  /** Messages of one sender keep their order: the server has dropped the older ones that are still out. */
  #confirm(text: string): void {
    const index = this.#unconfirmed.findIndex((unconfirmed) => unconfirmed.text === text);
    if (index < 0) return;
    for (const { reject } of this.#unconfirmed.splice(0, index)) reject(ownError("too_many_messages"));
    this.#unconfirmed.shift()?.resolve();
  }

  #end(reason: CloseReason): void {
    if (this.over) return;
    this.over = reason;
    for (const { reject } of this.#unconfirmed.splice(0)) reject(endError(reason));
    this.events.emit("closed", { reason });
  }
}

/** What a call comes to that the end of the lobby cut short. */
export function endError(reason: CloseReason): OrionError {
  if (reason === "disconnected" || reason === "left") return ownError(reason);
  return ownError("lobby_closed");
}
