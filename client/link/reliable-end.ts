/** Our end of a link's reliable stream (core/reliable/): whole messages, each once, in order, whatever happens to packets and paths. */
import type { PathKind } from "../../core/link/path.ts";
import { ReliableStream } from "../../core/reliable/stream.ts";
import { ownError } from "../error.ts";

/** Bytes a second that the stream sends over each kind of path: a relay is shared, and the game's packets must have room beside it. */
const rates: Readonly<Record<string, number>> = {
  lan: Number.POSITIVE_INFINITY,
  direct: Number.POSITIVE_INFINITY,
  turn: 256 * 1024,
  relay: 96 * 1024,
  websocket: 40 * 1024,
};

export type ReliableOptions = {
  /** Sends a packet of the stream by the path in use, or loses it. */
  transmit: (packet: Uint8Array) => void;
  /** A message came. */
  received: (message: Uint8Array) => void;
  /** Whether the game takes no more for now. */
  isFull: () => boolean;
  /** The peer has sent what no honest one does. */
  broken: () => void;
  /** Milliseconds, of a clock that does not go back. */
  now: () => number;
};

type Waiter = { resolve: () => void; reject: (error: unknown) => void };

export class ReliableEnd {
  readonly #options: ReliableOptions;
  readonly #stream: ReliableStream;
  #timer: ReturnType<typeof setTimeout> | null = null;
  /** Those who wait for room, and those who wait until the peer has all. All of a kind are done at once: there may be thousands, and a packet comes often. */
  #forRoom: Waiter[] = [];
  #forAll: Waiter[] = [];
  #isOver = false;

  constructor(options: ReliableOptions) {
    this.#options = options;
    this.#stream = new ReliableStream(options.now());
  }

  /** Takes a message, which nobody may change any more. Done when there is room for more. Throws `too_much_waits` or `link_closed`. */
  async send(message: Uint8Array): Promise<void> {
    if (this.#isOver) throw ownError("link_closed");
    if (!this.#stream.push(message, this.#options.now())) throw ownError("too_much_waits");
    this.#flush();
    if (!this.#stream.hasRoom) await waitIn(this.#forRoom);
  }

  /** Done when the peer has all. Throws `link_closed`. */
  async delivered(): Promise<void> {
    if (this.#isOver && this.#stream.waiting > 0) throw ownError("link_closed");
    if (this.#stream.waiting > 0) await waitIn(this.#forAll);
  }

  /** A packet of the peer's stream. While the game takes no more it is dropped: the peer sends it again. */
  hear(packet: Uint8Array): void {
    if (this.#isOver || (packet[0] !== 2 && this.#options.isFull())) return;
    this.#stream.hear(packet, this.#options.now());
    this.#flush();
    if (this.#stream.isBroken) this.#options.broken();
  }

  /** Packets go another way. */
  changePath(kind: PathKind, roundTripMs: number | null): void {
    this.#stream.changePath(roundTripMs, rates[kind] ?? Number.POSITIVE_INFINITY, this.#options.now());
    this.#flush();
  }

  /** The link is over. */
  close(): void {
    this.#isOver = true;
    if (this.#timer) clearTimeout(this.#timer);
    for (const waiters of [this.#forRoom, this.#forAll])
      for (const { reject } of waiters.splice(0)) reject(ownError("link_closed"));
  }

  /** Does what the stream wants, and sets the timer for what it wants next. */
  #flush(): void {
    const { transmit, received, now } = this.#options;
    for (const packet of this.#stream.packets.splice(0)) transmit(packet);
    for (const message of this.#stream.messages.splice(0)) received(message);
    if (this.#stream.hasRoom) for (const { resolve } of this.#forRoom.splice(0)) resolve();
    if (this.#stream.waiting === 0) for (const { resolve } of this.#forAll.splice(0)) resolve();
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
    const at = this.#isOver ? Number.POSITIVE_INFINITY : this.#stream.wakeAt(now());
    if (at === Number.POSITIVE_INFINITY) return;
    this.#timer = setTimeout(
      () => {
        this.#stream.tick(now());
        this.#flush();
      },
      Math.max(0, Math.ceil(at - now())),
    );
  }
}

async function waitIn(waiters: Waiter[]): Promise<void> {
  await new Promise<void>((resolve, reject) => waiters.push({ resolve, reject }));
}
