/** The first half of a mediation: sockets are opened, and the server sees them. */
import type { Endpoint } from "../../core/endpoint.ts";
import { causes } from "../../core/link/cause.ts";
import type { Heard } from "../../core/wire/heard-message.ts";
import type { Sealed } from "../../core/wire/sealed.ts";
import { OrionError, ownError } from "../error.ts";
import { candidatesOf, type OwnAddress, ownAddresses, resolveHost } from "./addresses.ts";
import { Probe } from "./probe.ts";
import { type Receive, UdpSockets } from "./udp-sockets.ts";

export type GatheringOptions = {
  token: string;
  server: URL;
  receive: Receive;
  /** Something happened, worth a line in the report. */
  note: (what: string) => void;
  /** Nothing gets out from here, or not even a socket can be had. */
  failed: (error: OrionError) => void;
};

/** What is known and open when the introduction comes. */
export type Gathered = {
  sockets: UdpSockets;
  own: OwnAddress[];
  sidecar: Endpoint;
  /** To bind a relay with. */
  cookie: string | undefined;
};

export class Gathering {
  readonly #options: GatheringOptions;
  readonly #own = ownAddresses();
  readonly #opening: Promise<{ sockets: UdpSockets; probe: Probe } | null>;
  readonly #addresses = new Map<string, string>();
  #sidecar: Endpoint | null = null;
  #isOver = false;

  constructor(options: GatheringOptions) {
    this.#options = options;
    this.#opening = this.#open();
  }

  /** The server asks to see us. */
  async ask({ port, ports, host }: Heard<"ptpMediation_send">): Promise<void> {
    const { note } = this.#options;
    const [opened, ip] = await Promise.all([this.#opening, this.addressOf(host)]);
    if (!opened || this.#isOver) return;
    if (ip === null) {
      note("the sidecar's address cannot be found");
      this.#fail();
      return;
    }
    this.#sidecar = { ip, port };
    if (ports) opened.probe.ask(ip, ports);
    else opened.probe.askPlainly({ ip, port });
  }

  /** A datagram that may be the sidecar's answer. */
  async hear(sealed: Sealed): Promise<void> {
    (await this.#opening)?.probe.hear(sealed);
  }

  /** The host's address, or null; without a host, the server's. */
  async addressOf(host = this.#options.server.hostname): Promise<string | null> {
    const address = this.#addresses.get(host) ?? (await resolveHost(host));
    if (address !== null) this.#addresses.set(host, address);
    return address;
  }

  /** Ends it. What came of it, or null if nothing did. */
  async end(): Promise<Gathered | null> {
    this.#isOver = true;
    const opened = await this.#opening;
    opened?.probe.stop();
    if (!opened || !this.#sidecar) return null;
    const { sockets, probe } = opened;
    return { sockets, own: this.#own, sidecar: this.#sidecar, cookie: probe.cookie };
  }

  /** Ends it, and closes the sockets. May be called again. */
  async close(): Promise<void> {
    await this.end();
    (await this.#opening)?.sockets.close();
  }

  async #open(): Promise<{ sockets: UdpSockets; probe: Probe } | null> {
    const { token, receive, note, failed } = this.#options;
    try {
      const sockets = await UdpSockets.open(receive);
      const probe = new Probe({
        token,
        candidates: candidatesOf(this.#own, sockets.v4Port, sockets.v6Port),
        send: (datagram, to) => sockets.sendTo(datagram, to),
        note,
        blocked: () => this.#fail(),
      });
      return { sockets, probe };
    } catch (error) {
      failed(error instanceof OrionError ? error : ownError("no_socket", error));
      return null;
    }
  }

  #fail(): void {
    this.#options.failed(new OrionError("udp-blocked", causes["udp-blocked"]));
  }
}
