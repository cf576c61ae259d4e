/// <reference lib="esnext.disposable" preserve="true" />
/** A server, and what a player can ask of it before it is in a lobby. */
import type { Feature } from "../core/lobby/features.ts";
import type { Privacy } from "../core/wire/privacy.ts";
import { hostLobby, joinLobby } from "../session/opening.ts";
import { findServer, listLobbies } from "../session/server.ts";
import type { Session } from "../session/session.ts";
import { argumentError, checkOptions, checkTypes } from "./argument.ts";
import { forGame } from "./error.ts";

export type ListOptions = {
  /** Only lobbies whose name contains this, in upper or lower case. */
  name?: string;
  /** At most so many, 1 to 200; without it, all. */
  limit?: number;
  /** Where the page before ended. */
  cursor?: string;
  signal?: AbortSignal;
};
export type ListedLobby = {
  code: string;
  name: string;
  members: number;
  maxMembers: number;
  /** Null if the server does not say. */
  privacy: Privacy | null;
};

export type HostOptions = {
  /** The player's name: 1 to 50 ASCII letters, digits, underscores and spaces. */
  name: string;
  /** Of the same characters; the player's name unless given. */
  lobbyName?: string;
  /** Whether it is in the list; not unless given. */
  isPublic?: boolean;
  /** 1 to 64, the host included; 8 unless given. */
  maxMembers?: number;
  /**
   * What a mediation does when a member is lost: `abort` for all (unless given), or `continue` with the rest.
   */
  onLoss?: "abort" | "continue";
  /** `relay-only`: no player's address is told to another, and all goes through the relay. */
  privacy?: Privacy;
  signal?: AbortSignal;
};
export type JoinOptions = {
  name: string;
  /**
   * `relay-only`: no player is told this one's address, nor this one theirs. Everything between them goes through
   * the relay.
   */
  privacy?: Privacy;
  signal?: AbortSignal;
};

/** What a lobby is made of. `goesOn`: this client opened it to go on when members are lost. @internal */
export type Opening = { session: Session; goesOn: boolean };
type Opener<L> = (opening: Opening) => L;

/** An Orion server, found by `connect`. What its lobbies can do depends on where the SDK runs. */
export class Orion<L> {
  readonly url: URL;
  /** Those whose connection has not ended. */
  readonly #sessions = new Set<Session>();
  readonly #open: Opener<L>;
  readonly #features: readonly Feature[];

  private constructor(url: URL, open: Opener<L>, features: readonly Feature[]) {
    this.url = url;
    this.#open = open;
    this.#features = features;
  }

  /**
   * `features`: what lobbies here can do. Tries for up to 10 s. Throws `invalid_url`, `not_orion`, `unreachable`, `unanswered` or `aborted`.
   * @internal
   */
  static async find<L>(
    url: string | URL,
    open: Opener<L>,
    features: readonly Feature[],
    options: { signal?: AbortSignal } = {},
  ): Promise<Orion<L>> {
    checkOptions(options, "connect");
    return new Orion(await forGame(findServer(url, options.signal)), open, features);
  }

  /**
   * The public lobbies, the oldest first. The answer has a cursor if there may be more. An empty cursor asks
   * for the first page.
   */
  async list(options: ListOptions = {}): Promise<{ lobbies: ListedLobby[]; cursor?: string }> {
    checkOptions(options, "list");
    const { signal, name = "", limit = 1, cursor = "" } = options;
    checkTypes([
      [name, "string", "invalid_query"],
      [limit, "number", "invalid_query"],
      [cursor, "string", "invalid_query"],
    ]);
    const query = { name, limit: options.limit, cursor };
    const answer = await forGame(listLobbies(this.url, query, signal));
    const lobbies = answer.lobbies.map(({ id, name, currentMembers, maxMembers, privacy = null }) => {
      return { code: id, name, members: currentMembers, maxMembers, privacy };
    });
    return answer.cursor === undefined ? { lobbies } : { lobbies, cursor: answer.cursor };
  }

  /** Opens a lobby, as its host. Throws the server's refusal, `unreachable`, `unanswered` or `aborted`. */
  async host(options: HostOptions): Promise<L> {
    checkOptions(options, "host");
    const { signal, name, lobbyName, isPublic = false, maxMembers = 8, onLoss, privacy } = options;
    checkTypes([
      [name, "string", "invalid_host_name"],
      [lobbyName === undefined ? "" : lobbyName, "string", "invalid_lobby_name"],
      [isPublic, "boolean", "invalid_is_public"],
      [maxMembers, "number", "invalid_max_members"],
      [onLoss ?? "", "string", "invalid_on_loss"],
      [privacy ?? "", "string", "invalid_privacy"],
    ]);
    const wish = { name, lobbyName, isPublic, maxMembers, onLoss, privacy };
    return await this.#enter(hostLobby(this.url, wish, signal, this.#features), onLoss === "continue");
  }

  /**
   * Joins the lobby with this code. Throws the server's refusal, `unreachable`, `unanswered` or `aborted`.
   */
  async join(code: string, options: JoinOptions): Promise<L> {
    checkOptions(options, "join");
    const { signal, name, privacy } = options;
    if (typeof code !== "string") throw argumentError("A lobby's code must be a text.");
    checkTypes([
      [name, "string", "invalid_peer_name"],
      [privacy ?? "", "string", "invalid_privacy"],
    ]);
    // People type it in lower case, and with spaces around.
    const written = code.trim().replace(/[a-z]/g, (letter) => letter.toUpperCase());
    return await this.#enter(joinLobby(this.url, written, { name, privacy }, signal, this.#features), false);
  }

  /** Leaves every lobby. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#sessions].map((session) => session.leave()));
  }

  async #enter(opening: Promise<Session>, goesOn: boolean): Promise<L> {
    const session = await forGame(opening);
    this.#sessions.add(session);
    void session.closed.then(() => this.#sessions.delete(session));
    return this.#open({ session, goesOn });
  }
}
