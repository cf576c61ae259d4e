/**
 * One end of a reliable stream over packets that may be lost, doubled and overtaken: whole messages, each once, in order.
 *
 * It runs inside a link, over whatever path is in use, and survives the change from one to another. No clock, no timers: the shell calls
 * `tick` when `wakeAt` has come, and takes `packets` and `messages` out after each call. `now` is in milliseconds, of a clock that does not go
 * back. Memory is bounded, whatever the peer sends: the receiver holds `windowSegments` at most, and the sender `waitingBytes`.
 *
 * A path that takes only so many bytes a second gets no more. So a long message does not make a relay drop the packets of the game.
 */
import { reliableLimits } from "./limits.ts";
import { readReliablePacket } from "./packet.ts";
import { Receiver } from "./receiver.ts";
import { Sender } from "./sender.ts";

export class ReliableStream {
  /** What the peer sent, complete and in order. The shell takes it out. */
  messages: Uint8Array[] = [];
  /** What is to be sent now. The shell takes it out. */
  packets: Uint8Array[] = [];
  readonly #sender: Sender;
  readonly #receiver = new Receiver();

  constructor(now: number) {
    this.#sender = new Sender(now);
  }

  /** Bytes of our messages that the peer has not acknowledged. */
  get waiting(): number {
    return this.#sender.waiting;
  }

  /** Whether there is room, so that the game need not wait. */
  get hasRoom(): boolean {
    return this.waiting < reliableLimits.roomBytes;
  }

  /** Whether the peer has sent what no honest one does. Nothing more is taken from it. */
  get isBroken(): boolean {
    return this.#receiver.isBroken;
  }

  /** Takes a message of up to `messageBytes`, which nobody may change any more. False, and nothing is taken, if too much waits. */
  push(message: Uint8Array, now: number): boolean {
    if (this.waiting + message.length > reliableLimits.waitingBytes) return false;
    this.#sender.push(message);
    this.#send(now);
    return true;
  }

  /** A packet of the peer's other end. Bytes that are none are ignored: false. Its memory may be used again. */
  hear(bytes: Uint8Array, now: number): boolean {
    const packet = readReliablePacket(bytes);
    if (!packet) return false;
    if (packet.kind === "segment") this.messages.push(...this.#receiver.hear(packet, now));
    else this.#sender.hear(packet, now);
    this.#send(now);
    return true;
  }

  /** The link goes another way, which takes so many bytes a second. */
  changePath(roundTripMs: number | null, bytesPerSecond: number, now: number): void {
    this.#sender.changePath(roundTripMs, bytesPerSecond, now);
    this.#send(now);
  }

  /** Does what is due. */
  tick(now: number): void {
    this.#send(now);
  }

  /** When there is something to do by itself; infinity for never. */
  wakeAt(now: number): number {
    return Math.min(this.#receiver.dueAt, this.#sender.wakeAt(now));
  }

  #send(now: number): void {
    const acknowledgement = this.#receiver.take(now);
    if (acknowledgement) this.packets.push(acknowledgement);
    this.packets.push(...this.#sender.take(now));
  }
}
