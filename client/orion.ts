/// <reference lib="esnext.disposable" preserve="true" />
/** A server, and what can be asked of it before one is in a lobby. */
import * as z from "zod";
import { problems } from "../core/problem.ts";
import { argumentError, checkOptions, checkTypes } from "./argument.ts";
import { OrionError, ownError } from "./error.ts";
import { ping, readServerUrl, request } from "./http.ts";
import { inTime, isLoss, persist } from "./patience.ts";
import { Seat, type Welcome } from "./seat.ts";
import { ServerSocket } from "./server-socket.ts";

export type ListOptions = {
  /** Only lobbies whose name contains this, in upper or lower case. */
  name?: string;
  /** At most so many, 1 to 200; without it, all. */
  limit?: number;
  /** Where the page before ended. */
  cursor?: string;
  signal?: AbortSignal;
};
export type ListedLobby = { code: string; name: string; members: number; maxMembers: number };

export type HostOptions = {
  /** The player's name: 1 to 50 ASCII letters, digits, underscores and spaces. */
  name: string;
  /** Of the same characters; the player's name unless given. */
  lobbyName?: string;
  /** Whether it is in the list; not unless given. */
  isPublic?: boolean;
  /** 1 to 64, the host included; 8 unless given. */
  maxMembers?: number;
  /** What a mediation does when a member is lost: `abort` for all (unless given), or `continue` with the rest. */
  onLoss?: "abort" | "continue";
  /** `relay-only`: no player's address is told to another, and all goes through the relay. */
  privacy?: "open" | "relay-only";
  signal?: AbortSignal;
};
export type JoinOptions = { name: string; signal?: AbortSignal };

/** What a lobby is made of. `goesOn`: it was opened by this client, and goes on when members are lost. @internal */
export type Opening = { seat: Seat; server: URL; goesOn: boolean };
type Opener<L> = (opening: Opening) => L;

const listAnswer = z.object({
  lobbies: z.array(
    z.object({ name: z.string(), id: z.string(), currentMembers: z.number(), maxMembers: z.number() }),
  ),
  cursor: z.string().optional(),
});
const hostAnswer = z.object({ lobbyName: z.string(), lobbyId: z.string() });
const joinAnswer = z.object({
  lobbyId: z.string(),
  lobbyName: z.string(),
  lobbyMembers: z.array(z.string()),
  host: z.string(),
});

/** An Orion server, found by `connect`. What its lobbies can do depends on where the SDK runs. */
export class Orion<L> {
  readonly url: URL;
  readonly #seats = new Set<Seat>();
  readonly #open: Opener<L>;

  private constructor(url: URL, open: Opener<L>) {
    this.url = url;
    this.#open = open;
  }

  /** Tries for up to 10 s. Throws `invalid_url`, `not_orion`, `unreachable`, `unanswered` or `aborted`. @internal */
  static async find<L>(
    url: string | URL,
    open: Opener<L>,
    options: { signal?: AbortSignal } = {},
  ): Promise<Orion<L>> {
    checkOptions(options, "connect");
    const base = readServerUrl(url);
    await persist((ending) => ping(base, ending), options.signal);
    return new Orion(base, open);
  }

  /** The public lobbies, the longest open first; the answer has a cursor if there may be more. An empty cursor is the first page's. */
  async list(options: ListOptions = {}): Promise<{ lobbies: ListedLobby[]; cursor?: string }> {
    checkOptions(options, "list");
    const { signal, name = "", limit = 1, cursor = "" } = options;
    checkTypes([
      [name, "string", "invalid_query"],
      [limit, "number", "invalid_query"],
      [cursor, "string", "invalid_query"],
    ]);
    const url = new URL("lobbies", this.url);
    for (const [key, value] of Object.entries({ name, limit: options.limit, cursor })) {
      if (value !== undefined && value !== "") url.searchParams.set(key, String(value));
    }
    const answer = await inTime((ending) => request(url, listAnswer, { signal: ending }), signal);
    const lobbies = answer.lobbies.map(({ id, name, currentMembers, maxMembers }) => {
      return { code: id, name, members: currentMembers, maxMembers };
    });
    return answer.cursor === undefined ? { lobbies } : { lobbies, cursor: answer.cursor };
  }

  /** Opens a lobby and is its first member. Throws the server's refusal, `unreachable`, `unanswered` or `aborted`. */
  async host(options: HostOptions): Promise<L> {
    checkOptions(options, "host");
    const { signal, name, lobbyName = name, isPublic = false, maxMembers = 8, onLoss, privacy } = options;
    checkTypes([
      [name, "string", "invalid_host_name"],
      [options.lobbyName === undefined ? "" : lobbyName, "string", "invalid_lobby_name"],
      [isPublic, "boolean", "invalid_is_public"],
      [maxMembers, "number", "invalid_max_members"],
      [onLoss ?? "", "string", "invalid_on_loss"],
      [privacy ?? "", "string", "invalid_privacy"],
    ]);
    const wish = { hostName: name, lobbyName, isPublic, maxMembers, onLoss, privacy };
    // A lobby that is named after its host has one wrong name, not two.
    const implied = options.lobbyName === undefined ? "invalid_lobby_name" : undefined;
    return await this.#sit(
      { signal, path: "lobbies", goesOn: onLoss === "continue" },
      async (token, ending) => {
        const url = new URL("lobbies", this.url);
        const answer = await request(url, hostAnswer, { body: { token, ...wish }, signal: ending, implied });
        return { code: answer.lobbyId, name: answer.lobbyName, self: name, host: name, members: [name] };
      },
    );
  }

  /** Joins the lobby with this code. Throws the server's refusal, `unreachable`, `unanswered` or `aborted`. */
  async join(code: string, options: JoinOptions): Promise<L> {
    checkOptions(options, "join");
    const { signal, name } = options;
    if (typeof code !== "string") throw argumentError("A lobby's code must be a text.");
    checkTypes([[name, "string", "invalid_peer_name"]]);
    const path = `lobbies/${pathOf(code)}`;
    return await this.#sit({ signal, path, goesOn: false }, async (token, ending) => {
      const url = new URL(`${path}/join`, this.url);
      const { lobbyId, lobbyName, lobbyMembers, host } = await request(url, joinAnswer, {
        body: { token, peerName: name },
        signal: ending,
      });
      return { code: lobbyId, name: lobbyName, self: name, host, members: lobbyMembers };
    });
  }

  /** Leaves every lobby. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#seats].map((seat) => seat.leave()));
  }

  /** A connection and a seat, or neither. What is lost before there is a seat was no loss, and is tried again. */
  async #sit(
    { signal, path, goesOn }: { signal: AbortSignal | undefined; path: string; goesOn: boolean },
    take: (token: string, ending: AbortSignal) => Promise<Welcome>,
  ): Promise<L> {
    let mayHaveASeat = false;
    const attempt = async (ending: AbortSignal) => {
      const socket = await ServerSocket.open(new URL(path, this.url), ending);
      const lost = socket.closed.then(() => {
        throw ownError("disconnected");
      });
      lost.catch(() => {});
      try {
        const welcome = await Promise.race([take(socket.token(), ending), lost]);
        const seat = new Seat(socket, welcome);
        this.#seats.add(seat);
        void socket.closed.then(() => this.#seats.delete(seat));
        return this.#open({ seat, server: this.url, goesOn });
      } catch (error) {
        mayHaveASeat ||= isLoss(error);
        void socket.close();
        throw error;
      }
    };
    return await persist(attempt, signal, (error) => isLoss(error) || isLeftBehind(error, mayHaveASeat));
  }
}

/**
 * What people typed, as one part of a path. The server decides what it means; but nothing goes out that could be read as
 * another path, on the way or there. Throws `no_such_lobby`.
 */
function pathOf(typed: string): string {
  const code = typed.trim().replace(/[a-z]/g, (letter) => letter.toUpperCase());
  if (!/^[^/\\%.?#\p{Cc}\p{Cs}]{1,64}$/u.test(code)) {
    throw new OrionError("no_such_lobby", problems.no_such_lobby[1]);
  }
  return encodeURIComponent(code);
}

/** The token is void once the socket is lost, and the name is taken until the server has noticed as well. */
function isLeftBehind(error: unknown, mayHaveASeat: boolean): boolean {
  if (!(error instanceof OrionError)) return false;
  return error.code === "invalid_token" || (mayHaveASeat && error.code === "name_taken");
}
