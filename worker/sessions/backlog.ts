/**
 * What waits in an object for clients to read it, and who has to go when it is too much (docs/decisions/007). There are two
 * ways to know: the platform says how much waits for a socket (unread.ts), or, where it does not, frames count from the
 * last sign that the client reads (unanswered.ts). Both live in memory: an object cannot sleep while anything waits.
 */
import type { Session } from "./session.ts";

/** `again`: milliseconds after which to look once more, although nothing more is sent; null for no need to. */
export type Look = { going: Session[]; again: number | null };

export interface Backlog {
  /** Counts a frame that was sent. Milliseconds after which to `look`, if too much may wait; null if it does not. */
  add(session: Session, frame: string): number | null;
  /** Who has to go now. `session`: the one it was about. */
  look(session: Session): Look;
  /** Whether its connection has taken any of what was sent; null if nobody knows, or nothing was sent. */
  hasTaken(session: Session): boolean | null;
  /** The client has said something. */
  heard(session: Session): void;
  /** The session is over. */
  ended(session: Session): void;
  /** The server closes the session's socket. What waits for it stays until its connection ends. */
  closing(session: Session): void;
  /** The socket is gone, and what waited for it. */
  gone(socket: WebSocket): void;
  /** Whether too much waits for clients that were told to go and do not. They need not ever. */
  readonly isStuck: boolean;
}
