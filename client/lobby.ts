/// <reference lib="esnext.disposable" preserve="true" />
/** A lobby and this player in it: the half that needs no UDP, and runs in a browser as well. */
import type { LobbyEvents } from "./lobby-events.ts";
import type { Seat } from "./seat.ts";

export class Lobby {
  readonly #seat: Seat;

  /** Made by `host` and `join`. @internal */
  constructor(seat: Seat) {
    this.#seat = seat;
  }

  /** Five letters and digits by which others join. */
  get code(): string {
    return this.#seat.code;
  }

  get name(): string {
    return this.#seat.name;
  }

  /** This player's name. */
  get self(): string {
    return this.#seat.self;
  }

  /** The host's name. */
  get host(): string {
    return this.#seat.host;
  }

  get isHost(): boolean {
    return this.#seat.host === this.#seat.self;
  }

  /** Everybody's name, this player's too, in order of arrival. */
  get members(): readonly string[] {
    return this.#seat.members;
  }

  /** Names this client to an operator; no secret. */
  get clientId(): string {
    return this.#seat.clientId;
  }

  /**
   * Calls the listener on every such event until the function that is returned is called. If you call it
   * right after `host` or `join`, you miss nothing. Throws `invalid_argument` for an event that does not exist.
   */
  on<E extends keyof LobbyEvents>(event: E, listener: (payload: LobbyEvents[E]) => void): () => void {
    return this.#seat.events.on(event, listener);
  }

  /**
   * Says something to all, 1 to 250 characters. Done when it has come back as said. Throws `invalid_message`,
   * `too_many_messages`, `unanswered`, or why the lobby is over: `disconnected`, `left`, `lobby_closed`.
   */
  async chat(text: string): Promise<void> {
    await this.#seat.chat(text);
  }

  /** Leaves the lobby, for good: a new `join` is a new client. A host that leaves closes the lobby. */
  async leave(): Promise<void> {
    await this.#seat.leave();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.leave();
  }
}
