/** What goes wrong between a client and the server: one class, and a code that never changes its meaning. */
import type { ProblemCode } from "../core/problem.ts";

/** What a session itself finds wrong, each with a sentence a player may read. */
export const sessionProblems = {
  invalid_url: "A server's URL begins with http:// or https://, and has no user name or password.",
  unreachable: "The server cannot be reached.",
  not_orion: "There is a server, but it is not an Orion server.",
  unexpected_answer: "The server gave an answer that makes no sense.",
  unanswered: "The server did not answer in time.",
  disconnected: "The connection to the server was lost.",
  aborted: "It was called off.",
  no_privacy: "This server would tell the other players your address.",
  no_encryption: "This server would let in players whose clients do not encrypt.",
  left: "You have left the lobby.",
  lobby_closed: "The lobby is closed.",
  invalid_message: "A chat message must be a text of 1 to 250 characters.",
  too_many_messages: "The chat is too busy. Please wait a moment and try again.",
  invalid_signal: "A signal must be JSON of 8192 bytes at most.",
  invalid_snapshot: "A snapshot must be bytes, 65536 at most.",
  kicked: "The host has removed you from the lobby.",
  resumed_elsewhere: "You have come back to this lobby by another connection.",
  resume_refused: "You cannot come back to this lobby: your place there is taken, or you were removed.",
} as const;
export type SessionProblem = keyof typeof sessionProblems;

/** A session's own, or the server's refusals; a newer server may have others. */
export type SessionCode = SessionProblem | ProblemCode | (string & {});

type Details = { status?: number | null; retryAfterS?: number | null; cause?: unknown };

/** An attempt that failed. The message is a sentence for the player; decide by `code`. */
export class SessionError extends Error {
  override readonly name = "SessionError";
  readonly code: SessionCode;
  /** Everything that was wrong, never empty. The first is `code`. */
  readonly codes: readonly [SessionCode, ...SessionCode[]];
  /** The HTTP status, if the server refused. */
  readonly status: number | null;
  /** Seconds to wait before asking again, if the server said how many. */
  readonly retryAfterS: number | null;

  constructor(
    codes: readonly [SessionCode, ...SessionCode[]],
    message: string,
    { status = null, retryAfterS = null, cause }: Details = {},
  ) {
    super(message, cause === undefined ? {} : { cause });
    this.codes = codes;
    this.code = codes[0];
    this.status = status;
    this.retryAfterS = retryAfterS;
  }
}

/** One of a session's own problems, with its sentence. */
export function sessionError(code: SessionProblem, cause?: unknown): SessionError {
  return new SessionError([code], sessionProblems[code], { cause });
}
