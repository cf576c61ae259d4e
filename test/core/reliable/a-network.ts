/** Two ends of a reliable stream, and a computed network between them, in computed time. */
import { ReliableStream } from "../../../core/reliable/stream.ts";

export type Conditions = {
  /** Parts of 1: of the packets that are lost, and doubled. */
  loss?: number;
  doubled?: number;
  /** Milliseconds of one way, and what is added at random. */
  delayMs?: number;
  jitterMs?: number;
  /** Bytes a second that pass one way; the rest is lost when more than 100 ms of them wait. */
  bytesPerSecond?: number;
};

type Flight = { at: number; order: number; to: "a" | "b"; bytes: Uint8Array };

export class Network {
  readonly a: ReliableStream;
  readonly b: ReliableStream;
  readonly got: { a: Uint8Array[]; b: Uint8Array[] } = { a: [], b: [] };
  now = 0;
  /** Packets sent, and bytes of them, both ways. */
  packets = 0;
  bytes = 0;
  conditions: Conditions;
  #flights: Flight[] = [];
  #order = 0;
  #seed: number;
  #busyUntil = { a: 0, b: 0 };

  constructor(conditions: Conditions = {}, seed = 1) {
    this.conditions = conditions;
    this.#seed = seed;
    this.a = new ReliableStream(0);
    this.b = new ReliableStream(0);
  }

  /** A part of 1, drawn anew each time (Lehmer's generator). */
  chance(): number {
    this.#seed = (this.#seed * 48_271) % 2_147_483_647;
    return this.#seed / 2_147_483_647;
  }

  /** What is on its way is lost. */
  cut(): void {
    this.#flights = [];
  }

  /** Lets time pass until it is so, or for so long. Whether it is so. */
  run(forMs: number, isDone: () => boolean = () => false): boolean {
    const end = this.now + forMs;
    this.#collect();
    while (!isDone()) {
      const first = this.#flights.reduce<Flight | null>(
        (a, b) => (a && (a.at < b.at || (a.at === b.at && a.order < b.order)) ? a : b),
        null,
      );
      const wake = Math.min(this.a.wakeAt(this.now), this.b.wakeAt(this.now));
      const next = Math.max(this.now, Math.min(first?.at ?? Number.POSITIVE_INFINITY, wake));
      if (next > end) {
        this.now = end;
        return isDone();
      }
      this.now = next;
      if (first && first.at <= next) {
        this.#flights.splice(this.#flights.indexOf(first), 1);
        this[first.to].hear(first.bytes, next);
      } else {
        this.a.tick(next);
        this.b.tick(next);
      }
      this.#collect();
    }
    return true;
  }

  #collect(): void {
    for (const [from, to] of [
      ["a", "b"],
      ["b", "a"],
    ] as const) {
      this.got[from].push(...this[from].messages.splice(0));
      for (const bytes of this[from].packets.splice(0)) this.#send(to, bytes);
    }
  }

  #send(to: "a" | "b", bytes: Uint8Array): void {
    const { loss = 0, doubled = 0, delayMs = 20, jitterMs = 0, bytesPerSecond } = this.conditions;
    this.packets += 1;
    this.bytes += bytes.length;
    let departure = this.now;
    if (bytesPerSecond !== undefined) {
      departure = Math.max(this.now, this.#busyUntil[to]);
      if (departure - this.now > 100) return;
      this.#busyUntil[to] = departure + (bytes.length / bytesPerSecond) * 1000;
    }
    const copies = this.chance() < loss ? 0 : this.chance() < doubled ? 2 : 1;
    for (let i = 0; i < copies; i++) {
      const at = departure + delayMs + this.chance() * jitterMs;
      this.#flights.push({ at, order: this.#order++, to, bytes: bytes.slice() });
    }
  }
}

/** A message that tells its number, of so many bytes. */
export function numbered(number: number, length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (number * 31 + i) & 255);
}
