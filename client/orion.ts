/// <reference lib="esnext.disposable" preserve="true" />
/** A server, and what a player can ask of it before it is in a lobby. */

import type { Data } from "../core/data.ts";
import type { Feature } from "../core/lobby/features.ts";
import type { Privacy } from "../core/wire/privacy.ts";
import { hostLobby, joinLobby, matchLobby, resumeLobby } from "../session/opening.ts";
import { abortable } from "../session/retry.ts";
import { findServer, listLobbies, serverUrl } from "../session/server.ts";
import type { Session } from "../session/session.ts";
import { argumentError, checkOptions, checkTypes, type Field } from "./argument.ts";
import { forGame, ownError } from "./error.ts";
import type { Encryption } from "./link/pairing.ts";
import { conditionsOf, type Where } from "./search.ts";

/** Milliseconds that a player whose connection is lost has to come back, unless the game says otherwise. */
const graceMs = 30_000;

export type ListOptions = {
  /** Only lobbies whose name contains this, in upper or lower case. */
  name?: string;
  /** Only lobbies of this game. */
  game?: string;
  /** Only lobbies of which all this holds. */
  where?: Where;
  /** Only lobbies that can be joined now. */
  open?: boolean;
  /** By a field or a key of the data; with `-` before it, the greatest first. */
  sort?: string;
  /** At most so many, 1 to 200; without it, all. */
  limit?: number;
  /** Where the page before ended. */
  cursor?: string;
  signal?: AbortSignal;
};
export type ListedLobby = {
  code: string;
  name: string;
  /** The name to show. */
  title: string;
  members: number;
  maxMembers: number;
  /** Null if the server does not say. */
  privacy: Privacy | null;
  game: string | null;
  /** Nobody can join now. */
  locked: boolean;
  hasPassword: boolean;
  full: boolean;
  /** The first keys of its data. */
  data: Data;
};

/**
 * `check`: whether the server is asked at all, as it is unless this is false. A page that is from the server knows that it is there: it saves a
 * round trip, and `host` or `join` fails if it is not.
 */
export type FindOptions = { signal?: AbortSignal; check?: boolean };

/** What a player says of itself. */
type PlayerOptions = {
  /** The player's name, in any script, 1 to 50 characters. For servers and players that know only Orion's ASCII names, one is derived. */
  name: string;
  /** The name to show, if it is another. */
  displayName?: string;
  /** What the others know of this player: 8 keys and 1 KiB at most. `ready` among it is shown in the list of members. */
  memberData?: Data;
  /**
   * Whether this player starts by itself if it becomes host of a lobby that was playing, in a star. It does unless this is false: then
   * the game calls `start`, or hands over.
   */
  acceptsHost?: boolean;
  /**
   * What all players of the lobby know, and the server does not: for example what stands after `#` in the link that invites them. Links are
   * made between players with the same secret alone, and then not even the server can read them. Draw it at random, 16 characters or more: a
   * word can be guessed.
   */
  secret?: string;
  signal?: AbortSignal;
  /** While another call is under way, end that one. Otherwise this one is refused with `busy`. */
  replace?: boolean;
};

/** What a lobby is. */
type LobbyOptions = {
  /** In any script; the player's name unless given. */
  lobbyName?: string;
  /** The lobby's name to show, if it is another. */
  title?: string;
  /** 1 to 64, the host included; 8 unless given. */
  maxMembers?: number;
  /** `session`: the lobby stays while they play. Others may join, and be connected, and there may be further rounds. */
  lifetime?: "mediation" | "session";
  /** `star`, unless given: all are connected to the host. `mesh`: all to each other, in small lobbies. */
  topology?: "star" | "mesh";
  /** Milliseconds that a player whose connection is lost has to come back, up to 300 000. 30 000 unless given. */
  graceMs?: number;
  /** What becomes of the lobby without its host: it closes, unless given, or another player becomes host. */
  onHostLoss?: "close" | "migrate";
  /** Who may signal to whom: those that a start connects, unless given, or all. */
  signals?: "peers" | "all";
  /** `required`: who cannot encrypt what players send to each other may not come in. `preferred` unless given. */
  encryption?: "preferred" | "required";
  /**
   * What a mediation does when a member is lost: `continue` with the rest (unless given), or `abort` for all.
   */
  onLoss?: "abort" | "continue";
  /** `relay-only`: no player's address is told to another, and all goes through the relay. */
  privacy?: Privacy;
  /** 1 to 64 characters, without which nobody can join. */
  password?: string;
  /** Nobody may join for now. */
  locked?: boolean;
  /** What the game keeps with the lobby: 16 keys and 4 KiB at most. */
  data?: Data;
};

export type HostOptions = PlayerOptions &
  LobbyOptions & {
    /** Whether it is in the list; not unless given. */
    isPublic?: boolean;
    /** Of which game it is: 1 to 64 letters, digits, `_`, `-` and dots. */
    game?: string;
  };
export type JoinOptions = PlayerOptions & {
  /**
   * `relay-only`: no player is told this one's address, nor this one theirs. Everything between them goes through
   * the relay.
   */
  privacy?: Privacy;
  password?: string;
};
export type MatchOptions = PlayerOptions & {
  game: string;
  /** What the lobby must be. */
  where?: Where;
  /** As in `join`. A lobby that is opened has it as a whole, unless `create` has another. */
  privacy?: Privacy;
  /** The lobby to open if there is none. */
  create?: LobbyOptions;
};
export type ResumeOptions = Pick<PlayerOptions, "acceptsHost" | "secret" | "signal" | "replace">;

/** What a lobby is made of. @internal */
export type Opening = { session: Session; acceptsHost: boolean; encryption: Encryption };
/** How to make a lobby of what was opened, once that is known. Throws `unreachable`. */
type Opener<L> = () => Promise<(opening: Opening) => L>;

/** An Orion server, found by `connect`. What its lobbies can do depends on where the SDK runs. */
export class Orion<L> {
  readonly url: URL;
  /** Those whose connection has not ended. */
  readonly #sessions = new Set<Session>();
  readonly #opener: Opener<L>;
  readonly #features: readonly Feature[];
  /** The call that is under way, and what ends it. */
  #entering: { ending: AbortController; done: Promise<unknown> } | null = null;

  private constructor(url: URL, opener: Opener<L>, features: readonly Feature[]) {
    this.url = url;
    this.#opener = opener;
    this.#features = features;
  }

  /**
   * `features`: what lobbies here can do. Tries for up to 10 s. Throws `invalid_url`, `not_orion`, `unreachable`, `unanswered` or `aborted`.
   * @internal
   */
  static async find<L>(
    url: string | URL,
    opener: Opener<L>,
    features: readonly Feature[],
    options: FindOptions = {},
  ): Promise<Orion<L>> {
    checkOptions(options, "connect");
    const { check = true, signal } = options;
    if (typeof check !== "boolean") throw argumentError("check must be true or false in connect.");
    const server = check ? findServer(url, signal) : (async () => serverUrl(url))();
    return new Orion(await forGame(server), opener, features);
  }

  /**
   * The public lobbies, the oldest first unless there is a `sort`. The answer has a cursor if there may be more. An empty cursor asks
   * for the first page.
   */
  async list(options: ListOptions = {}): Promise<{ lobbies: ListedLobby[]; cursor?: string }> {
    checkOptions(options, "list");
    const { signal, name = "", limit = 1, cursor = "", game = "", sort = "", where = {}, open } = options;
    checkTypes([
      [name, "string", "invalid_query"],
      [limit, "number", "invalid_query"],
      [cursor, "string", "invalid_query"],
      [game, "string", "invalid_game"],
      [sort, "string", "invalid_search"],
      [open ?? false, "boolean", "invalid_search"],
    ]);
    const query = { name, limit: options.limit, cursor, game, sort, open, where: conditionsOf(where) };
    const answer = await forGame(listLobbies(this.url, query, signal));
    const lobbies = answer.lobbies.map(({ id, currentMembers, ...about }) => {
      const { name, maxMembers, title = name, privacy = null, game = null, data = {} } = about;
      const { locked = false, hasPassword = false, full = currentMembers >= maxMembers } = about;
      const told = { code: id, name, title, members: currentMembers, maxMembers, privacy, game };
      return { ...told, locked, hasPassword, full, data };
    });
    return answer.cursor === undefined ? { lobbies } : { lobbies, cursor: answer.cursor };
  }

  /** Opens a lobby, as its host. Throws the server's refusal, `busy`, `unreachable`, `unanswered` or `aborted`. */
  async host(options: HostOptions): Promise<L> {
    checkOptions(options, "host");
    const { name, isPublic = false } = options;
    checkTypes([
      [name, "string", "invalid_host_name"],
      ...lobbyFields(options),
      [isPublic, "boolean", "invalid_is_public"],
      [options.game ?? "", "string", "invalid_game"],
      ...playerFields(options),
    ]);
    // The secret never leaves this client.
    const { signal: _, replace: __, acceptsHost: ___, secret: ____, ...wish } = options;
    return await this.#enter(options, (signal) =>
      hostLobby(this.url, { ...wish, ...withDefaults(options), isPublic }, signal, this.#features),
    );
  }

  /**
   * Joins the lobby with this code. Throws the server's refusal, `busy`, `unreachable`, `unanswered` or `aborted`.
   */
  async join(code: string, options: JoinOptions): Promise<L> {
    checkOptions(options, "join");
    const { name, privacy, password, displayName, memberData } = options;
    if (typeof code !== "string") throw argumentError("A lobby's code must be a text.");
    checkTypes([
      [name, "string", "invalid_peer_name"],
      [privacy ?? "", "string", "invalid_privacy"],
      [password ?? "", "string", "invalid_password"],
      ...playerFields(options),
    ]);
    const wish = { name, privacy, password, displayName, memberData };
    return await this.#enter(options, (signal) =>
      joinLobby(this.url, written(code), wish, signal, this.#features),
    );
  }

  /**
   * Joins an open public lobby of the game of which `where` holds, or opens one. Two who look at the same time find each other. Throws
   * as `host` and `join`.
   */
  async match(options: MatchOptions): Promise<{ lobby: L; created: boolean }> {
    checkOptions(options, "match");
    const { name, game, where = {}, create = {}, privacy, displayName, memberData } = options;
    checkOptions(create, "match");
    checkTypes([
      [name, "string", "invalid_peer_name"],
      [game, "string", "invalid_game"],
      [privacy ?? "", "string", "invalid_privacy"],
      ...lobbyFields(create),
      ...playerFields(options),
    ]);
    const player = { name, privacy, displayName, memberData };
    const wish = {
      ...player,
      game,
      where: conditionsOf(where),
      create: { ...create, ...withDefaults(create) },
    };
    let created = false;
    const { encryption } = create;
    const lobby = await this.#enter({ ...options, ...(encryption && { encryption }) }, async (signal) => {
      const matched = await matchLobby(this.url, wish, signal, this.#features);
      created = matched.created;
      return matched.session;
    });
    return { lobby, created };
  }

  /**
   * Comes back as the player that a `returnKey` is of: after a page was loaded again, or a game has crashed. Where the others play, this
   * player is connected to them again. Throws the server's refusal (`no_such_lobby`, `no_such_member`: too late), or as `join`.
   */
  async resume(returnKey: string, options: ResumeOptions = {}): Promise<L> {
    checkOptions(options, "resume");
    const [code = "", key = "", ...rest] = typeof returnKey === "string" ? returnKey.split(" ") : [];
    if (code === "" || key === "" || rest.length > 0) throw argumentError("This is not a returnKey.");
    checkTypes(playerFields(options));
    return await this.#enter(options, (signal) => resumeLobby(this.url, code, key, signal, this.#features));
  }

  /** Leaves every lobby. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#sessions].map((session) => session.leave()));
  }

  /** One at a time: a second click on a button must not open a second lobby. */
  async #enter(
    {
      signal,
      replace = false,
      acceptsHost = true,
      secret,
      encryption,
    }: ResumeOptions & Pick<LobbyOptions, "encryption">,
    opening: (signal: AbortSignal) => Promise<Session>,
  ): Promise<L> {
    if (secret !== undefined && (typeof secret !== "string" || secret === ""))
      throw argumentError("The secret must be a text.");
    const before = this.#entering;
    if (before && !replace) throw ownError("busy");
    before?.ending.abort(ownError("aborted"));
    const ending = new AbortController();
    const callOff = () => ending.abort(signal?.reason);
    signal?.addEventListener("abort", callOff);
    if (signal?.aborted) callOff();
    const done = this.#opened(before?.done, opening, ending.signal);
    const entering = { ending, done: done.catch(() => {}) };
    this.#entering = entering;
    try {
      const { session, open } = await forGame(done);
      return open({ session, acceptsHost, encryption: { secret, isRequired: encryption === "required" } });
    } finally {
      signal?.removeEventListener("abort", callOff);
      if (this.#entering === entering) this.#entering = null;
    }
  }

  async #opened(
    before: Promise<unknown> | undefined,
    opening: (signal: AbortSignal) => Promise<Session>,
    signal: AbortSignal,
  ): Promise<{ session: Session; open: (opening: Opening) => L }> {
    await before;
    // First: the session tells what it hears from the next turn of the event loop on.
    const open = await abortable(this.#opener(), signal);
    const session = await opening(signal);
    this.#sessions.add(session);
    void session.closed.then(() => this.#sessions.delete(session));
    return { session, open };
  }
}

/** People type it in lower case, and with spaces around. */
function written(code: string): string {
  return code.trim().replace(/[a-z]/g, (letter) => letter.toUpperCase());
}

function withDefaults<Options extends LobbyOptions>(options: Options) {
  return { maxMembers: 8, onLoss: "continue", graceMs, ...given(options) } as const;
}

function given<Fields extends object>(fields: Fields): Fields {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Fields;
}

function lobbyFields(options: LobbyOptions): Field[] {
  const { lobbyName, title, maxMembers = 8, lifetime, topology, onHostLoss, signals, onLoss } = options;
  const { encryption, privacy, password, locked = false, graceMs = 0, data = {} } = options;
  return [
    [lobbyName === undefined ? "" : lobbyName, "string", "invalid_lobby_name"],
    [title ?? "", "string", "invalid_title"],
    [maxMembers, "number", "invalid_max_members"],
    [lifetime ?? "", "string", "invalid_lifetime"],
    [topology ?? "", "string", "invalid_topology"],
    [graceMs, "number", "invalid_grace"],
    [onHostLoss ?? "", "string", "invalid_on_host_loss"],
    [signals ?? "", "string", "invalid_signals"],
    [encryption ?? "", "string", "invalid_encryption"],
    [onLoss ?? "", "string", "invalid_on_loss"],
    [privacy ?? "", "string", "invalid_privacy"],
    [password ?? "", "string", "invalid_password"],
    [locked, "boolean", "invalid_locked"],
    [data, "object", "invalid_data"],
  ];
}

function playerFields({ displayName, memberData = {} }: Partial<PlayerOptions>): Field[] {
  return [
    [displayName ?? "", "string", "invalid_display_name"],
    [memberData, "object", "invalid_data"],
  ];
}
