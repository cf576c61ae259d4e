/**
 * What is under way to one member of a relay over WebSocket: sent, and without a receipt. TCP would queue whatever the relay sends, and a game's
 * packet is worth nothing when it arrives seconds late. So no more may be under way than arrives soon: while receipts take long, less
 * and less, and while they are as fast as the fastest, more and more. As LEDBAT does it (RFC 6817).
 */
import { socketRelayLimits as limits } from "./limits.ts";

/** Sent up to `bytes`, at the time `at`. */
type Mark = { bytes: number; at: number };

const modulus = 2 ** 32;
/** Milliseconds of frames that one mark stands for. */
const markMs = 20;
/** What is left of the window when receipts take too long, and by which part it grows when they do not. */
const shrink = 0.7;
const growth = 1 / 8;

export class Credit {
  /** Bytes that were sent since the socket was opened, or its object woke. */
  #sent = 0;
  /** Of these, bytes that came with a receipt. */
  #received = 0;
  /** What the last receipt said; null if nobody knows what was sent before. */
  #said: number | null;
  #marks: Mark[] = [];
  #window: number = limits.socketRelayWindow;
  /** The fastest receipts of the last two spans, in milliseconds. */
  #fastest = { since: 0, now: Number.POSITIVE_INFINITY, before: Number.POSITIVE_INFINITY };
  /** Receipts for what was sent before do not count: the window was made smaller then. */
  #shrunkAt = Number.NEGATIVE_INFINITY;
  #wasFull = false;

  /** `isNew`: the socket was just opened, so nothing was sent on it. */
  constructor(isNew = true) {
    this.#said = isNew ? 0 : null;
  }

  get window(): number {
    return this.#window;
  }

  get underWay(): number {
    return this.#sent - this.#received;
  }

  /** Whether more may be sent. */
  get isOpen(): boolean {
    if (this.underWay < this.#window) return true;
    this.#wasFull = true;
    return false;
  }

  sent(bytes: number, now: number): void {
    this.#sent += bytes;
    const last = this.#marks.at(-1);
    if (last && now - last.at < markMs && now >= last.at) last.bytes = this.#sent;
    else this.#marks.push({ bytes: this.#sent, at: now });
  }

  /** A receipt. `said`: bytes that the member has received, modulo 2^32. One that says more than was sent is believed as far as it can be true. */
  acknowledge(said: number, now: number): void {
    const more = this.#said === null ? this.underWay : (said - this.#said + modulus) % modulus;
    this.#said = said;
    this.#received = Math.min(this.#sent, this.#received + more);
    let newest: Mark | null = null;
    while (this.#marks[0] && this.#marks[0].bytes <= this.#received) newest = this.#marks.shift() ?? null;
    if (newest) this.#learn(newest.at, now);
  }

  /** Milliseconds for which the oldest that is under way has been; 0 if nothing is. */
  waitingMs(now: number): number {
    const [oldest] = this.#marks;
    return oldest ? Math.max(0, now - oldest.at) : 0;
  }

  #learn(sentAt: number, now: number): void {
    const took = Math.max(0, now - sentAt);
    const fastest = this.#fastest;
    if (Math.abs(now - fastest.since) > limits.socketRelayPathMs)
      this.#fastest = { since: now, now: took, before: fastest.now };
    else fastest.now = Math.min(fastest.now, took);
    const least = Math.min(this.#fastest.now, this.#fastest.before);
    const { socketRelayLeastWindow, socketRelayMostWindow } = limits;
    if (took > least + limits.socketRelayQueueMs) {
      if (sentAt < this.#shrunkAt) return;
      this.#shrunkAt = now;
      this.#window = Math.max(socketRelayLeastWindow, shrink * Math.min(this.#window, this.underWay));
    } else if (this.#wasFull) {
      this.#window = Math.min(socketRelayMostWindow, this.#window * (1 + growth));
    }
    this.#wasFull = false;
  }
}
