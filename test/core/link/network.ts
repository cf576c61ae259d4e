/** A network that is only computed: segments, NATs, hosts and delays, in virtual time, the same again for the same seed. */
import type { Endpoint } from "../../../core/endpoint.ts";

export type Packet<Body> = { from: Endpoint; to: Endpoint; body: Body };
type Device<Body> = { receive(packet: Packet<Body>): void };

/** How packets fare between two places on the Internet. */
export type Weather = {
  delayMs: number;
  /** Added to each packet's delay, by chance: with more than a few, packets overtake each other. */
  jitterMs: number;
  /** From 0 to 1. */
  loss: number;
  doubled: number;
};

export const fairWeather: Weather = { delayMs: 40, jitterMs: 5, loss: 0, doubled: 0 };

/** Random numbers from 0 to below 1, the same for the same seed. */
export function chance(seed: number): () => number {
  let state = (seed ^ 0x9e3779b9) >>> 0;
  return () => {
    state = (state + 0x9e3779b9) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 16), 0x21f0aaad);
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
    return ((mixed ^ (mixed >>> 15)) >>> 0) / 2 ** 32;
  };
}

/** What happens when: a queue of things to do, in order of time, and of arrival for the same time. */
export class Clock {
  now = 0;
  #nextOrder = 0;
  readonly #heap: { at: number; order: number; act: () => void }[] = [];

  at(time: number, act: () => void): void {
    const heap = this.#heap;
    heap.push({ at: Math.max(time, this.now), order: this.#nextOrder++, act });
    for (let i = heap.length - 1; i > 0; ) {
      const parent = (i - 1) >> 1;
      if (!this.#isBefore(i, parent)) break;
      this.#swap(i, parent);
      i = parent;
    }
  }

  /** Lets everything happen that does until then. */
  runUntil(time: number, isEnough: () => boolean = () => false): void {
    for (let first = this.#heap[0]; first && first.at <= time && !isEnough(); first = this.#heap[0]) {
      this.#pop();
      this.now = first.at;
      first.act();
    }
    if (!isEnough()) this.now = time;
  }

  #pop(): void {
    const heap = this.#heap;
    this.#swap(0, heap.length - 1);
    heap.pop();
    for (let i = 0; ; ) {
      const [left, right] = [2 * i + 1, 2 * i + 2];
      let least = i;
      if (left < heap.length && this.#isBefore(left, least)) least = left;
      if (right < heap.length && this.#isBefore(right, least)) least = right;
      if (least === i) return;
      this.#swap(i, least);
      i = least;
    }
  }

  #isBefore(i: number, j: number): boolean {
    const [a, b] = [this.#heap[i], this.#heap[j]];
    return a !== undefined && b !== undefined && (a.at < b.at || (a.at === b.at && a.order < b.order));
  }

  #swap(i: number, j: number): void {
    const [a, b] = [this.#heap[i], this.#heap[j]];
    if (a && b) [this.#heap[i], this.#heap[j]] = [b, a];
  }
}

/** Where devices reach each other by their addresses; what is for nobody goes to the gateway, if there is one. */
export class Segment<Body> {
  readonly devices = new Map<string, Device<Body>>();
  gateway: { send(packet: Packet<Body>): void } | null = null;
  /** Packets it must not carry. */
  cut: (packet: Packet<Body>) => boolean = () => false;
  readonly #clock: Clock;
  readonly #random: () => number;
  weather: Weather;

  constructor(clock: Clock, random: () => number, weather: Weather) {
    this.#clock = clock;
    this.#random = random;
    this.weather = weather;
  }

  send(packet: Packet<Body>): void {
    if (this.cut(packet)) return;
    if (!this.devices.has(packet.to.ip)) {
      this.gateway?.send(packet);
      return;
    }
    const { delayMs, jitterMs, loss, doubled } = this.weather;
    const copies = this.#random() < doubled ? 2 : 1;
    for (let i = 0; i < copies; i++) {
      if (this.#random() < loss) continue;
      const at = this.#clock.now + delayMs + jitterMs * this.#random();
      this.#clock.at(at, () => this.devices.get(packet.to.ip)?.receive(packet));
    }
  }
}

/** A computer: one address, and sockets. */
export class Host<Body> {
  readonly ip: string;
  readonly segment: Segment<Body>;
  readonly #sockets = new Map<number, (packet: Packet<Body>) => void>();

  constructor(segment: Segment<Body>, ip: string) {
    this.ip = ip;
    this.segment = segment;
    segment.devices.set(ip, this);
  }

  open(port: number, receive: (packet: Packet<Body>) => void): void {
    this.#sockets.set(port, receive);
  }

  close(port: number): void {
    this.#sockets.delete(port);
  }

  get openPorts(): number {
    return this.#sockets.size;
  }

  send(port: number, to: Endpoint, body: Body): void {
    if (!this.#sockets.has(port)) throw new Error(`port ${port} is closed`);
    const packet = { from: { ip: this.ip, port }, to, body };
    if (to.ip === this.ip) this.receive(packet);
    else this.segment.send(packet);
  }

  receive(packet: Packet<Body>): void {
    this.#sockets.get(packet.to.port)?.(packet);
  }
}
