/**
 * How many packets of a peer get lost. Pages send each other a small numbered packet now and then, besides those of the game; the numbers
 * that are missing were lost. A peer that sends none is unknown: its page may be out of sight, or it is another program.
 */
import type { Link } from "/sdk.js";

/** The first bytes of such a packet. The game's begin otherwise. */
const mark = [0x6c, 0x6f, 0x73, 0x73] as const;
const packetBytes = mark.length + 4;
/** Milliseconds between two. */
export const probeMs = 500;
/** Numbers that are looked back on: ten seconds. */
const span = 20;
/** Fewer say nothing. */
const fewest = 6;
/** Milliseconds after which what was counted is old. */
const freshMs = 4 * probeMs;

export function probeOf(number: number): Uint8Array {
  const packet = new Uint8Array(packetBytes);
  packet.set(mark);
  new DataView(packet.buffer).setUint32(mark.length, number);
  return packet;
}

/** The number in such a packet; null for every other packet. */
export function numberIn(packet: Uint8Array): number | null {
  if (packet.length !== packetBytes || mark.some((byte, at) => packet[at] !== byte)) return null;
  return new DataView(packet.buffer, packet.byteOffset).getUint32(mark.length);
}

/** What has come of one peer's numbers. */
export class Arrivals {
  #numbers: number[] = [];
  #heardAt = Number.NEGATIVE_INFINITY;

  /** `now`: in milliseconds, of any clock. */
  hear(number: number, now: number): void {
    const newest = this.#numbers.at(-1) ?? number;
    // The peer's page was loaded again, or slept: it counts anew.
    if (Math.abs(number - newest) > span || now - this.#heardAt > freshMs) this.#numbers = [];
    this.#heardAt = now;
    if (this.#numbers.includes(number)) return;
    this.#numbers = [...this.#numbers, number].sort((a, b) => a - b);
    const oldest = (this.#numbers.at(-1) ?? 0) - span;
    this.#numbers = this.#numbers.filter((one) => one > oldest);
  }

  /** The share that was lost, from 0 to 1; null if nobody knows. */
  lost(now: number): number | null {
    const [first] = this.#numbers;
    const last = this.#numbers.at(-1);
    if (first === undefined || last === undefined || now - this.#heardAt > freshMs) return null;
    const sent = last - first + 1;
    return sent < fewest ? null : 1 - this.#numbers.length / sent;
  }
}

/** Counts a link's losses until it is closed, and sends what the peer counts by. */
export function countLoss(link: Link): { lost: () => number | null; stop: () => void } {
  const arrivals = new Arrivals();
  let next = 0;
  const forget = link.on("message", (packet) => {
    const number = numberIn(packet);
    if (number !== null) arrivals.hear(number, performance.now());
  });
  const timer = setInterval(() => {
    if (document.hidden) return;
    try {
      link.send(probeOf(next));
      next += 1;
    } catch {
      // It is closed.
      stop();
    }
  }, probeMs);
  const stop = () => {
    clearInterval(timer);
    forget();
  };
  return { lost: () => arrivals.lost(performance.now()), stop };
}
