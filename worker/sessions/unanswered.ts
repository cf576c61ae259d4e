/**
 * The bound on what may wait for clients, where the platform does not say how much waits: whatever was sent counts until
 * there is a sign that the client reads. A word of the client's is one, and so is a ping.
 */
import { sharedLimits } from "../../core/limits.ts";
import type { Backlog, Look } from "./backlog.ts";
import { holderLimits } from "./limits.ts";
import type { Session } from "./session.ts";
import { Stuck } from "./stuck.ts";

/** Bytes, and the time of the first of them in milliseconds since 1970. */
type Due = { bytes: number; since: number };

export class Unanswered implements Backlog {
  readonly #due = new Map<Session, Due>();
  /** Of all of those. */
  #bytes = 0;
  #lookedAt = 0;
  readonly #stuck = new Stuck(() => holderLimits.stuckBytes);
  readonly #pinged: (session: Session) => number;

  /** `pinged`: when a client last did, in milliseconds since 1970. */
  constructor(pinged: (session: Session) => number) {
    this.#pinged = pinged;
  }

  add(session: Session, frame: string): number | null {
    const due = this.#due.get(session) ?? { bytes: 0, since: Date.now() };
    // A clock that was set back makes nothing wait from the future on.
    due.since = Math.min(due.since, Date.now());
    const bytes = frame.length + holderLimits.frameOverheadBytes;
    due.bytes += bytes;
    this.#bytes += bytes;
    this.#due.set(session, due);
    const isMuchForAll = this.#bytes > holderLimits.objectUnansweredBytes && Date.now() !== this.#lookedAt;
    return due.bytes > holderLimits.unansweredBytes || isMuchForAll ? 0 : null;
  }

  /** This session, or else the one that most may wait for. */
  look(session: Session): Look {
    const worst = this.#culprit(session);
    return { going: worst ? [worst] : [], again: null };
  }

  #culprit(session: Session): Session | null {
    this.#settleIfPinged(session);
    const due = this.#due.get(session);
    if (due && due.bytes > holderLimits.unansweredBytes && isLate(session, due)) return session;
    if (this.#bytes <= holderLimits.objectUnansweredBytes) return null;
    this.#lookedAt = Date.now();
    for (const one of [...this.#due.keys()]) this.#settleIfPinged(one);
    if (this.#bytes <= holderLimits.objectUnansweredBytes) return null;
    const late = [...this.#due].filter(([one, due]) => isLate(one, due));
    const [worst] = late.sort(([, a], [, b]) => b.bytes - a.bytes);
    return worst?.[0] ?? null;
  }

  hasTaken(): null {
    return null;
  }

  heard(session: Session): void {
    this.ended(session);
  }

  ended(session: Session): void {
    this.#bytes -= this.#due.get(session)?.bytes ?? 0;
    this.#due.delete(session);
  }

  closing(session: Session): void {
    const due = this.#due.get(session);
    if (due) this.#stuck.add(session.socket, () => due.bytes);
    this.ended(session);
  }

  gone(socket: WebSocket): void {
    this.#stuck.gone(socket);
  }

  get isStuck(): boolean {
    return this.#stuck.isTooMuch;
  }

  /** The answer to a ping waits behind all else, and the next ping is not heard before it has gone. */
  #settleIfPinged(session: Session): void {
    const due = this.#due.get(session);
    if (due && this.#pinged(session) > due.since) this.ended(session);
  }
}

/** Whether a sign of life should have come since: at once of one that does not ping, and of one that does with its next ping. */
function isLate({ pingsSince }: Session, { since }: Due): boolean {
  return pingsSince === null || Date.now() > since + sharedLimits.pingMs + sharedLimits.pongMs;
}
