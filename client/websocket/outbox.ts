/**
 * Packets on their way into a WebSocket: those of one turn share a frame, and where the socket is full the newest of each link wait. TCP would
 * deliver the old ones first, and the game would play in the past.
 */
import { frameOf, receipt, recordBytes } from "../../core/wire/relay-frame.ts";
import { socketLimits } from "./limits.ts";

/** What is used of a WebSocket. */
export type Sink = Pick<WebSocket, "bufferedAmount" | "readyState" | "send">;

type Waiting = { link: number; packet: Uint8Array; at: number };

export class Outbox {
  readonly #sink: Sink;
  #waiting: Waiting[] = [];
  #sentAt = Number.NEGATIVE_INFINITY;
  #isDue = false;
  #timer: ReturnType<typeof setTimeout> | null = null;
  /** Bytes of binary frames that came, and packets of which the relay was not told. */
  #received = 0;
  #untold = 0;
  #receiptTimer: ReturnType<typeof setTimeout> | null = null;
  #isStopped = false;

  constructor(sink: Sink) {
    this.#sink = sink;
  }

  /** Sends the packet with the others of this turn, or later, or drops it. */
  add(link: number, packet: Uint8Array): void {
    if (this.#isStopped) return;
    this.#waiting.push({ link, packet, at: performance.now() });
    const same = this.#waiting.filter((waiting) => waiting.link === link);
    const [oldest] = same;
    if (same.length > socketLimits.socketWaitingPackets && oldest)
      this.#waiting.splice(this.#waiting.indexOf(oldest), 1);
    this.#flushSoon();
  }

  /** A frame came. The relay counts what is under way by what it is told here. */
  received(bytes: number, packets: number): void {
    this.#received += bytes;
    this.#untold += packets;
    if (this.#untold >= socketLimits.socketReceiptPackets) this.#flushSoon();
    else this.#receiptTimer ??= setTimeout(() => this.#flushSoon(), socketLimits.socketReceiptMs);
  }

  /** Nothing is sent any more. */
  stop(): void {
    this.#isStopped = true;
    this.#waiting = [];
    for (const timer of [this.#timer, this.#receiptTimer]) if (timer) clearTimeout(timer);
  }

  #flushSoon(): void {
    // In a page that is hidden timers are late. What is sent then takes along what waits.
    if (this.#isDue) return;
    if (performance.now() - this.#sentAt < socketLimits.socketFrameMs) {
      this.#wake(socketLimits.socketFrameMs);
      return;
    }
    this.#isDue = true;
    queueMicrotask(() => {
      this.#isDue = false;
      this.#flush();
    });
  }

  #wake(inMs: number): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = null;
      this.#flush();
    }, inMs);
  }

  #flush(): void {
    // Browsers log what is sent into a WebSocket that closes. Its end is about to be told.
    if (this.#isStopped || this.#sink.readyState !== WebSocket.OPEN) return;
    const now = performance.now();
    this.#waiting = this.#waiting.filter(({ at }) => now - at <= socketLimits.socketStaleMs);
    if (this.#waiting.length === 0 && this.#untold === 0) return;
    if (this.#sink.bufferedAmount > socketLimits.socketWaitingBytes) {
      this.#wake(socketLimits.socketLookMs);
      return;
    }
    const packets: Uint8Array[] = this.#untold > 0 ? [this.#receipt()] : [];
    let bytes = 0;
    for (
      let next = this.#waiting[0];
      next && bytes <= socketLimits.socketFrameBytes;
      next = this.#waiting[0]
    ) {
      bytes += recordBytes(next.packet);
      if (bytes > socketLimits.socketFrameBytes) break;
      packets.push(next.packet);
      this.#waiting.shift();
    }
    this.#sentAt = now;
    this.#sink.send(frameOf(packets));
    if (this.#waiting.length > 0) this.#wake(socketLimits.socketFrameMs);
  }

  #receipt(): Uint8Array {
    this.#untold = 0;
    if (this.#receiptTimer) clearTimeout(this.#receiptTimer);
    this.#receiptTimer = null;
    return receipt(this.#received);
  }
}
