/** Coming back to a lobby by another connection, with the key that the server gave for it. */
import { dialectOf } from "../core/dialects/names.ts";
import type { Feature } from "../core/lobby/features.ts";
import { fields, listOf, number, oneOf, optional, type Shaped, text, truth } from "../core/shape.ts";
import { picture } from "../core/wire/picture.ts";
import { privacies } from "../core/wire/privacy.ts";
import { Connection } from "./connection.ts";
import type { EndReason } from "./end.ts";
import { SessionError, sessionError } from "./error.ts";
import { request } from "./http.ts";
import { isLoss, retry } from "./retry.ts";
import type { Transport } from "./transport.ts";

/**
 * Milliseconds for the first attempt. Where the network has changed, programs still have HTTP connections that are dead, and do not know: a
 * request on one of these is never answered.
 */
const firstMs = 2_000;

export const resumeAnswer = fields({
  lobbyId: text(),
  lobbyName: text(),
  lobbyMembers: listOf(text()),
  host: text(),
  privacy: oneOf(privacies),
  lobby: picture,
  /** None in a lobby that has no grace period any more. */
  resumeKey: optional(text()),
  missed: fields({
    lines: listOf(fields({ at: number(), from: text(), text: text() })),
    isComplete: truth,
  }),
});
export type ResumeAnswer = Shaped<typeof resumeAnswer>;

/** `path`: of the lobby, below `lobbies/`. */
export type WayBack = {
  server: URL;
  path: string;
  resumeKey: string;
  features: readonly Feature[];
  /** When the last line of chat was heard, by the server's clock; 0 if none was. Undefined: tell only what was said while it was away. */
  heardAt?: number | undefined;
  /** Whether the client has lost its links by now, and is to be connected to its peers again. */
  reconnect: () => boolean;
  transport?: Transport | undefined;
};

/**
 * Tries for so long, and every time the same: the server answers a resume that it has done already, because the first answer may
 * have been lost. Throws the server's refusal, `unreachable`, `unanswered`, `disconnected` or `aborted`.
 */
export async function comeBack(
  { server, path, resumeKey, features, heardAt, reconnect, transport }: WayBack,
  signal?: AbortSignal,
  forMs?: number,
): Promise<{ connection: Connection; answer: ResumeAnswer }> {
  const requestId = drawId();
  const attempt = async (ending: AbortSignal) => {
    const resume = async (connection: Connection) => {
      const about = { resumeKey, requestId, heardAt, reconnect: reconnect() };
      const body = { token: connection.secretToken(), ...about, features: connection.features };
      const asked = new URL(`lobbies/${path}/resume`, server);
      return await request(asked, resumeAnswer, { body, transport, signal: ending });
    };
    const url = placeOf(server, decodeURIComponent(path));
    const way = { url, features, transport };
    // Its answer may have been lost: then this client is inside, and stays.
    const giveUp = (connection: Connection) => connection.drop();
    const connect = async () => await inConnection(way, ending, resume, giveUp);
    const { connection, value } = await (transport?.paced?.(connect, ending) ?? connect());
    return { connection, answer: value };
  };
  return await retry(attempt, signal, mayPass, { forMs, firstMs });
}

/** Where the members of a lobby connect: to the lobby, by its code, or to a lounge, if its name is a dialect's. */
export function placeOf(server: URL, code: string): URL {
  return dialectOf(code) === null ? new URL(`lobbies/${encodeURIComponent(code)}`, server) : server;
}

/** The server does not let this client in, and will not. */
const refusals: ReadonlySet<string> = new Set(["resume_key_used", "wrong_resume_key", "banned"]);

/** How a session ends that could not come back. The lobby may be over by then, or has given the place away. */
export function endOf(error: unknown): EndReason {
  return error instanceof SessionError && refusals.has(error.code) ? "resume_refused" : "disconnected";
}

/** What passes: the connection was lost again, the server could not do it, or others of this network came back too often. */
function mayPass(error: unknown): boolean {
  if (!(error instanceof SessionError)) return false;
  return (
    error.code === "invalid_token" ||
    error.code === "returned_too_often" ||
    (error.status ?? 0) >= 500 ||
    isLoss(error)
  );
}

/**
 * A connection in which something was done, and what came of it; or neither. `giveUp`: what becomes of the connection if it fails. Throws as
 * what is done, or `disconnected`.
 */
export async function inConnection<T>(
  { url, features, transport }: Pick<WayBack, "features" | "transport"> & { url: URL },
  ending: AbortSignal,
  work: (connection: Connection, ending: AbortSignal) => Promise<T>,
  giveUp: (connection: Connection) => void,
): Promise<{ connection: Connection; value: T }> {
  const connection = await Connection.open(url, ending, features, transport);
  const lost = connection.closed.then(() => {
    throw sessionError("disconnected");
  });
  lost.catch(() => {});
  try {
    return { connection, value: await Promise.race([work(connection, ending), lost]) };
  } catch (error) {
    giveUp(connection);
    throw error;
  }
}

function drawId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(12));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
