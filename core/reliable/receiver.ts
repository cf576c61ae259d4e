/** The receiving half of a reliable stream: puts segments in order and messages together, and says what has come. */
import { reliableLimits } from "./limits.ts";
import { type Segment, writeAcknowledgement } from "./packet.ts";

const { windowSegments, messageBytes, acknowledgeMs } = reliableLimits;

export class Receiver {
  /** The lowest number that has not come. */
  #next = 0;
  /** Those that came before their turn. */
  readonly #held = new Map<number, Segment>();
  #highest = 0;
  /** The message that is not complete, in memory that grows with it: a peer may send it byte by byte. */
  #room = new Uint8Array(0);
  #roomBytes = 0;
  /** When an acknowledgement is due. */
  #dueAt = Number.POSITIVE_INFINITY;
  /** Segments in order that no acknowledgement has said. */
  #unsaid = 0;
  #isBroken = false;

  /** Whether a message was longer than any may be: its end would never be known. */
  get isBroken(): boolean {
    return this.#isBroken;
  }

  get dueAt(): number {
    return this.#dueAt;
  }

  /** Takes a segment, whose memory may be used again. Returns the messages that are complete by it, in order. */
  hear(segment: Segment, now: number): Uint8Array[] {
    const { number } = segment;
    // No honest sender is so far ahead: it hears of nothing beyond.
    if (this.#isBroken || number >= this.#next + windowSegments) return [];
    if (number !== this.#next) {
      this.#dueAt = now;
      if (number > this.#next && !this.#held.has(number)) {
        this.#held.set(number, { ...segment, bytes: segment.bytes.slice() });
        this.#highest = Math.max(this.#highest, number);
      }
      return [];
    }
    const messages: Uint8Array[] = [];
    this.#unsaid += 1;
    // What had to wait is acknowledged at once: its sender may be waiting as well.
    const isAtOnce = this.#unsaid > 1 || this.#held.size > 0;
    this.#dueAt = isAtOnce ? now : Math.min(this.#dueAt, now + acknowledgeMs);
    for (let next: Segment | undefined = segment; next; next = this.#held.get(this.#next)) {
      this.#held.delete(next.number);
      this.#next += 1;
      const message = this.#put(next);
      if (message) messages.push(message);
    }
    return messages;
  }

  /** The acknowledgement that is due, or null. */
  take(now: number): Uint8Array | null {
    if (now < this.#dueAt) return null;
    this.#dueAt = Number.POSITIVE_INFINITY;
    this.#unsaid = 0;
    return writeAcknowledgement(this.#next, this.#highest, (number) => this.#held.has(number));
  }

  /** Adds a segment to the message. Returns that if it is complete. */
  #put({ bytes, isLast }: Segment): Uint8Array | null {
    const end = this.#roomBytes + bytes.length;
    if (end > messageBytes) {
      this.#isBroken = true;
      this.#room = new Uint8Array(0);
      this.#held.clear();
      return null;
    }
    if (isLast && this.#roomBytes === 0) return bytes.slice();
    if (end > this.#room.length) {
      const larger = new Uint8Array(Math.min(messageBytes, Math.max(end, 2 * this.#room.length)));
      larger.set(this.#room.subarray(0, this.#roomBytes));
      this.#room = larger;
    }
    this.#room.set(bytes, this.#roomBytes);
    this.#roomBytes = end;
    if (!isLast) return null;
    const message = this.#room.slice(0, end);
    this.#room = new Uint8Array(0);
    this.#roomBytes = 0;
    return message;
  }
}
