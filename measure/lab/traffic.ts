/** The packets of a game over a link, twenty a second each way, and what the lab wants to know of them. */
import type { PathKind } from "../../core/link/path.ts";
import type { Flow, Sum } from "./orders.ts";

/** What a game needs of a link of either SDK. */
export type GameLink = {
  readonly path: PathKind;
  readonly rttMs: number | null;
  send(packet: Uint8Array): void;
  sendReliable(message: Uint8Array): Promise<void>;
  delivered(): Promise<void>;
  on(event: "message", listener: (bytes: Uint8Array) => void): () => void;
  on(event: "path", listener: (path: PathKind) => void): () => void;
};

/** Milliseconds between packets, and bytes of one. */
const everyMs = 50;
const packetBytes = 100;
/** Packets flow when half of those of a second arrive. */
const flowMs = 1_000;
const flowPackets = flowMs / everyMs / 2;
/** Milliseconds after which they do not flow again at all. */
const flowPatienceMs = 30_000;
/** Milliseconds in which what is on its way arrives, on the worst of uplinks. */
const drainMs = 4_000;
/** Reliable messages of one game, and bytes of each. */
const reliableMessages = 10;
const reliableBytes = 1_024;

/** Milliseconds of a clock that all processes of this machine have in common, to a few milliseconds. */
export function clockMs(): number {
  return performance.timeOrigin + performance.now();
}

export function wait(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

type Arrival = { sentMs: number; atMs: number };

/** Milliseconds from `sinceMs` until the first packet sent since then, with which packets flow; null if they do not, as far as these show. */
export function flowAfter(sinceMs: number, arrivals: readonly Arrival[]): number | null {
  const later = arrivals.filter(({ sentMs }) => sentMs >= sinceMs);
  const first = later.find(
    ({ atMs }, index) => later.slice(index).filter((each) => each.atMs < atMs + flowMs).length >= flowPackets,
  );
  return first ? first.atMs - sinceMs : null;
}

/** The longest time between two of these; to begin with `fromMs`, to end with `untilMs`. */
export function longestSilence(fromMs: number, arrivals: readonly Arrival[], untilMs: number): number {
  const times = [fromMs, ...arrivals.map(({ atMs }) => atMs), untilMs];
  return Math.max(...times.slice(1).map((ms, index) => ms - (times[index] ?? ms)));
}

/** One game over a link. It takes in packets from the beginning, and sends from its start on. */
export class Traffic implements Disposable {
  readonly #link: GameLink;
  readonly #arrivals: Arrival[] = [];
  #sent = 0;
  #timer: ReturnType<typeof setInterval> | null = null;
  #startedAt = 0;
  #reliableMs: number | null = null;
  #isLost = false;

  constructor(link: GameLink) {
    this.#link = link;
    link.on("message", (bytes) => {
      if (bytes.length !== packetBytes) return;
      const sentMs = new DataView(bytes.buffer, bytes.byteOffset).getFloat64(0);
      this.#arrivals.push({ sentMs, atMs: clockMs() });
    });
  }

  start(): void {
    this.#startedAt = clockMs();
    this.#timer ??= setInterval(() => this.#send(), everyMs);
    void this.#sendReliable();
  }

  /** How long packets that were sent since then took until they flowed. Waits until they do, or for 30 s. */
  async flowSince(sinceMs: number): Promise<Flow> {
    const giveUpAt = sinceMs + flowPatienceMs;
    let ms = flowAfter(sinceMs, this.#arrivals);
    while (ms === null && clockMs() < giveUpAt) {
      await wait(everyMs);
      ms = flowAfter(sinceMs, this.#arrivals);
    }
    return { ms, path: this.#link.path };
  }

  /** Stops, waits for what is on its way, and says how the game went. */
  async sum(): Promise<Sum> {
    this[Symbol.dispose]();
    const { path, rttMs } = this.#link;
    const first = this.#arrivals[0]?.atMs ?? this.#startedAt;
    const silenceMs = longestSilence(first, this.#arrivals, clockMs());
    await wait(drainMs);
    const about = { sent: this.#sent, received: this.#arrivals.length, silenceMs, rttMs, path };
    return { ...about, reliableMs: this.#reliableMs, isLost: this.#isLost };
  }

  [Symbol.dispose](): void {
    if (this.#timer) clearInterval(this.#timer);
    this.#timer = null;
  }

  #send(): void {
    const packet = new Uint8Array(packetBytes);
    new DataView(packet.buffer).setFloat64(0, clockMs());
    try {
      this.#link.send(packet);
      this.#sent += 1;
    } catch {
      this.#isLost = true;
    }
  }

  async #sendReliable(): Promise<void> {
    const beganAt = clockMs();
    try {
      for (let i = 0; i < reliableMessages; i += 1)
        await this.#link.sendReliable(new Uint8Array(reliableBytes).fill(i));
      await this.#link.delivered();
      this.#reliableMs = clockMs() - beganAt;
    } catch {
      // The link has ended, or is not encrypted: null says so.
    }
  }
}
