/** What goes wrong, as the game hears it: one class, and a code that never changes its meaning. */
import type { Cause } from "../core/link/cause.ts";
import type { AbortCode, ProblemCode } from "../core/problem.ts";
import { SessionError, sessionProblems } from "../session/error.ts";
import type { ConnectionReport } from "./report.ts";

/** What the SDK itself finds wrong, each with a sentence a player may read. */
export const ownProblems = {
  ...sessionProblems,
  unsupported_runtime: "The SDK needs Node.js 22.12 or newer, or a current browser.",
  invalid_argument: "The game gave the SDK a value that it cannot use.",
  busy: "A lobby is being opened or joined already.",
  not_raw: "The mediation was begun with other options.",
  no_socket: "No UDP port can be opened on this machine.",
  invalid_packet: "A packet must be a text, an ArrayBuffer or a view of one.",
  packet_too_large: "A packet may have 1200 bytes at most.",
  message_too_large: "A reliable message may have 65536 bytes at most.",
  too_much_waits: "Too many messages wait to be sent: wait for those before.",
  peer_too_old: "The other player's client does not know reliable messages.",
  link_closed: "The link is closed.",
} as const;
export type OwnCode = keyof typeof ownProblems;

/** The codes that are known today; a newer server may have others. */
export type OrionCode = OwnCode | ProblemCode | AbortCode | Cause | (string & {});

type ErrorDetails = {
  status?: number | null;
  retryAfterS?: number | null;
  report?: ConnectionReport | null;
  cause?: unknown;
};

/** An attempt that failed. The message is a sentence for the player; decide by `code`. */
export class OrionError extends Error {
  override readonly name = "OrionError";
  readonly code: OrionCode;
  /** All that was wrong; the first is `code`. */
  readonly codes: readonly OrionCode[];
  /** The HTTP status, if the server refused. */
  readonly status: number | null;
  /** Seconds to wait before asking again, if the server said how many. */
  readonly retryAfterS: number | null;
  /** Where connecting failed: how, with whom. */
  readonly report: ConnectionReport | null;

  constructor(
    codes: OrionCode | readonly [OrionCode, ...OrionCode[]],
    message: string,
    { status = null, retryAfterS = null, report = null, cause }: ErrorDetails = {},
  ) {
    super(message, cause === undefined ? {} : { cause });
    this.codes = typeof codes === "string" ? [codes] : codes;
    this.code = this.codes[0] ?? "internal";
    this.status = status;
    this.retryAfterS = retryAfterS;
    this.report = report;
  }
}

export function ownError(code: OwnCode, cause?: unknown): OrionError {
  return new OrionError(code, ownProblems[code], { cause });
}

/** What the promise comes to. Games hear OrionErrors alone: an error of `session/` is thrown as one. */
export async function forGame<T>(promise: Promise<T>): Promise<T> {
  try {
    return await promise;
  } catch (error) {
    throw error instanceof SessionError ? orionErrorOf(error) : error;
  }
}

function orionErrorOf({ code, codes, message, status, retryAfterS, cause }: SessionError): OrionError {
  // A game may call something off with an OrionError: then it is told that one.
  if (code === "aborted" && cause instanceof OrionError) return cause;
  return new OrionError(codes, message, { status, retryAfterS, cause });
}
