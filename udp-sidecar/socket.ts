/**
 * UDP ports of a machine that may have several addresses. A router, and a connected socket, drop an answer that comes from another
 * address than the one they sent to. One socket for all addresses answers from the address that the system prefers for the way
 * back. So on Linux each address has a socket of its own, and the socket for all addresses gets the rest.
 */
import { createSocket, type RemoteInfo, type Socket, type SocketType } from "node:dgram";
import { isIP, isIPv6 } from "node:net";
import { networkInterfaces } from "node:os";
import { plainAddress } from "../core/endpoint.ts";
import { sidecarLimits } from "./limits.ts";

/** Bytes the system holds for each socket while this thread is busy: about a tenth of a second of a flood. */
export const bufferBytes = 4 * 1024 * 1024;

/** A way out of this machine: what is sent by it comes from the local address that it belongs to. Addresses of IPv4 are plain. */
export class Outlet {
  #socket: Socket;
  /** Whether it is of the family that spells `10.0.0.1` as `::ffff:10.0.0.1`. */
  #isV6: boolean;
  #asked = 0;
  #isFull = false;

  constructor(socket: Socket, isV6: boolean) {
    this.#socket = socket;
    this.#isV6 = isV6;
  }

  send(datagram: string | Uint8Array, port: number, address: string): void {
    const to = this.#isV6 && !address.includes(":") ? `::ffff:${address}` : address;
    this.#socket.send(datagram, port, to);
  }

  /** Whether it has more to send than the network takes. Looks for one question in 64, and for every one while it has. */
  isFull(): boolean {
    if (!this.#isFull && (this.#asked++ & 63) !== 0) return false;
    this.#isFull = this.#socket.getSendQueueSize() > sidecarLimits.relayQueueBytes;
    return this.#isFull;
  }

  /** From now on the other one sends what this one is given: its own address is gone. */
  replaceBy(other: Outlet): void {
    this.#socket = other.#socket;
    this.#isV6 = other.#isV6;
  }
}

/** Takes a datagram. Answers to it must leave by `via`. */
export type Receive = (bytes: Buffer, from: RemoteInfo, via: Outlet) => void;

/** The addresses of this machine that should have sockets of their own. */
export type Addresses = () => readonly string[];

type Local = { socket: Socket; outlet: Outlet /** When it was last in the list. */; listedAt: number };

export class UdpPort {
  readonly port: number;
  /** What the system holds for it while this thread is busy: it may be less than was asked for. */
  readonly bufferBytes: number;
  readonly #rest: Local;
  readonly #own = new Map<string, Local>();
  readonly #addresses: Addresses;
  readonly #receive: Receive;
  readonly #elapsed: () => number;
  #refreshing: Promise<void> | null = null;
  #isClosed = false;

  private constructor(rest: Socket, { addresses, receive, elapsed }: PortOptions) {
    this.#receive = receive;
    this.#addresses = addresses;
    this.#elapsed = elapsed;
    this.#rest = this.#take(rest);
    this.port = rest.address().port;
    this.bufferBytes = rest.getRecvBufferSize();
  }

  /**
   * Listens on all addresses, IPv4 and IPv6; with `0.0.0.0` on those of IPv4; else on `bind` alone. Port 0 is any free one. Rejects, with the system's error, if
   * the port cannot be bound.
   */
  static async open(port: number, options: PortOptions): Promise<UdpPort> {
    const { bind } = options;
    if (bind !== undefined && bind !== "0.0.0.0" && bind !== "::") {
      const socket = await tryBind(isIPv6(bind) ? "udp6" : "udp4", port, bind);
      return new UdpPort(socket, { ...options, addresses: () => [] });
    }
    const families = bind === "0.0.0.0" ? "v4" : "both";
    const shared = process.platform === "linux" ? await shareAll(port, families) : null;
    if (!shared)
      return new UdpPort(await bindAll(port, families, false), { ...options, addresses: () => [] });
    const addresses = () => options.addresses().filter((address) => families === "both" || !isIPv6(address));
    const opened = new UdpPort(shared, { ...options, addresses });
    await opened.refresh();
    return opened;
  }

  /** Opens sockets for addresses that have come, and closes those of addresses that have been gone for a while. */
  refresh(): Promise<void> {
    this.#refreshing ??= this.#refresh().finally(() => {
      this.#refreshing = null;
    });
    return this.#refreshing;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#refreshing;
    await Promise.all([this.#rest, ...this.#own.values()].map(({ socket }) => closed(socket)));
  }

  async #refresh(): Promise<void> {
    const wanted = new Set(this.#addresses().slice(0, sidecarLimits.localAddresses));
    const now = this.#elapsed();
    for (const address of wanted) {
      const known = this.#own.get(address);
      if (known) known.listedAt = now;
      if (known || this.#isClosed) continue;
      // An address that cannot be had, or not yet, as one that IPv6 still checks: the socket for the rest gets its datagrams.
      const type = isIPv6(address) ? "udp6" : "udp4";
      const socket = await tryBind(type, this.port, address, true).catch(() => null);
      if (socket) this.#own.set(address, this.#take(socket));
    }
    for (const [address, { socket, outlet, listedAt }] of this.#own) {
      if (wanted.has(address) || now - listedAt < sidecarLimits.localAddressKeptMs) continue;
      this.#own.delete(address);
      outlet.replaceBy(this.#rest.outlet);
      socket.close();
    }
  }

  #take(socket: Socket): Local {
    const isV6 = socket.address().family === "IPv6";
    const outlet = new Outlet(socket, isV6);
    const receive = this.#receive;
    socket.on("message", (bytes, from) => {
      if (isV6 && from.address.startsWith("::ffff:")) from.address = plainAddress(from.address);
      receive(bytes, from, outlet);
    });
    return { socket, outlet, listedAt: this.#elapsed() };
  }
}

export type PortOptions = {
  /** The one local address to listen on; all of them without. */
  bind: string | undefined;
  addresses: Addresses;
  receive: Receive;
  /** Milliseconds since any moment, never set back nor ahead. */
  elapsed: () => number;
};

/**
 * The machine's addresses as the system lists them, and before those `host`, if it is an address: the system may take datagrams
 * for one that it does not list. An address that is only good with the name of its interface (fe80::) is left out.
 */
export function addressesWith(host?: string): Addresses {
  const own = host !== undefined && isIP(host) !== 0 ? [plainAddress(host)] : [];
  return () => {
    const listed = interfaces().filter((address) => !/^fe[89ab]/i.test(address));
    return [...new Set([...own, ...listed])];
  };
}

function interfaces(): string[] {
  try {
    return Object.values(networkInterfaces()).flatMap((all = []) => all.map(({ address }) => address));
  } catch {
    // Some systems, as Android, do not tell.
    return [];
  }
}

/**
 * All addresses, in such a way that this program can open more sockets for the port. Others of the same user could as well, and
 * would take datagrams away. So it first makes sure that nobody has the port. Null if the system shares no ports.
 */
async function shareAll(port: number, families: Families, triesLeft = 10): Promise<Socket | null> {
  const probe = await bindAll(port, families, false);
  const free = probe.address().port;
  await closed(probe);
  try {
    return await bindAll(free, families, true);
  } catch (error) {
    if (codeOf(error) !== "EADDRINUSE") return null;
    // Somebody else has just taken the one that happened to be free.
    if (port !== 0 || triesLeft === 0) throw error;
    return await shareAll(port, families, triesLeft - 1);
  }
}

type Families = "v4" | "both";

async function bindAll(port: number, families: Families, reusePort: boolean): Promise<Socket> {
  if (families === "v4") return await tryBind("udp4", port, "0.0.0.0", reusePort);
  try {
    return await tryBind("udp6", port, "::", reusePort);
  } catch (error) {
    if (!isWithoutIPv6(error)) throw error;
    return await tryBind("udp4", port, "0.0.0.0", reusePort);
  }
}

function tryBind(type: SocketType, port: number, address: string, reusePort = false): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = createSocket({
      type,
      reusePort,
      recvBufferSize: bufferBytes,
      sendBufferSize: bufferBytes,
      // We send to where something came from, never to a name. Node's own look-up would put every datagram off to the next tick.
      lookup: (literal, _, done) => done(null, literal, type === "udp6" ? 6 : 4),
    });
    const fail = (error: Error) => {
      socket.close();
      reject(error);
    };
    socket.once("error", fail);
    socket.bind({ port, address }, () => {
      socket.off("error", fail);
      // An error of one receive is not the end of the socket, and there is nobody to tell.
      socket.on("error", () => {});
      resolve(socket);
    });
  });
}

function closed(socket: Socket): Promise<void> {
  return new Promise((resolve) => socket.close(() => resolve()));
}

function isWithoutIPv6(error: unknown): boolean {
  const code = codeOf(error);
  return code === "EAFNOSUPPORT" || code === "EADDRNOTAVAIL" || code === "EINVAL";
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && "code" in error ? error.code : undefined;
}
