import { newAllowance } from "../core/allowance.ts";
import { clientIdBytes, parseToken } from "../core/token.ts";
import { encodeBase64Url } from "../core/wire/base64.ts";

/** What a socket's attachment keeps of its client through hibernation. */
type Attachment = {
  id: string;
  token: string;
  /** The socket was opened to host, and the lobby whose object its home is has not been opened yet. */
  mayOpen: boolean;
  seat: ClientSeat | null;
};

/** The seat a client has, as its home knows it. */
export type ClientSeat = { lobbyId: string; lobbyName: string; attempt: string };

/** A seat being taken. A client takes one at a time: two racing requests cannot both win. */
type Taking = { attempt: string; lobbyId: string; released: boolean; ended: Promise<void> };

/** A client, as long as its socket is open. */
export class Client {
  readonly socket: WebSocket;
  readonly allowance = newAllowance(Date.now());
  taking: Taking | null = null;
  readonly #kept: Attachment;

  private constructor(socket: WebSocket, kept: Attachment) {
    this.socket = socket;
    this.#kept = kept;
  }

  /** The client of a socket that was just accepted. */
  static admit(socket: WebSocket, token: string, id: string, mayOpen: boolean): Client {
    const client = new Client(socket, { id, token, mayOpen, seat: null });
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

  get mayOpen(): boolean {
    return this.#kept.mayOpen;
  }

  set mayOpen(mayOpen: boolean) {
    this.#kept.mayOpen = mayOpen;
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

  #keep(): void {
    this.socket.serializeAttachment(this.#kept);
  }
}
