/**
 * What may wait in an object for clients to read it. The platform holds it without a bound and does not say how much it is
 * (docs/decisions/007), so whatever was sent counts until there is a sign that it was read. In memory alone: an object
 * is not put to sleep as long as anything waits that the kernel has not taken.
 */
import { limits } from "../../core/limits.ts";
import type { Session } from "./session.ts";

/** Bytes, and the time of the first of them in milliseconds since 1970. */
type Due = { bytes: number; since: number };

export class Backlog {
  readonly #due = new Map<Session, Due>();
  /** Of all of those. */
  #bytes = 0;
  #lookedAt = 0;
  /** Of sockets that were closed, and have not gone: it waits on until they do. */
  readonly #stuck = new Map<WebSocket, Due>();

  /** Counts what was sent. Whether more may wait now, for this client or for all, than should. `now`: milliseconds since 1970. */
  add(session: Session, frame: string, now: number): boolean {
    const bytes = frame.length + limits.frameOverheadBytes;
    this.#bytes += bytes;
    const due = this.#due.get(session);
    if (!due) {
      this.#due.set(session, { bytes, since: now });
      return bytes > limits.unansweredBytes || this.#isFull(now);
    }
    due.bytes += bytes;
    // A clock that was set back makes nothing wait from the future on.
    if (due.since > now) due.since = now;
    if (due.bytes > limits.unansweredBytes) return true;
    return this.#isFull(now);
  }

  /** Who most waits for is looked for among all clients: not with every frame of a burst. */
  #isFull(now: number): boolean {
    return this.#bytes > limits.objectUnansweredBytes && now !== this.#lookedAt;
  }

  /** The client has said something, or is gone: nothing counts any more that was sent to it. */
  settle(session: Session): void {
    this.#bytes -= this.#due.get(session)?.bytes ?? 0;
    this.#due.delete(session);
  }

  /** Who is to be thrown out, if too much waits: this session, or the one that most may wait for. `pinged`: when a client last did. */
  culprit(session: Session, pinged: (session: Session) => number): Session | null {
    this.#settleIf(session, pinged);
    const due = this.#due.get(session);
    if (due && due.bytes > limits.unansweredBytes && isLate(session, due)) return session;
    if (this.#bytes <= limits.objectUnansweredBytes) return null;
    this.#lookedAt = Date.now();
    for (const one of [...this.#due.keys()]) this.#settleIf(one, pinged);
    if (this.#bytes <= limits.objectUnansweredBytes) return null;
    const late = [...this.#due].filter(([one, due]) => isLate(one, due));
    const [worst] = late.sort(([, a], [, b]) => b.bytes - a.bytes);
    return worst?.[0] ?? null;
  }

  /** The answer to a ping waits behind all else, and the next ping is not heard before it has gone. */
  #settleIf(session: Session, pinged: (session: Session) => number): void {
    const due = this.#due.get(session);
    if (due && pinged(session) > due.since) this.settle(session);
  }

  /** The server closes the client's socket. What waits for it is freed when the client has taken notice, or its connection breaks. */
  closing(session: Session): void {
    const due = this.#due.get(session);
    if (due) this.#stuck.set(session.socket, { bytes: due.bytes, since: Date.now() });
    this.settle(session);
  }

  /** The socket is gone, and what waited for it. */
  gone(socket: WebSocket): void {
    this.#stuck.delete(socket);
  }

  /** Whether more waits than should for those that were told to go, and do not: they read nothing, and need not ever. */
  get isStuck(): boolean {
    const before = Date.now() - limits.closingMs;
    const all = [...this.#stuck.values()];
    const old = all.filter(({ since }) => since <= before);
    return sumOf(old) > limits.stuckBytes || sumOf(all) > 2 * limits.stuckBytes;
  }
}

function sumOf(some: readonly Due[]): number {
  return some.reduce((sum, { bytes }) => sum + bytes, 0);
}

/** Whether a sign of life should have come since: at once of one that does not ping, and of one that does with its next ping. */
function isLate({ pingsSince }: Session, { since }: Due): boolean {
  return pingsSince === null || Date.now() > since + limits.pingMs + limits.pongMs;
}
