/** The UDP sockets of one mediation: the two that all its links share, and those that a link opens to be found. */
import { createSocket, type Socket, type SocketOptions, type SocketType } from "node:dgram";
import { lookup } from "node:dns";
import { once } from "node:events";
import { isIP } from "node:net";
import { type Endpoint, plainAddress } from "../../core/endpoint.ts";
import type { LocalSocket } from "../../core/link/path.ts";
import { ownError } from "../error.ts";
import type { Receive } from "../link/platform.ts";

/** Bytes the system holds for us while the game is busy, if it lets us have them: a frame's packets of 63 players, and more. */
const bufferBytes = 1024 * 1024;

/** The sockets `v4` and `v6`. Both stay open, and keep the process alive, until `close`. */
export class UdpSockets {
  readonly #v4: Socket;
  readonly #v6: Socket | null;

  /** Both at any free port, the same if it is free. Without IPv6 there is only the one. Throws `no_socket`. */
  static async open(receive: Receive): Promise<UdpSockets> {
    const v4 = await bind("udp4", 0, (bytes, remote) => receive(bytes, "v4", remote));
    if (!v4) throw ownError("no_socket");
    const receiveV6 = (bytes: Uint8Array, remote: Endpoint) => receive(bytes, "v6", remote);
    const v6 = (await bind("udp6", v4.address().port, receiveV6)) ?? (await bind("udp6", 0, receiveV6));
    for (const socket of [v4, v6]) if (socket) widen(socket);
    return new UdpSockets(v4, v6);
  }

  private constructor(v4: Socket, v6: Socket | null) {
    this.#v4 = v4;
    this.#v6 = v6;
  }

  get v4Port(): number {
    return this.#v4.address().port;
  }

  /** null without IPv6. */
  get v6Port(): number | null {
    return this.#v6?.address().port ?? null;
  }

  /** Sends, or does not: UDP promises nothing. */
  send(bytes: Uint8Array | string, local: "v4" | "v6", remote: Endpoint): void {
    const socket = local === "v4" ? this.#v4 : this.#v6;
    if (socket) sendFrom(socket, bytes, remote);
  }

  /** The same, from the socket of the address's family. */
  sendTo(bytes: Uint8Array | string, remote: Endpoint): void {
    this.send(bytes, remote.ip.includes(":") ? "v6" : "v4", remote);
  }

  /** Gives up the socket for this address's family, to the caller, and closes the other. */
  release(ip: string): Socket {
    const [socket, other] = ip.includes(":") && this.#v6 ? [this.#v6, this.#v4] : [this.#v4, this.#v6];
    if (other) close(other);
    socket.removeAllListeners("message");
    socket.removeAllListeners("error");
    return socket;
  }

  close(): void {
    close(this.#v4);
    if (this.#v6) close(this.#v6);
  }
}

/** Sockets opened at once: each takes a system call or four. */
const batch = 32;
/** Sockets closed again where the system gives no more: the game has files to open, and other connections. */
const spare = 32;

/** The sockets a link opens behind a NAT that gives each another port, by number. */
export class ExtraSockets {
  readonly #receive: Receive;
  #sockets: (Socket | null)[] = [];
  /** Of the last opening: what an earlier one still brings is closed. */
  #opening = 0;

  constructor(receive: Receive) {
    this.#receive = receive;
  }

  /** Opens so many, as far as the system lets it, in steps between which the game goes on. How many it became, none if they were closed meanwhile. */
  async open(count: number): Promise<number> {
    this.#opening += 1;
    const opening = this.#opening;
    for (let left = count; left > 0; left -= batch) {
      const size = Math.min(batch, left);
      const sockets = await Promise.all(Array.from({ length: size }, () => this.#openOne(opening)));
      if (opening !== this.#opening) return 0;
      if (sockets.includes(null)) {
        for (const socket of this.#sockets.splice(-spare)) if (socket) close(socket);
        break;
      }
      await new Promise((resolve) => setImmediate(resolve));
    }
    return opening === this.#opening ? this.#sockets.length : 0;
  }

  send(bytes: Uint8Array, local: number, remote: Endpoint): void {
    const socket = this.#sockets[local];
    if (socket) sendFrom(socket, bytes, remote);
  }

  /** Closes all but one, those on their way as well. */
  closeAllBut(keep: LocalSocket | null): void {
    this.#opening += 1;
    this.#sockets = this.#sockets.map((socket, number) => {
      if (number === keep) return socket;
      if (socket) close(socket);
      return null;
    });
  }

  close(): void {
    this.closeAllBut(null);
  }

  async #openOne(opening: number): Promise<Socket | null> {
    let number: number | null = null;
    const socket = await bind("udp4", 0, (bytes, remote) => {
      if (number !== null) this.#receive(bytes, number, remote);
    });
    if (!socket) return null;
    if (opening === this.#opening) number = this.#sockets.push(socket) - 1;
    else close(socket);
    return socket;
  }
}

async function bind(
  type: SocketType,
  port: number,
  receive: (bytes: Uint8Array, remote: Endpoint) => void,
): Promise<Socket | null> {
  let socket: Socket | null = null;
  try {
    socket = createSocket({ type, ipv6Only: type === "udp6", lookup: lookUp });
    const listening = once(socket, "listening");
    socket.bind(port);
    await listening;
    socket.on("error", () => {});
    socket.on("message", (bytes, { address, port }) => receive(bytes, { ip: plainAddress(address), port }));
    return socket;
  } catch {
    if (socket) close(socket);
    return null;
  }
}

function widen(socket: Socket): void {
  try {
    socket.setRecvBufferSize(bufferBytes);
  } catch {
    // Some systems give what they have, others refuse.
  }
}

/** Node's own look-up puts off every datagram to the next tick. Names are sent to by games only, which were given the socket. */
const lookUp: NonNullable<SocketOptions["lookup"]> = (host, options, done) => {
  const family = isIP(host);
  if (family === 0) lookup(host, { ...options, all: false }, done);
  else done(null, host, family);
};

function sendFrom(socket: Socket, bytes: Uint8Array | string, { ip, port }: Endpoint): void {
  try {
    // The callback takes the errors: no route, no permission, no room.
    socket.send(bytes, port, ip, () => {});
  } catch {
    // It is closed: what is sent then is lost, like on the way.
  }
}

function close(socket: Socket): void {
  try {
    socket.close();
  } catch {
    // It is closed already, or could not be opened.
  }
}
