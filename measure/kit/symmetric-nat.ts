/**
 * A player's router that gives another port for each destination, and lets in only what comes from there (RFC 4787: address- and
 * port-dependent mapping and filtering). Its public address is one of this machine's.
 */
import { createSocket, type RemoteInfo, type Socket } from "node:dgram";
import { EventEmitter, once } from "node:events";

/** What a player needs of a UDP socket. */
export type PlayerSocket = {
  /** The local port, behind the router. */
  readonly port: number;
  send(bytes: string | Uint8Array, port: number, address: string): void;
  onMessage(heard: (bytes: Buffer, from: Pick<RemoteInfo, "address" | "port">) => void): void;
  close(): Promise<void>;
};

/** Opens a socket on a local port; 0 for any free one. */
export type OpenSocket = (port: number) => Promise<PlayerSocket>;

/** Without any router. */
export function openAt(address: string): OpenSocket {
  return async (port) => {
    const socket = createSocket({ type: "udp4", recvBufferSize: 1 << 20 });
    socket.bind(port, address);
    await once(socket, "listening");
    return {
      port: socket.address().port,
      send: (bytes, port, address) => socket.send(bytes, port, address),
      onMessage: (heard) => void socket.on("message", heard),
      close: () => closed(socket),
    };
  };
}

export class SymmetricNat {
  /** Ports of the public side, by the player's local port and the destination. */
  readonly #mappings = new Map<string, { socket: Socket; events: EventEmitter }>();
  readonly #address: string;
  #nextPort = 40_000;

  /** `address`: its public one. */
  constructor(address: string) {
    this.#address = address;
  }

  /** Ports on the public side. */
  get mappings(): number {
    return this.#mappings.size;
  }

  readonly open: OpenSocket = async (port) => {
    const local = port === 0 ? this.#nextPort++ : port;
    const events = new EventEmitter();
    return {
      port: local,
      send: (bytes, to, address) => {
        const mapping = this.#mappingOf(local, to, address);
        // A local port that is bound again keeps its mappings, as with a real router.
        mapping.events = events;
        mapping.socket.send(bytes, to, address);
      },
      onMessage: (heard) => void events.on("message", heard),
      close: async () => {
        events.removeAllListeners();
      },
    };
  };

  async close(): Promise<void> {
    await Promise.all([...this.#mappings.values()].map(({ socket }) => closed(socket)));
    this.#mappings.clear();
  }

  #mappingOf(local: number, port: number, address: string) {
    const key = `${local} ${address} ${port}`;
    const known = this.#mappings.get(key);
    if (known) return known;
    const socket = createSocket("udp4");
    const mapping = { socket, events: new EventEmitter() };
    socket.bind(0, this.#address);
    socket.on("message", (bytes, from) => {
      if (from.port === port && from.address === address) mapping.events.emit("message", bytes, from);
    });
    this.#mappings.set(key, mapping);
    return mapping;
  }
}

function closed(socket: Socket): Promise<void> {
  return new Promise((resolve) => socket.close(() => resolve()));
}
