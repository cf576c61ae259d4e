/**
 * Getting into a lobby: one WebSocket, one request, and both again if the connection fails in between.
 *
 *     const server = await findServer("https://orion.example");
 *     const session = await joinLobby(server, "K7Q2M", { name: "Bo" });
 *     session.listen((event) => console.log(event)); // in the same turn: nothing is missed
 *     await session.chat("Hello");
 *     const { reason, closeCode } = await session.closed;
 *
 * A program may have as many sessions as it likes. They share nothing.
 */
import { parseName } from "../core/dialects/names.ts";
import type { Feature } from "../core/lobby/features.ts";
import type { ProblemCode } from "../core/problem.ts";
import {
  either,
  fields,
  lenient,
  listOf,
  nullable,
  oneOf,
  orElse,
  type Shaped,
  text,
} from "../core/shape.ts";
import type { HostRequest } from "../core/wire/http.ts";
import { picture } from "../core/wire/picture.ts";
import { type Privacy, privacies } from "../core/wire/privacy.ts";
import type { Connection } from "./connection.ts";
import { SessionError, sessionError } from "./error.ts";
import { request } from "./http.ts";
import { named } from "./names.ts";
import { comeBack, inConnection, placeOf } from "./resuming.ts";
import { inTime, isLoss, retry } from "./retry.ts";
import { Session, type Welcome } from "./session.ts";
import { plainTransport, type Transport } from "./transport.ts";

/** How to get in. `once`: there is one attempt, of 8 s at most; the caller tries again. */
export type Entrance = { transport?: Transport | undefined; once?: boolean | undefined };

/** What a player may say of itself. */
export type PlayerWish = {
  /** Any name. Orion's name is derived from it. */
  name: string;
  privacy?: Privacy | undefined;
} & Pick<HostRequest, "displayName" | "memberData">;

/** What a lobby may be. A server that does not know the additions is told none of them. */
export type LobbyWish = Pick<
  HostRequest,
  | "onLoss"
  | "privacy"
  | "lifetime"
  | "topology"
  | "graceMs"
  | "onHostLoss"
  | "signals"
  | "encryption"
  | "game"
  | "title"
  | "password"
  | "locked"
  | "data"
>;

/** A lobby to open. `privacy`: of the whole lobby. */
export type HostWish = PlayerWish &
  LobbyWish & {
    /** In any script; the host's name unless given. */
    lobbyName?: string | undefined;
    /** Its name in a dialect (core/dialects/names.ts). Only gateways may give one. */
    code?: string | undefined;
    isPublic: boolean;
    maxMembers: number;
  };

/** A lobby to join. `privacy`: of this member alone. */
export type JoinWish = PlayerWish & { password?: string | undefined };

/** An addition to Orion: null if the server does not say. */
const privacyTold = orElse(nullable(oneOf(privacies)), null);
/** Additions, too. */
const member = {
  lobby: lenient(picture),
  resumeKey: lenient(text()),
};
const hostAnswer = fields({
  lobbyName: text(),
  lobbyId: text(),
  privacy: privacyTold,
  ...member,
});
const joinAnswer = fields({
  lobbyId: text(),
  lobbyName: text(),
  lobbyMembers: listOf(text()),
  host: text(),
  privacy: privacyTold,
  ...member,
});

/**
 * Opens a lobby. `features`: what the program can do with its session (core/lobby/features.ts). Tries for up to 10 s. Throws the server's refusal, `no_privacy`, `no_encryption`, `unreachable`, `unanswered` or `aborted`.
 */
export async function hostLobby(
  server: URL,
  wish: HostWish,
  signal?: AbortSignal,
  features: readonly Feature[] = [],
  entrance: Entrance = {},
): Promise<Session> {
  const url = new URL("lobbies", server);
  // A lobby that is named after its host has one wrong name, not two.
  const implied = wish.lobbyName === undefined ? "invalid_lobby_name" : undefined;
  return await open(
    server,
    wish.code === undefined ? url : server,
    async (connection, ending) => {
      const { name, more } = playerOf(wish, "Host");
      const lobby = lobbyOf(wish, name);
      const body = {
        token: connection.secretToken(),
        hostName: name,
        ...lobby.plain,
        isPublic: wish.isPublic,
        privacy: wish.privacy,
        code: wish.code,
        ...(connection.knowsAdditions && { ...more, ...lobby.more, features: connection.features }),
      };
      const { transport } = connection;
      const answer = await request(url, hostAnswer, { body, transport, signal: ending, implied });
      // A server that knows no names has drawn a code, by which nobody would find this lobby.
      if (wish.code !== undefined && answer.lobbyId !== wish.code) throw sessionError("unexpected_answer");
      return hosted(answer, name, wish);
    },
    signal,
    features,
    entrance,
  );
}

/**
 * Joins the lobby with this code, as the server writes it. Tries for up to 10 s. Throws the server's refusal,
 * `no_privacy`, `no_encryption`, `unreachable`, `unanswered` or `aborted`.
 */
export async function joinLobby(
  server: URL,
  code: string,
  wish: JoinWish,
  signal?: AbortSignal,
  features: readonly Feature[] = [],
  entrance: Entrance = {},
): Promise<Session> {
  const path = `lobbies/${pathOf(code)}`;
  const enter = async (connection: Connection, ending: AbortSignal, salt?: string) => {
    const { name, more } = playerOf(wish, "Player", salt);
    const body = {
      token: connection.secretToken(),
      peerName: name,
      privacy: wish.privacy,
      ...(connection.knowsAdditions && { ...more, password: wish.password, features: connection.features }),
    };
    const { transport } = connection;
    const url = new URL(`${path}/join`, server);
    const answer = await request(url, joinAnswer, { body, transport, signal: ending });
    return joined(answer, name, wish.privacy);
  };
  return await open(
    server,
    placeOf(server, code),
    async (connection, ending) => {
      try {
        return await enter(connection, ending);
      } catch (error) {
        // Two names that people have may come to the same name of Orion's.
        const isDerived = named(wish.name, "").orion !== wish.name;
        if (!isDerived || !isRefusal(error, "name_taken")) throw error;
        return await enter(connection, ending, String(Math.random()));
      }
    },
    signal,
    features,
    entrance,
  );
}

/**
 * Comes back to a lobby with the resume key of a client that is gone: of a page that was loaded again, of a game that has
 * crashed. Its links are gone as well. Tries for up to 10 s. Throws the server's refusal, or as `joinLobby`.
 */
export async function resumeLobby(
  server: URL,
  code: string,
  resumeKey: string,
  signal?: AbortSignal,
  features: readonly Feature[] = [],
): Promise<Session> {
  const path = pathOf(code);
  const way = { server, path, resumeKey, features, reconnect: () => true };
  const { connection, answer } = await comeBack(way, signal);
  // The first part of a key is the member's client id.
  const [clientId = ""] = resumeKey.split(".");
  const { lobby } = answer;
  const self = lobby.members.find((member) => member.clientId === clientId)?.name ?? "";
  const { lobbyId, lobbyName: name, lobbyMembers: members, host, privacy } = answer;
  const welcome = { code: lobbyId, name, self, host, members, privacy, picture: lobby, clientId };
  const { resumeKey: next } = answer;
  return new Session(server, connection, { ...welcome, resumeKey: next });
}

/** Where to find a lobby, and which to open if there is none. */
export type MatchWish = PlayerWish & {
  game: string;
  /** Conditions, like `skill:lte:1200`. */
  where: readonly string[];
  create: Omit<HostWish, keyof PlayerWish | "isPublic" | "game"> & { privacy?: Privacy | undefined };
};

const matchAnswer = either(
  fields({ ...joinAnswer.fields, created: oneOf([false]) }),
  fields({ ...hostAnswer.fields, created: oneOf([true]) }),
);

/** Joins an open public lobby of the game, or opens one. Throws as `hostLobby` and `joinLobby`. */
export async function matchLobby(
  server: URL,
  wish: MatchWish,
  signal?: AbortSignal,
  features: readonly Feature[] = [],
): Promise<{ session: Session; created: boolean }> {
  let created = false;
  const session = await open(
    server,
    new URL("lobbies", server),
    async (connection, ending) => {
      // Many meet by chance: two of them may well have names that come to the same.
      const { name, more } = playerOf(wish, "Player");
      const lobby = lobbyOf({ name: wish.name, ...wish.create }, name);
      const body = {
        token: connection.secretToken(),
        peerName: name,
        game: wish.game,
        where: wish.where,
        privacy: wish.privacy,
        ...more,
        create: { ...lobby.plain, privacy: wish.create.privacy ?? wish.privacy, ...lobby.more },
        features: connection.features,
      };
      const url = new URL("lobbies/match", server);
      const answer = await request(url, matchAnswer, { body, signal: ending });
      created = answer.created;
      return "host" in answer
        ? joined(answer, name, wish.privacy)
        : hosted(answer, name, { ...wish.create, privacy: wish.privacy });
    },
    signal,
    features,
  );
  return { session, created };
}

/** The player as the server takes it: its name by Orion's rules, and what only servers with additions are told. */
function playerOf({ name: wished, displayName, memberData }: PlayerWish, word: string, salt?: string) {
  const { orion: name, display } = named(wished, word, salt);
  return { name, more: { displayName: displayName ?? display, memberData } };
}

/** The lobby as the server takes it, the same way. Without a name it has its host's. */
function lobbyOf(wish: Omit<HostWish, "isPublic">, hostName: string) {
  const { lobbyName, maxMembers, title, onLoss, lifetime, topology, graceMs } = wish;
  const { onHostLoss, signals, encryption, game, password, locked, data } = wish;
  const own = named(lobbyName ?? wish.name, "Lobby");
  const name = lobbyName === undefined ? hostName : own.orion;
  return {
    plain: { lobbyName: name, maxMembers },
    more: {
      title: title ?? own.display,
      ...{
        onLoss,
        lifetime,
        topology,
        graceMs,
        onHostLoss,
        signals,
        encryption,
        game,
        password,
        locked,
        data,
      },
    },
  };
}

function hosted(
  answer: Shaped<typeof hostAnswer>,
  self: string,
  wish: Pick<LobbyWish, "privacy" | "encryption">,
): Welcome {
  const { lobbyId: code, lobbyName: name, privacy, lobby, resumeKey } = answer;
  checkPrivacy(wish.privacy, privacy);
  // A server that does not know the wish would let everybody in.
  if (wish.encryption === "required" && lobby?.encryption !== "required") throw sessionError("no_encryption");
  const welcome = { code, name, self, host: self, members: [self], privacy };
  return { ...welcome, picture: lobby, resumeKey };
}

function joined(answer: Shaped<typeof joinAnswer>, self: string, wish: Privacy | undefined): Welcome {
  const { lobbyId: code, lobbyName: name, lobbyMembers: members, host, privacy } = answer;
  const { lobby, resumeKey } = answer;
  checkPrivacy(wish, privacy);
  const welcome = { code, name, self, host, members, privacy, isHidden: wish === "relay-only" };
  return { ...welcome, picture: lobby, resumeKey };
}

/** A server that does not state the lobby's privacy would tell everybody the player's address. */
function checkPrivacy(wish: Privacy | undefined, told: Privacy | null): void {
  if (wish === "relay-only" && told === null) throw sessionError("no_privacy");
}

/**
 * A connection in a lobby, or neither. A connection that is lost before it is in the lobby is tried again.
 */
async function open(
  server: URL,
  url: URL,
  enter: (connection: Connection, ending: AbortSignal) => Promise<Welcome>,
  signal: AbortSignal | undefined,
  features: readonly Feature[],
  { transport = plainTransport, once = false }: Entrance = {},
): Promise<Session> {
  let mayBeInside = false;
  const attempt = async (ending: AbortSignal) => {
    try {
      // Should it be inside, it leaves.
      const giveUp = (connection: Connection) => void connection.close();
      const { connection, value } = await inConnection({ url, features, transport }, ending, enter, giveUp);
      return new Session(server, connection, value);
    } catch (error) {
      mayBeInside ||= isLoss(error);
      throw error;
    }
  };
  if (once) return await inTime(attempt, signal);
  return await retry(attempt, signal, (error) => isLoss(error) || isLeftover(error, mayBeInside));
}

/**
 * Whether the refusal is due to an earlier attempt. A token is void once its connection is lost; and if only
 * the answer was lost, the name is taken until the server has noticed that the earlier connection is gone.
 */
function isLeftover(error: unknown, mayBeInside: boolean): boolean {
  return isRefusal(error, "invalid_token") || (mayBeInside && isRefusal(error, "name_taken"));
}

function isRefusal(error: unknown, code: ProblemCode): boolean {
  return error instanceof SessionError && error.code === code;
}

/**
 * The code as one part of a path. The server decides what it means; but nothing is sent that a proxy could
 * read as another path. Throws `no_such_lobby`.
 */
function pathOf(code: string): string {
  if (!parseName(code) && !/^[^/\\%.?#\p{Cc}\p{Cs}]{1,64}$/u.test(code)) {
    throw new SessionError(["no_such_lobby"], "There is no such lobby. Check the code.");
  }
  return encodeURIComponent(code);
}
