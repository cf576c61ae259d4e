/**
 * Getting into a lobby: one WebSocket, one request, and both again if the connection fails in between.
 *
 *     const server = await findServer("https://orion.example");
 *     const session = await joinLobby(server, "K7Q2M", "Bo");
 *     session.listen((event) => console.log(event)); // in the same turn: nothing is missed
 *     await session.chat("Hello");
 *     const { reason, closeCode } = await session.closed;
 *
 * A program may have as many sessions as it likes. They share nothing.
 */
import * as z from "zod";
import type { Feature } from "../core/lobby/features.ts";
import { problems } from "../core/problem.ts";
import type { HostRequest } from "../core/wire/http.ts";
import { type Privacy, privacies } from "../core/wire/privacy.ts";
import { Connection } from "./connection.ts";
import { SessionError, sessionError } from "./error.ts";
import { request } from "./http.ts";
import { isLoss, retry } from "./retry.ts";
import { Session, type Welcome } from "./session.ts";

/** A lobby to open. */
export type HostWish = {
  /** The host's name: 1 to 50 ASCII letters, digits, underscores and spaces. */
  name: string;
  /** Of the same characters; the host's name unless given. */
  lobbyName?: string | undefined;
  isPublic: boolean;
  maxMembers: number;
  onLoss?: HostRequest["onLoss"];
  privacy?: HostRequest["privacy"];
};

/** An addition to Orion: null if the server does not say. */
const privacyTold = z.enum(privacies).nullable().default(null).catch(null);
const hostAnswer = z.object({ lobbyName: z.string(), lobbyId: z.string(), privacy: privacyTold });
const joinAnswer = z.object({
  lobbyId: z.string(),
  lobbyName: z.string(),
  lobbyMembers: z.array(z.string()),
  host: z.string(),
  privacy: privacyTold,
});

/**
 * Opens a lobby. `features`: what the program can do with its session (core/lobby/features.ts). Tries for up to 10 s. Throws the server's refusal, `no_privacy`, `unreachable`, `unanswered` or `aborted`.
 */
export async function hostLobby(
  server: URL,
  wish: HostWish,
  signal?: AbortSignal,
  features?: readonly Feature[],
): Promise<Session> {
  const { name, lobbyName = name, isPublic, maxMembers, onLoss, privacy } = wish;
  const url = new URL("lobbies", server);
  // A lobby that is named after its host has one wrong name, not two.
  const implied = wish.lobbyName === undefined ? "invalid_lobby_name" : undefined;
  return await open(
    server,
    url,
    async (token, ending) => {
      const body = { token, hostName: name, lobbyName, isPublic, maxMembers, onLoss, privacy };
      const answer = await request(url, hostAnswer, { body, signal: ending, implied });
      checkPrivacy(privacy, answer.privacy);
      const { lobbyId: code, lobbyName: title } = answer;
      return { code, name: title, self: name, host: name, members: [name], privacy: answer.privacy };
    },
    signal,
    features,
  );
}

/** `privacy`: of this member alone. */
export type JoinWish = { name: string; privacy?: Privacy | undefined };

/**
 * Joins the lobby with this code, as the server writes it. Tries for up to 10 s. Throws the server's refusal,
 * `no_privacy`, `unreachable`, `unanswered` or `aborted`.
 */
export async function joinLobby(
  server: URL,
  code: string,
  { name, privacy }: JoinWish,
  signal?: AbortSignal,
  features?: readonly Feature[],
): Promise<Session> {
  const path = `lobbies/${pathOf(code)}`;
  return await open(
    server,
    new URL(path, server),
    async (token, ending) => {
      const body = { token, peerName: name, privacy };
      const answer = await request(new URL(`${path}/join`, server), joinAnswer, { body, signal: ending });
      checkPrivacy(privacy, answer.privacy);
      const { lobbyId, lobbyName, lobbyMembers, host } = answer;
      const welcome = { code: lobbyId, name: lobbyName, self: name, host, members: lobbyMembers };
      return { ...welcome, privacy: answer.privacy, isHidden: privacy === "relay-only" };
    },
    signal,
    features,
  );
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
  enter: (token: string, ending: AbortSignal) => Promise<Welcome>,
  signal: AbortSignal | undefined,
  features: readonly Feature[] | undefined,
): Promise<Session> {
  let mayBeInside = false;
  const attempt = async (ending: AbortSignal) => {
    const connection = await Connection.open(url, ending, features);
    const lost = connection.closed.then(() => {
      throw sessionError("disconnected");
    });
    lost.catch(() => {});
    try {
      const welcome = await Promise.race([enter(connection.token(), ending), lost]);
      return new Session(server, connection, welcome);
    } catch (error) {
      mayBeInside ||= isLoss(error);
      void connection.close();
      throw error;
    }
  };
  return await retry(attempt, signal, (error) => isLoss(error) || isLeftover(error, mayBeInside));
}

/**
 * Whether the refusal is due to an earlier attempt. A token is void once its connection is lost; and if only
 * the answer was lost, the name is taken until the server has noticed that the earlier connection is gone.
 */
function isLeftover(error: unknown, mayBeInside: boolean): boolean {
  if (!(error instanceof SessionError)) return false;
  return error.code === "invalid_token" || (mayBeInside && error.code === "name_taken");
}

/**
 * The code as one part of a path. The server decides what it means; but nothing is sent that a proxy could
 * read as another path. Throws `no_such_lobby`.
 */
function pathOf(code: string): string {
  if (!/^[^/\\%.?#\p{Cc}\p{Cs}]{1,64}$/u.test(code)) {
    throw new SessionError(["no_such_lobby"], problems.no_such_lobby[1]);
  }
  return encodeURIComponent(code);
}
