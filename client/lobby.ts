/// <reference lib="esnext.disposable" preserve="true" />
/** A lobby and this player in it: the half that needs no UDP, and runs in a browser as well. */
import type { Privacy } from "../core/wire/privacy.ts";
import type { Session } from "../session/session.ts";
import { Emitter } from "./emitter.ts";
import { forGame, ownError } from "./error.ts";
import { type LobbyEvents, lobbyEvents, tellGame } from "./lobby-events.ts";

export class Lobby {
  readonly #session: Session;
  readonly #events = new Emitter<LobbyEvents>(lobbyEvents);

  /** Made by `host` and `join`. @internal */
  constructor(session: Session) {
    this.#session = session;
    session.listen((event) => tellGame(this.#events, event));
  }

  /** Five letters and digits by which others join. */
  get code(): string {
    return this.#session.code;
  }

  get name(): string {
    return this.#session.name;
  }

  /** This player's name. */
  get self(): string {
    return this.#session.self;
  }

  /** The host's name. */
  get host(): string {
    return this.#session.host;
  }

  /** `relay-only`: no player is told another's address. Null if the server does not say. */
  get privacy(): Privacy | null {
    return this.#session.privacy;
  }

  get isHost(): boolean {
    return this.#session.isHost;
  }

  /** Everybody's name, this player's too, in order of arrival. */
  get members(): readonly string[] {
    return this.#session.members;
  }

  /** Names this client to an operator; no secret. */
  get clientId(): string {
    return this.#session.clientId;
  }

  /**
   * Calls the listener on every such event until the function that is returned is called. If you call it
   * right after `host` or `join`, you miss nothing. Throws `invalid_argument` for an event that does not
   * exist.
   */
  on<E extends keyof LobbyEvents>(event: E, listener: (payload: LobbyEvents[E]) => void): () => void {
    return this.#events.on(event, listener);
  }

  /**
   * Says something to all, 1 to 250 characters. Done when it has come back as said. Throws `invalid_message`,
   * `too_many_messages`, `unanswered`, or why the lobby is over: `disconnected`, `left`, `lobby_closed`.
   */
  async chat(text: string): Promise<void> {
    if (typeof text !== "string") throw ownError("invalid_message");
    await forGame(this.#session.chat(text));
  }

  /** Leaves the lobby, for good: a new `join` is a new client. A host that leaves closes the lobby. */
  async leave(): Promise<void> {
    await this.#session.leave();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.leave();
  }
}
