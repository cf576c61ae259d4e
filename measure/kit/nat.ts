/** A small NAT between one player and all others: a UDP port on the outside, which it forgets after a short silence. */
import { createSocket, type Socket } from "node:dgram";

export class Nat {
  readonly #forgetsAfterMs: number;
  readonly #heard: (text: string, fromPort: number) => void;
  /** The mapping, while there is one. */
  #outside: Socket | null = null;
  #sentTo = new Set<number>();
  #timer: NodeJS.Timeout | null = null;
  /** How many mappings there were: a player whose mapping was forgotten has another port. */
  mappings = 0;

  /** `heard` is called with what comes in from a port that the player has sent to. */
  constructor(forgetsAfterMs: number, heard: (text: string, fromPort: number) => void) {
    this.#forgetsAfterMs = forgetsAfterMs;
    this.#heard = heard;
  }

  /** The player sends a datagram to this port of this machine. */
  send(text: string, port: number): void {
    this.#outside ??= this.#open();
    this.#sentTo.add(port);
    this.#outside.send(text, port, "127.0.0.1");
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.close(), this.#forgetsAfterMs);
  }

  /** Forgets the mapping. */
  close(): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#outside?.close();
    this.#outside = null;
    this.#sentTo = new Set();
  }

  #open(): Socket {
    const socket = createSocket("udp4");
    const sentTo = this.#sentTo;
    socket.on("message", (bytes, { port }) => {
      if (sentTo.has(port)) this.#heard(bytes.toString(), port);
    });
    this.mappings += 1;
    return socket;
  }
}
