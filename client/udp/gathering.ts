/** The first half of a mediation: sockets are opened, and the server sees them. */
import type { Endpoint } from "../../core/endpoint.ts";
import { causes } from "../../core/link/cause.ts";
import type { LocalSocket } from "../../core/link/path.ts";
import { alike, candidatesOf } from "../../core/observing/addresses.ts";
import { linkOf } from "../../core/wire/peer-packet.ts";
import type { SightWanted } from "../../core/wire/server-message.ts";
import { readSignedDatagram } from "../../core/wire/signed-datagram.ts";
import { OrionError, ownError } from "../error.ts";
import type { GatheringOptions, RelayPass, UdpGathering, UdpSight, UdpTransport } from "../link/platform.ts";
import type { Peer } from "../peer.ts";
import { ownAddresses, resolveHost } from "./addresses.ts";
import { LinkWire } from "./link-wire.ts";
import { Probe } from "./probe.ts";
import type { RawConnection } from "./raw-connection.ts";
import { RelayEnd } from "./relay-end.ts";
import { UdpSockets } from "./udp-sockets.ts";

/** UDP as Node has it. */
export const nodeUdp: UdpTransport<RawConnection> = { gather: (options) => new Gathering(options) };

type Opened = { sockets: UdpSockets; probe: Probe };

export class Gathering implements UdpGathering<RawConnection> {
  readonly #options: GatheringOptions;
  readonly #own = ownAddresses();
  readonly #opening: Promise<Opened | null>;
  readonly #addresses = new Map<string, string[]>();
  /** The sidecar's first port, and where a server of Orion's own is. */
  #port: number | null = null;
  #ip: string | null = null;
  #asking: Promise<void> | null = null;
  #probe: Probe | null = null;
  #isOver = false;
  #isClosed = false;
  /** Of the links, as long as they are not over. */
  readonly #wires = new Set<LinkWire>();

  constructor(options: GatheringOptions) {
    this.#options = options;
    this.#opening = this.#open();
  }

  get isSeen(): boolean {
    return this.#probe?.cookie !== undefined;
  }

  async ask(request: SightWanted): Promise<void> {
    this.#asking = this.#ask(request);
    await this.#asking;
  }

  async #ask({
    port,
    ports,
    pass,
    passKey,
    host = this.#options.server.hostname,
  }: SightWanted): Promise<void> {
    const [opened, ips] = await Promise.all([this.#opening, this.#addressesOf(host)]);
    if (!opened || this.#isOver) return;
    this.#port = port;
    if (ports && pass !== undefined && passKey !== undefined) {
      opened.probe.ask({ host, ips, ports }, { pass, passKey });
      return;
    }
    const [ip] = ips;
    if (ip === undefined) {
      this.#options.note("the server's address cannot be found");
      this.#fail();
    } else {
      this.#ip = ip;
      opened.probe.askPlainly({ ip, port });
    }
  }

  async #addressesOf(host: string): Promise<string[]> {
    const ips = this.#addresses.get(host) ?? (await resolveHost(host));
    // One that was not found may be found at the next asking.
    if (ips.length > 0) this.#addresses.set(host, ips);
    return ips;
  }

  async end(): Promise<UdpSight<RawConnection> | null> {
    await this.#asking;
    this.#isOver = true;
    const opened = await this.#opening;
    opened?.probe.stop();
    const ip = opened?.probe.ip ?? this.#ip;
    // Closed sockets have no ports: to ask them would throw.
    if (!opened || this.#isClosed || this.#port === null || ip === null) return null;
    const { sockets, probe } = opened;
    const sidecar = { ip, port: this.#port };
    const { v4Port, v6Port } = sockets;
    return {
      own: this.#own,
      ownPorts: [v4Port, v6Port].filter((port) => port !== null),
      hasV6: v6Port !== null,
      sidecar,
      wire: async (link, pass) => {
        const relay = pass ? await this.#relayOf(link, pass, sockets, sidecar, probe.cookie) : null;
        const wire = new LinkWire(sockets, relay, () => this.#wires.delete(wire));
        this.#wires.add(wire);
        return wire;
      },
      release: (peers: Peer[]) => {
        const socket = sockets.release(sidecar.ip);
        return { raw: { socket, peers }, close: () => void socket.close() };
      },
    };
  }

  async close(): Promise<void> {
    this.#isOver = true;
    this.#isClosed = true;
    const opened = await this.#opening;
    opened?.probe.stop();
    opened?.sockets.close();
  }

  async #open(): Promise<Opened | null> {
    const { token, isHidden, note, unseen, failed } = this.#options;
    try {
      const sockets = await UdpSockets.open((...arrival) => this.#receive(...arrival));
      const probe = new Probe({
        token,
        candidates: isHidden ? [] : candidatesOf(this.#own, sockets.v4Port, sockets.v6Port),
        send: (datagram, to) => sockets.sendTo(datagram, to),
        note,
        unseen,
        blocked: () => this.#fail(),
      });
      this.#probe = probe;
      return { sockets, probe };
    } catch (error) {
      failed("no-udp", error instanceof OrionError ? error : ownError("no_socket", error));
      return null;
    }
  }

  #receive(bytes: Uint8Array, local: LocalSocket, remote: Endpoint): void {
    if (linkOf(bytes) !== null) {
      this.#options.receive(bytes, local, remote);
      return;
    }
    // From elsewhere it may be garbage, which is not worth a look: there may be much of it, and many links.
    const relayed = [...this.#wires].filter((wire) => wire.isRelayedBy(remote));
    const datagram = relayed.length > 0 || !this.#isOver ? readSignedDatagram(bytes) : null;
    if (!datagram) return;
    if (datagram.method === "ptpMediation_seen")
      void this.#opening.then((it) => it?.probe.hear(datagram, remote));
    else for (const wire of relayed) wire.hear(datagram, remote);
  }

  /** Null if the relay's address is not found. */
  async #relayOf(
    link: string,
    { host = this.#options.server.hostname, port, ticket, key, lifeMs }: RelayPass,
    sockets: UdpSockets,
    sidecar: Endpoint,
    cookie: string | undefined,
  ): Promise<RelayEnd | null> {
    // Of the family that reaches the sidecar, if there is one.
    const ip = alike(await this.#addressesOf(host), sidecar.ip);
    if (ip === null) return null;
    const endpoint = { ip, port };
    const send = (datagram: string) => sockets.sendTo(datagram, endpoint);
    return new RelayEnd({ ticket, key, lifeMs, link, endpoint }, cookie, send);
  }

  #fail(): void {
    this.#options.failed("udp-blocked", new OrionError("udp-blocked", causes["udp-blocked"]));
  }
}
