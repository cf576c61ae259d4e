import { newAllowance } from "../core/allowance.ts";
import type { LobbyState } from "../core/lobby/state.ts";
import { clientIdBytes, parseToken } from "../core/token.ts";
import { encodeBase64Url } from "../core/wire/base64.ts";

/** What a socket's attachment keeps of its client through hibernation: at most 16 KiB. */
type Attachment = {
  id: string;
  token: string;
  seat: ClientSeat | null;
  /** The lobby of which it is the host: it lives as long as the host's socket, and so does what is attached to that. */
  hosted: LobbyState | null;
};

/** The seat a client has, as its home knows it. `home` is the lobby's. */
export type ClientSeat = { lobbyId: string; lobbyName: string; home: string; attempt: string };

/** A seat being taken. A client takes one at a time: two racing requests cannot both win. */
type Taking = { attempt: string; home: string; lobbyId: string; released: boolean; ended: Promise<void> };

/** A client, as long as its socket is open. */
export class Client {
  readonly socket: WebSocket;
  readonly allowance = newAllowance(Date.now());
  taking: Taking | null = null;
  readonly #kept: Attachment;
  #keeping = false;

  private constructor(socket: WebSocket, kept: Attachment) {
    this.socket = socket;
    this.#kept = kept;
  }

  /** The client of a socket that was just accepted. */
  static admit(socket: WebSocket, token: string, id: string): Client {
    const client = new Client(socket, { id, token, seat: null, hosted: null });
    client.#keep();
    return client;
  }

  /** The client of a socket that outlived its object's memory. Null if it is none any more. */
  static revive(socket: WebSocket): Client | null {
    const kept: Attachment | null = socket.deserializeAttachment();
    return kept && socket.readyState === WebSocket.OPEN ? new Client(socket, kept) : null;
  }

  static drawId(): string {
    return encodeBase64Url(crypto.getRandomValues(new Uint8Array(clientIdBytes)));
  }

  get id(): string {
    return this.#kept.id;
  }

  get token(): string {
    return this.#kept.token;
  }

  /** What the token calls the object that holds the socket. */
  get home(): string {
    return parseToken(this.token)?.home ?? "";
  }

  get seat(): ClientSeat | null {
    return this.#kept.seat;
  }

  set seat(seat: ClientSeat | null) {
    this.#kept.seat = seat;
    this.#keep();
  }

  get hosted(): LobbyState | null {
    return this.#kept.hosted;
  }

  set hosted(hosted: LobbyState | null) {
    this.#kept.hosted = hosted;
    this.#keep();
  }

  /** The lobby the client is in, or about to be. */
  get lobbyId(): string | undefined {
    return this.seat?.lobbyId ?? this.taking?.lobbyId;
  }

  /** The lobby is over for this client, perhaps before it heard that it was in. */
  release(): void {
    if (this.seat) this.seat = null;
    else if (this.taking) this.taking.released = true;
  }

  send(frame: string): void {
    // To a socket that is closing nothing can be sent; its close event tells the lobby.
    if (this.socket.readyState === WebSocket.OPEN) this.socket.send(frame);
  }

  /** Once for all that changes in a turn: no object goes to sleep in the middle of one. */
  #keep(): void {
    if (this.#keeping) return;
    this.#keeping = true;
    queueMicrotask(() => {
      this.#keeping = false;
      this.socket.serializeAttachment(this.#kept);
    });
  }
}
