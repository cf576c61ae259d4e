/** The second half of the plugin of Rabid Hole Punch: greetings and confirmations between players, without the server. */
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";

/** An entry in the list of those to meet, as the server tells it. */
export type Peer = { name: string; ip: string; port: number };

/** Where to play: a guest from its port, to the host's. */
export type Reached = { ownPort: number; hostIp?: string; hostPort?: number };

/** `haste`: everything is faster by this. */
export type PeerTimes = { haste: number; frameMs: number };

/** Milliseconds between two packets to one peer. */
const tickMs = 50;
/** Packets to each of its ports. */
const greetingsPerPort = 5;
/** Ports around the one that was told, to each side. */
const portsAround = 8;
/** Milliseconds to listen when all greetings are sent. */
const listenMs = 5_250;
/** Milliseconds until the host starts, or a guest gives up. */
const confirmMs = 2_000;
/** Milliseconds that the host waits for the last. */
const lastMs = 1_500;
/** Seconds in which the host lets the others start. */
const startInS = 3;

export class RabidPeers {
  readonly outcome: Promise<Reached | { error: string }>;
  readonly #about: {
    name: string;
    isHost: boolean;
    others: Peer[];
    from: string | undefined;
    times: PeerTimes;
  };
  #ownPort: number;
  #socket: Socket | null = null;
  #isClosed = false;
  readonly #queue: { text: string; ip: string }[] = [];
  /** How often each of our ports was reached. */
  readonly #reached = new Map<number, number>();
  /** Where each peer was heard, by its name. */
  readonly #confirmed = new Map<string, number>();
  readonly #ready = new Set<string>();
  #startAt: number | null = null;

  constructor(about: {
    ownPort: number;
    others: Peer[];
    name: string;
    isHost: boolean;
    from: string | undefined;
    times: PeerTimes;
  }) {
    this.#about = about;
    this.#ownPort = about.ownPort;
    this.outcome = this.#run().finally(() => this.close());
  }

  close(): void {
    this.#isClosed = true;
    this.#socket?.close();
    this.#socket = null;
  }

  async #run(): Promise<Reached | { error: string }> {
    await this.#bind();
    await this.#greet();
    const most = [...this.#reached].sort(([, a], [, b]) => b - a)[0];
    if (!most) return { error: "unreachable_self" };
    if (most[0] !== this.#ownPort) {
      this.#ownPort = most[0];
      await this.#bind();
    }
    return await this.#confirm();
  }

  async #bind(): Promise<void> {
    this.#socket?.close();
    this.#queue.length = 0;
    const socket = createSocket("udp4");
    socket.on("message", (bytes, { address: ip }) => this.#queue.push({ text: bytes.toString(), ip }));
    socket.on("error", () => {});
    socket.bind({ port: this.#ownPort, address: this.#about.from ?? "0.0.0.0" });
    await once(socket, "listening");
    this.#socket = socket;
  }

  async #greet(): Promise<void> {
    const { name, others } = this.#about;
    const around = Array.from({ length: 2 * portsAround + 1 }, (_, i) => i - portsAround);
    for (const offset of [0, ...around.filter((one) => one !== 0)]) {
      for (let i = 0; i < greetingsPerPort; i++) {
        for (const { ip, port } of others)
          this.#send(`g:${name}:${this.#ownPort}:${port + offset}`, port + offset, ip);
        await this.#frames(tickMs);
      }
      // The plugin loses a tick at each change.
      await this.#frames(tickMs);
    }
    await this.#frames(listenMs);
  }

  async #confirm(): Promise<Reached | { error: string }> {
    const { name, others, isHost } = this.#about;
    const [host] = others;
    const begun = performance.now();
    const since = () => (performance.now() - begun) * this.#about.times.haste;
    for (let tick = 0; ; tick++) {
      if (this.#isClosed) return { error: "closed" };
      const isStarting = isHost && since() >= confirmMs;
      for (const other of others) {
        const port =
          this.#confirmed.get(other.name) ?? other.port + (tick % (2 * portsAround + 1)) - portsAround;
        const text = isStarting
          ? `s:${startInS}`
          : this.#startAt
            ? `y:${name}:${this.#ownPort}`
            : `c:${name}:${this.#ownPort}`;
        this.#send(text, port, other.ip);
      }
      await this.#frames(tickMs);
      if (isHost) {
        const isReady = others.every((other) => this.#ready.has(other.name));
        if (isStarting && (isReady || since() >= confirmMs + lastMs)) return { ownPort: this.#ownPort };
      } else if (this.#startAt !== null) {
        if (performance.now() >= this.#startAt && host)
          return {
            ownPort: this.#ownPort,
            hostIp: host.ip,
            hostPort: this.#confirmed.get(host.name) ?? host.port,
          };
      } else if (since() >= confirmMs + lastMs && host && !this.#confirmed.has(host.name)) {
        return { error: "host_not_confirmed" };
      }
    }
  }

  /** Reads one packet a frame, for so long. */
  async #frames(ms: number): Promise<void> {
    const { haste, frameMs } = this.#about.times;
    const until = performance.now() + ms / haste;
    do {
      this.#hear(this.#queue.shift());
      await new Promise((resolve) => setTimeout(resolve, frameMs / haste));
    } while (performance.now() < until && !this.#isClosed);
  }

  #hear(packet: { text: string; ip: string } | undefined): void {
    if (!packet) return;
    const [type, one = "", two = "", three = ""] = packet.text.split(":");
    if (type === "g") this.#reached.set(Number(three), (this.#reached.get(Number(three)) ?? 0) + 1);
    else if (type === "c") this.#confirmed.set(one, Number(two));
    else if (type === "y") this.#ready.add(one);
    else if (type === "s" && this.#startAt === null)
      this.#startAt = performance.now() + (Number(one) * 1_000) / this.#about.times.haste;
  }

  #send(text: string, port: number, ip: string): void {
    if (port > 0 && port < 65_536 && !this.#isClosed) this.#socket?.send(text, port, ip);
  }
}
