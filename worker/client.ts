import { draw, fill, newAllowance, newBucket, type Rate, secondsUntilOne } from "../core/allowance.ts";
import { limits } from "../core/limits.ts";
import type { LastingState } from "../core/lobby/lasting.ts";
import { clientIdBytes, parseToken } from "../core/token.ts";
import { encodeBase64Url } from "../core/wire/base64.ts";

/** What a socket's attachment keeps of its client through hibernation: at most 16 KiB. */
type Attachment = {
  id: string;
  token: string;
  seat: ClientSeat | null;
  /** The lobby of which it is the host: it lives as long as the host's socket, and so does what is attached to that. */
  hosted: LastingState | null;
  /** When it said that it pings, in milliseconds since 1970. */
  pingsSince?: number;
  /** When a look first found it silent, in milliseconds since 1970. */
  doubtedSince?: number;
};

const requestRate: Rate = { burst: limits.requestBurst, perSecond: limits.requestsPerSecond };
const failedJoinRate: Rate = { burst: limits.failedJoinBurst, perSecond: limits.failedJoinsPerSecond };

/** The seat a client has, as its home knows it. `home` is the lobby's. */
export type ClientSeat = { lobbyId: string; lobbyName: string; home: string; attempt: string };

/** A seat being taken. A client takes one at a time: two racing requests cannot both win. */
type Taking = { attempt: string; home: string; lobbyId: string; released: boolean; ended: Promise<void> };

/** A client, as long as its socket is open. */
export class Client {
  readonly socket: WebSocket;
  readonly allowance = newAllowance(Date.now());
  taking: Taking | null = null;
  /** When it last said something, in milliseconds since 1970; 0 for never since its object woke. */
  spokeAt = 0;
  // In memory alone: an object that slept has had no request for a while.
  readonly #requests = newBucket(requestRate, Date.now());
  readonly #failedJoins = newBucket(failedJoinRate, Date.now());
  /** The request counted last: repeated, it is the same. */
  #counted = "";
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

  get hosted(): LastingState | null {
    return this.#kept.hosted;
  }

  set hosted(hosted: LastingState | null) {
    this.#kept.hosted = hosted;
    this.#keep();
  }

  /** When it said that it pings, in milliseconds since 1970; null if it never did. */
  get pingsSince(): number | null {
    return this.#kept.pingsSince ?? null;
  }

  set pingsSince(at: number) {
    this.#kept.pingsSince = at;
    this.#keep();
  }

  /** When a look first found it silent, in milliseconds since 1970; null if the last one did not. */
  get doubtedSince(): number | null {
    return this.#kept.doubtedSince ?? null;
  }

  set doubtedSince(at: number | null) {
    if (at === this.doubtedSince) return;
    if (at === null) delete this.#kept.doubtedSince;
    else this.#kept.doubtedSince = at;
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

  /** Counts a request to host, join or start. Seconds until it may be made; 0 for now. */
  countRequest(attempt: string): number {
    if (this.#counted === attempt || draw(this.#requests, requestRate, Date.now())) {
      this.#counted = attempt;
      return 0;
    }
    return secondsUntilOne(this.#requests, requestRate);
  }

  /** Seconds until it may try another code, having tried so many of no lobby. */
  get guessesAgainIn(): number {
    fill(this.#failedJoins, failedJoinRate, Date.now());
    return secondsUntilOne(this.#failedJoins, failedJoinRate);
  }

  /** Counts a code of no lobby. */
  countFailedJoin(): void {
    draw(this.#failedJoins, failedJoinRate, Date.now());
  }

  /** Whether it was sent: to a socket that is closing nothing can be; its close event tells the lobby. */
  send(frame: string): boolean {
    if (this.socket.readyState !== WebSocket.OPEN) return false;
    this.socket.send(frame);
    return true;
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
