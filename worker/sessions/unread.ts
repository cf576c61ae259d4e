/**
 * The bound on what waits for clients, where the platform says how much that is: `bufferedAmount` of a server's socket, the
 * bytes that the kernel has not taken. What a client says, or whether it pings, does not matter.
 */
import type { Backlog, Look } from "./backlog.ts";
import { holderLimits } from "./limits.ts";
import type { Session } from "./session.ts";
import { Stuck } from "./stuck.ts";

/** How much had been sent to a client at some time, in milliseconds since 1970. */
type Mark = { bytes: number; frames: number; at: number };
/** How much of it the kernel had taken, and since when. */
type Still = { taken: number; since: number };

/** What was sent to one client, and what of it waits. */
class Sent {
  readonly #socket: WebSocket;
  #bytes = 0;
  #frames = 0;
  /** Up to here the kernel has taken all. */
  #taken: Mark = { bytes: 0, frames: 0, at: 0 };
  /** Those after that, in their order, one for each so many bytes of cost. */
  #marks: Mark[] = [];
  #unmarked = 0;
  /** All bytes up to a moment ago. */
  #moment = { bytes: 0, at: 0 };
  /** Where the client has stood since something waited for it; null if nothing does. */
  #still: Still | null = null;
  /** What waits, at most, at what it costs in memory. */
  cost = 0;

  constructor(socket: WebSocket) {
    this.#socket = socket;
  }

  /** Returns what the frame costs as long as it waits. */
  add(frame: string): number {
    if (this.#frames === this.#taken.frames) this.#taken.at = Date.now();
    // Frames are ASCII: as many bytes as units.
    const cost = frame.length + holderLimits.frameOverheadBytes;
    this.#bytes += frame.length;
    this.#frames += 1;
    this.cost += cost;
    this.#unmarked += cost;
    if (this.#unmarked >= holderLimits.unreadMarkBytes) this.#marks.push(this.#mark());
    return cost;
  }

  /** Finds out what really waits. */
  look(): number {
    const waiting = this.#socket.bufferedAmount;
    const taken = this.#bytes - waiting;
    if (waiting === 0) this.#marks = [this.#mark()];
    while (this.#marks[0] && this.#marks[0].bytes <= taken) this.#taken = this.#marks.shift() ?? this.#taken;
    this.cost = waiting + (this.#frames - this.#taken.frames) * holderLimits.frameOverheadBytes;
    return this.cost;
  }

  /** Whether something waits that was sent a moment ago, or before. Looks once in a moment at most: that costs little. */
  isBehind(now: number): boolean {
    const { bytes, at } = this.#moment;
    if (Math.abs(now - at) < holderLimits.unreadMs) return false;
    this.#moment = { bytes: this.#bytes, at: now };
    if (this.#bytes - this.#socket.bufferedAmount >= bytes) return false;
    this.watch(now);
    return true;
  }

  /** Notes how far the client is, if anything waits for it. */
  watch(now: number): void {
    const waiting = this.#socket.bufferedAmount;
    const taken = this.#bytes - waiting;
    const before = this.#still;
    if (waiting === 0) this.#still = null;
    else if (!before || taken > before.taken || now < before.since) this.#still = { taken, since: now };
  }

  get isWatched(): boolean {
    return this.#still !== null;
  }

  /** Whether it has taken nothing for so long that it never will. */
  isStuck(now: number): boolean {
    this.watch(now);
    return this.#still !== null && now >= this.#still.since + holderLimits.untakenMs;
  }

  get isTaken(): boolean {
    return this.#socket.bufferedAmount < this.#bytes;
  }

  /** Whether something has waited for longer than a burst does. A time in the future is one before the clock was set back. */
  isLate(now: number): boolean {
    const { at } = this.#marks[0] ?? this.#taken;
    return at > now || now >= at + holderLimits.unreadMs;
  }

  #mark(): Mark {
    this.#unmarked = 0;
    return { bytes: this.#bytes, frames: this.#frames, at: Date.now() };
  }
}

export class Unread implements Backlog {
  readonly #sent = new Map<Session, Sent>();
  /** What waits for all of them, at most. */
  #cost = 0;
  #willLook = false;
  #isWatching = false;
  readonly #stuck = new Stuck(() => holderLimits.stuckUnreadBytes);
  readonly #expel: (sessions: readonly Session[]) => void;

  /** `expel`: throws out clients that take nothing, however little waits for them. */
  constructor(expel: (sessions: readonly Session[]) => void) {
    this.#expel = expel;
  }

  add(session: Session, frame: string): number | null {
    let sent = this.#sent.get(session);
    if (!sent) {
      sent = new Sent(session.socket);
      this.#sent.set(session, sent);
    }
    this.#cost += sent.add(frame);
    if (sent.isBehind(Date.now())) this.#watch();
    if (this.#willLook) return null;
    if (sent.cost > holderLimits.unreadBytes) this.#lookAt(sent);
    const isMuch = sent.cost > holderLimits.unreadBytes || this.#isMuchForAll();
    // What was sent in this turn is read in the next, if at all.
    return isMuch ? this.#promiseLook() : null;
  }

  look(): Look {
    this.#willLook = false;
    this.#lookAtAll();
    const now = Date.now();
    const late = [...this.#sent]
      .filter(([, sent]) => sent.isLate(now))
      .sort(([, a], [, b]) => b.cost - a.cost);
    const going: Session[] = [];
    let rest = this.#cost;
    for (const [session, { cost }] of late) {
      if (cost <= holderLimits.unreadBytes && rest <= holderLimits.objectUnreadBytes) break;
      going.push(session);
      rest -= cost;
    }
    const isMuch = [...this.#sent].some(
      ([one, sent]) => sent.cost > holderLimits.unreadBytes && !going.includes(one),
    );
    return { going, again: isMuch || rest > holderLimits.objectUnreadBytes ? this.#promiseLook() : null };
  }

  hasTaken(session: Session): boolean | null {
    return this.#sent.get(session)?.isTaken ?? null;
  }

  /** A client that talks need not read. */
  heard(): void {}

  ended(session: Session): void {
    this.#cost -= this.#sent.get(session)?.cost ?? 0;
    this.#sent.delete(session);
  }

  closing(session: Session): void {
    const sent = this.#sent.get(session);
    if (sent) this.#stuck.add(session.socket, () => sent.look());
    this.ended(session);
  }

  gone(socket: WebSocket): void {
    this.#stuck.gone(socket);
  }

  get isStuck(): boolean {
    return this.#stuck.isTooMuch;
  }

  /**
   * Something waits that was sent a moment ago. Looks again until it is taken, or its client is out: the platform does not tell of each
   * connection that breaks, and takes nothing more for such a one. The timer keeps no object awake that would sleep: none does while anything waits.
   */
  #watch(): void {
    if (this.#isWatching) return;
    this.#isWatching = true;
    setTimeout(() => {
      this.#isWatching = false;
      const now = Date.now();
      this.#expel(
        [...this.#sent].filter(([, sent]) => sent.isWatched && sent.isStuck(now)).map(([one]) => one),
      );
      if ([...this.#sent.values()].some(({ isWatched }) => isWatched)) this.#watch();
    }, holderLimits.untakenMs / 2);
  }

  #promiseLook(): number {
    this.#willLook = true;
    return holderLimits.unreadMs;
  }

  #isMuchForAll(): boolean {
    if (this.#cost <= holderLimits.objectUnreadBytes) return false;
    this.#lookAtAll();
    return this.#cost > holderLimits.objectUnreadBytes;
  }

  #lookAtAll(): void {
    for (const sent of this.#sent.values()) this.#lookAt(sent);
  }

  #lookAt(sent: Sent): void {
    this.#cost -= sent.cost;
    this.#cost += sent.look();
  }
}
