/**
 * The sending half of a reliable stream: cuts messages into segments, sends what the window and the path's rate allow, and sends
 * again what was lost.
 *
 * A segment is lost when one that was sent clearly later has come (RFC 8985), or when nothing was heard for a timeout. The window grows by
 * what has come, and is halved by a loss, once for each round trip (RFC 5681).
 */
import { type Bucket, fill, newBucket, type Rate } from "../allowance.ts";
import { reliableLimits } from "./limits.ts";
import { type Acknowledgement, hasCome, writeSegment } from "./packet.ts";
import { Timing } from "./timing.ts";
import { segmentCount, Unsent } from "./unsent.ts";

type Sent = {
  readonly number: number;
  readonly isLast: boolean;
  readonly bytes: Uint8Array;
  state: "unsent" | "flying" | "lost" | "come";
  /** When it was last sent. */
  sentAt: number;
  /** How often. */
  sends: number;
};

const { segmentCostBytes, windowSegments, firstWindow, leastWindow, reorderMs, burstBytes } = reliableLimits;

export class Sender {
  /** Those that were sent, and of which not all before have come, in order: `windowSegments` at most. */
  #segments: Sent[] = [];
  readonly #unsent = new Unsent();
  /** Of the first one that is not sent. */
  #nextNumber = 0;
  #flying = 0;
  #lost = 0;
  #waiting = 0;
  readonly #timing = new Timing();
  #window: number = firstWindow;
  /** Below this the window grows fast. */
  #threshold = Number.POSITIVE_INFINITY;
  /** A loss of a number below this halves the window no more: it is the same one. */
  #recovery = 0;
  #isHeldBack = false;
  #timeoutAt = Number.POSITIVE_INFINITY;
  #rate: Rate = { burst: burstBytes, perSecond: Number.POSITIVE_INFINITY };
  #bucket: Bucket;

  constructor(now: number) {
    this.#bucket = newBucket(this.#rate, now);
  }

  /** Bytes of messages that have not come, as far as is known, and of what keeping them takes. */
  get waiting(): number {
    return this.#waiting;
  }

  /** Takes a message, which nobody may change any more. */
  push(message: Uint8Array): void {
    this.#unsent.push(message);
    this.#waiting += message.length + segmentCostBytes * segmentCount(message);
  }

  /** The packets to send now. */
  take(now: number): Uint8Array[] {
    this.#endWait(now);
    const packets: Uint8Array[] = [];
    // The bits of an acknowledgement reach so far.
    const first = this.#segments[0]?.number ?? this.#nextNumber;
    this.#isHeldBack = false;
    for (let next = this.#next(); next; next = this.#next()) {
      if (this.#flying >= this.#window || next.number - first >= windowSegments) {
        this.#isHeldBack = true;
        break;
      }
      if (!this.#mayGo(next, now)) break;
      packets.push(this.#send(next, now));
    }
    return packets;
  }

  /** The peer says what has come. An acknowledgement of what was never sent is ignored. */
  hear(acknowledgement: Acknowledgement, now: number): void {
    const { next, later } = acknowledgement;
    const first = this.#segments[0]?.number ?? this.#nextNumber;
    if (next > this.#nextNumber) return;
    let newest = Number.NEGATIVE_INFINITY;
    let came = 0;
    const until = Math.min(this.#segments.length, next + 1 + 8 * later.length - first);
    for (let i = 0; i < until; i++) {
      const segment = this.#segments[i];
      if (!segment || segment.state === "come" || !hasCome(acknowledgement, segment.number)) continue;
      if (segment.state === "flying") this.#flying -= 1;
      else this.#lost -= 1;
      segment.state = "come";
      came += 1;
      this.#waiting -= segment.bytes.length + segmentCostBytes;
      // What was sent twice does not show which of the two has come. So soon it was the first.
      const isSure = segment.sends === 1 || now - segment.sentAt >= (this.#timing.roundTripMs ?? 0) / 2;
      if (isSure) newest = Math.max(newest, segment.sentAt);
      if (segment.sends === 1) this.#timing.measure(now - segment.sentAt);
    }
    if (came === 0) return;
    this.#grow(came);
    this.#dropCome();
    this.#findLost(newest);
    this.#timeoutAt = this.#flying > 0 ? now + this.#timing.timeoutMs : Number.POSITIVE_INFINITY;
  }

  /** Packets go another way. What was on the old way is sent again. `bytesPerSecond`: what the new one takes. */
  changePath(roundTripMs: number | null, bytesPerSecond: number, now: number): void {
    this.#timing.restart(roundTripMs);
    this.#rate = { burst: burstBytes, perSecond: bytesPerSecond };
    this.#bucket = newBucket(this.#rate, now);
    this.#window = firstWindow;
    this.#threshold = Number.POSITIVE_INFINITY;
    this.#recovery = 0;
    this.#loseAll();
  }

  /** When there may be something to send by itself; infinity for never. */
  wakeAt(now: number): number {
    const next = this.#next();
    if (!next || this.#isHeldBack) return this.#timeoutAt;
    const missing = next.bytes.length - this.#bucket.left;
    const paidAt = missing <= 0 ? now : this.#bucket.at + Math.ceil((missing / this.#rate.perSecond) * 1000);
    return Math.min(this.#timeoutAt, paidAt);
  }

  /** What to send next: what was lost before what is new. */
  #next(): Sent | undefined {
    if (this.#lost > 0) return this.#segments.find(({ state }) => state === "lost");
    const { first } = this.#unsent;
    return first && { ...first, number: this.#nextNumber, state: "unsent", sentAt: 0, sends: 0 };
  }

  #mayGo({ bytes }: Sent, now: number): boolean {
    if (this.#rate.perSecond === Number.POSITIVE_INFINITY) return true;
    fill(this.#bucket, this.#rate, now);
    if (this.#bucket.left < bytes.length) return false;
    this.#bucket.left -= bytes.length;
    return true;
  }

  #send(segment: Sent, now: number): Uint8Array {
    if (segment.state === "lost") this.#lost -= 1;
    else {
      this.#unsent.take();
      this.#nextNumber += 1;
      this.#segments.push(segment);
    }
    segment.state = "flying";
    segment.sentAt = now;
    segment.sends += 1;
    this.#flying += 1;
    if (this.#timeoutAt === Number.POSITIVE_INFINITY) this.#timeoutAt = now + this.#timing.timeoutMs;
    return writeSegment(segment);
  }

  #grow(came: number): void {
    // A window that was not used up says nothing of what the path could carry.
    if (!this.#isHeldBack) return;
    const more = this.#window < this.#threshold ? came : came / this.#window;
    this.#window = Math.min(windowSegments, this.#window + more);
  }

  #dropCome(): void {
    const left = this.#segments.findIndex(({ state }) => state !== "come");
    const gone = left === -1 ? this.#segments.length : left;
    this.#segments.splice(0, gone);
  }

  /** `newest`: when the last one that has come was sent. */
  #findLost(newest: number): void {
    const { roundTripMs } = this.#timing;
    const before = newest - Math.max(reorderMs, (roundTripMs ?? 0) / 4);
    for (let i = 0; i < this.#segments.length; i++) {
      const segment = this.#segments[i];
      if (segment?.state !== "flying" || segment.sentAt > before) continue;
      this.#lose(segment);
      if (segment.number < this.#recovery) continue;
      this.#recovery = this.#nextNumber;
      this.#threshold = Math.max(leastWindow, this.#window / 2);
      this.#window = this.#threshold;
    }
  }

  #endWait(now: number): void {
    if (now < this.#timeoutAt) return;
    this.#timeoutAt = Number.POSITIVE_INFINITY;
    this.#timing.back();
    this.#threshold = Math.max(leastWindow, this.#window / 2);
    this.#window = leastWindow;
    this.#recovery = this.#nextNumber;
    this.#loseAll();
  }

  #loseAll(): void {
    for (const segment of this.#segments) if (segment.state === "flying") this.#lose(segment);
    this.#timeoutAt = Number.POSITIVE_INFINITY;
  }

  #lose(segment: Sent): void {
    segment.state = "lost";
    this.#flying -= 1;
    this.#lost += 1;
  }
}
