/**
 * The sockets of noray's relays (core/dialects/noray/relays.ts decides). A port is bound when a player needs it, and closed when nobody
 * uses it: a range of 2 000 ports costs nothing until then.
 */
import { createSocket, type Socket } from "node:dgram";
import { Admission } from "../../../core/dialects/admission.ts";
import { gatewayLimits } from "../../../core/dialects/limits.ts";
import { norayLimits } from "../../../core/dialects/noray/limits.ts";
import { nowhere, type Own } from "../../../core/dialects/noray/own.ts";
import { Ports } from "../../../core/dialects/noray/ports.ts";
import type { Relay } from "../../../core/dialects/noray/relay.ts";
import { type NorayRelayBounds, NorayRelays } from "../../../core/dialects/noray/relays.ts";
import type { Endpoint } from "../../../core/endpoint.ts";
import { Outlet } from "../../socket.ts";
import type { NorayCounts } from "./counts.ts";

export type NorayRelay = Relay<Outlet>;

export type RelaySocketsOptions = {
  /** The address of this machine to bind. */
  host: string;
  ports: readonly number[];
  bounds: NorayRelayBounds;
  cleanupMs: number;
  counts: NorayCounts;
  elapsed: () => number;
  /** Addresses of this machine, and other ports than the relays' where the gateway listens. */
  own?: Own | undefined;
};

/** Ports that are tried until one can be bound: other programs may have some. */
const mostTries = 16;
/** Bytes that the system holds for one port while this thread is busy: some 200 packets. */
const bufferBytes = 512 * 1024;

/** Who is to have a relay. */
type Player = Pick<NorayRelay, "owner" | "provenIp" | "madeFor">;

export class RelaySockets {
  readonly relays: NorayRelays<Outlet>;
  readonly #options: RelaySocketsOptions;
  readonly #ports: Ports;
  readonly #admission: Admission;
  readonly #sockets = new Map<NorayRelay, Socket>();
  /** Where this gateway listens, at these ports and others. */
  readonly own: Own;
  /** Ports of the relays that are open now. */
  readonly #open = new Set<number>();
  readonly #timer: NodeJS.Timeout;
  #isClosed = false;

  constructor(options: RelaySocketsOptions) {
    this.#options = options;
    this.#ports = new Ports(options.ports);
    this.#admission = new Admission({
      ...gatewayLimits,
      addressSessions: norayLimits.norayAddressRelays,
      wideSessions: norayLimits.norayWideRelays,
      sessions: options.ports.length,
    });
    const { own = nowhere } = options;
    this.own = {
      isAddress: own.isAddress,
      isEndpoint: (at) => own.isEndpoint(at) || (this.#open.has(at.port) && own.isAddress(at.ip)),
    };
    this.relays = new NorayRelays(options.bounds, options.elapsed(), this.own);
    this.#timer = setInterval(() => this.#free(), options.cleanupMs);
    this.#timer.unref();
  }

  get size(): number {
    return this.#sockets.size;
  }

  /**
   * A relay for the player whom the registrar saw there. `provenIp`: the address of its TCP connection, for
   * which the relay counts: the other may be made up. Null if no port is free, or if that network has as many as it may, or if the gateway
   * itself is there.
   */
  async open(
    owner: Endpoint,
    provenIp: string,
    madeFor: NorayRelay | null = null,
  ): Promise<NorayRelay | null> {
    if (this.own.isEndpoint(owner) || this.#admission.enter(provenIp)) return null;
    const made = await this.#make({ owner, provenIp, madeFor });
    if (made === null) this.#admission.leave(provenIp);
    return made;
  }

  /** Whether players of this address, or of its /24, have half of the relays that they may have. */
  areScarceFor(provenIp: string): boolean {
    return this.#admission.isHalfFull(provenIp);
  }

  /** Null if no port is free. */
  async #make(player: Player): Promise<NorayRelay | null> {
    for (let tries = 0; tries < mostTries; tries++) {
      const port = this.#ports.take();
      if (port === null) return null;
      // A player of this machine was there: what is sent to it would come to the relay.
      const isLedTo = this.relays.leadsTo(port) || isAt(player.owner, port, this.own);
      const socket = isLedTo ? null : await bound(port, this.#options.host);
      if (socket !== null && !this.#isClosed) return this.#take(socket, port, player);
      socket?.close();
      this.#ports.giveBack(port);
      if (this.#isClosed) return null;
    }
    return null;
  }

  /** Whether this is the port of a relay that is open. */
  hasPort(port: number): boolean {
    return this.#open.has(port);
  }

  /** Frees a relay before its time. */
  discard(relay: NorayRelay): void {
    this.relays.close(relay);
    this.#closeSocket(relay);
  }

  close(): void {
    this.#isClosed = true;
    clearInterval(this.#timer);
    for (const relay of [...this.#sockets.keys()]) this.discard(relay);
  }

  #take(socket: Socket, port: number, player: Player): NorayRelay {
    const { elapsed } = this.#options;
    const relay = this.relays.open({ port, via: new Outlet(socket, false), ...player }, elapsed());
    this.#sockets.set(relay, socket);
    this.#open.add(port);
    socket.on("message", (bytes, { address, port }) => this.#carry(relay, bytes, address, port));
    return relay;
  }

  #carry(relay: NorayRelay, bytes: Buffer, address: string, port: number): void {
    const { counts, elapsed } = this.#options;
    const way = this.relays.pass(relay, bytes.length, address, port, elapsed());
    if (typeof way === "string") {
      counts.drops[`relay_${way}`] += 1;
      if (this.relays.newcomers.length > 0) this.#welcome();
      return;
    }
    counts.messages.moved = this.relays.moved;
    const { via } = way.via;
    if (via.isFull()) {
      counts.drops.relay_congested += 1;
      return;
    }
    counts.messages.relayed += 1;
    via.send(bytes, way.back.port, way.back.address);
  }

  /** Gives relays to other programs at a player's own address. */
  #welcome(): void {
    for (const { at, from, provenIp } of this.relays.newcomers.splice(0)) {
      void this.open(from, provenIp, at).then((made) => {
        if (!made) return;
        const now = this.#options.elapsed();
        if (!this.relays.isGood(at, now) || !this.relays.pair(made, at, now)) this.discard(made);
      });
    }
  }

  #free(): void {
    const { elapsed } = this.#options;
    for (const relay of this.relays.tick(elapsed())) this.#closeSocket(relay);
  }

  #closeSocket(relay: NorayRelay): void {
    const socket = this.#sockets.get(relay);
    if (!socket) return;
    this.#sockets.delete(relay);
    this.#open.delete(relay.port);
    socket.close();
    this.#admission.leave(relay.provenIp);
    this.#ports.giveBack(relay.port);
  }
}

function isAt({ ip, port }: Endpoint, relayPort: number, own: Own): boolean {
  return port === relayPort && own.isAddress(ip);
}

/** Null if the port cannot be bound. */
function bound(port: number, address: string): Promise<Socket | null> {
  return new Promise((resolve) => {
    const socket = createSocket({
      type: "udp4",
      recvBufferSize: bufferBytes,
      sendBufferSize: bufferBytes,
      // We send to where something came from, never to a name. Node's own look-up would put every packet off to the next tick.
      lookup: (literal, _, done) => done(null, literal, 4),
    });
    socket.once("error", () => {
      socket.close();
      resolve(null);
    });
    socket.bind({ port, address, exclusive: true }, () => {
      socket.removeAllListeners("error");
      // An error of one packet is not the end of the socket, and there is nobody to tell.
      socket.on("error", () => {});
      resolve(socket);
    });
  });
}
