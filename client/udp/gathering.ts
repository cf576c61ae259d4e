/** The first half of a mediation: sockets are opened, and the server sees them. */
import type { Endpoint } from "../../core/endpoint.ts";
import { type Cause, causes } from "../../core/link/cause.ts";
import { alike, candidatesOf, type OwnAddress } from "../../core/observing/addresses.ts";
import type { Heard } from "../../core/wire/server-message.ts";
import type { SignedDatagram } from "../../core/wire/signed-datagram.ts";
import { OrionError, ownError } from "../error.ts";
import { ownAddresses, resolveHost } from "./addresses.ts";
import { Probe } from "./probe.ts";
import { type Receive, UdpSockets } from "./udp-sockets.ts";

export type GatheringOptions = {
  /** It changes when the client comes back by another connection. */
  token: () => string;
  server: URL;
  /** Whether nobody may learn this client's addresses: then it tells none of its own. */
  isHidden: boolean;
  receive: Receive;
  /** Something happened, worth a line in the report. */
  note: (what: string) => void;
  /** The sidecar does not answer: the server may know another. */
  unseen: () => void;
  /** No socket can be opened (`no-udp`), or nothing gets out (`udp-blocked`). */
  failed: (cause: Cause, error: OrionError) => void;
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
  readonly #addresses = new Map<string, string[]>();
  /** The sidecar's first port, and where a server of Orion's own is. */
  #port: number | null = null;
  #ip: string | null = null;
  #asking: Promise<void> | null = null;
  #isOver = false;

  constructor(options: GatheringOptions) {
    this.#options = options;
    this.#opening = this.#open();
  }

  /** The server asks to see us. */
  async ask(request: Heard<"ptpMediation_send">): Promise<void> {
    this.#asking = this.#ask(request);
    await this.#asking;
  }

  async #ask({
    port,
    ports,
    pass,
    passKey,
    host = this.#options.server.hostname,
  }: Heard<"ptpMediation_send">): Promise<void> {
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

  /** A datagram that may be the sidecar's answer. */
  async hear(datagram: SignedDatagram, from: Endpoint): Promise<void> {
    (await this.#opening)?.probe.hear(datagram, from);
  }

  /** The host's address, of the family that reaches the sidecar if there is one, or null; without a host, the server's. */
  async addressOf(host: string | undefined, sidecar: Endpoint): Promise<string | null> {
    return alike(await this.#addressesOf(host ?? this.#options.server.hostname), sidecar.ip);
  }

  async #addressesOf(host: string): Promise<string[]> {
    const ips = this.#addresses.get(host) ?? (await resolveHost(host));
    // One that was not found may be found at the next asking.
    if (ips.length > 0) this.#addresses.set(host, ips);
    return ips;
  }

  /**
   * Ends it, when the last request of the server has been dealt with: the introduction may come sooner, because the server saw a
   * datagram of the start before. What came of it, or null if the server has not asked.
   */
  async end(): Promise<Gathered | null> {
    await this.#asking;
    this.#isOver = true;
    const opened = await this.#opening;
    opened?.probe.stop();
    const ip = opened?.probe.ip ?? this.#ip;
    if (!opened || this.#port === null || ip === null) return null;
    const { sockets, probe } = opened;
    return { sockets, own: this.#own, sidecar: { ip, port: this.#port }, cookie: probe.cookie };
  }

  /** Ends it at once, and closes the sockets. May be called again. */
  async close(): Promise<void> {
    this.#isOver = true;
    const opened = await this.#opening;
    opened?.probe.stop();
    opened?.sockets.close();
  }

  async #open(): Promise<{ sockets: UdpSockets; probe: Probe } | null> {
    const { token, isHidden, receive, note, unseen, failed } = this.#options;
    try {
      const sockets = await UdpSockets.open(receive);
      const probe = new Probe({
        token,
        candidates: isHidden ? [] : candidatesOf(this.#own, sockets.v4Port, sockets.v6Port),
        send: (datagram, to) => sockets.sendTo(datagram, to),
        note,
        unseen,
        blocked: () => this.#fail(),
      });
      return { sockets, probe };
    } catch (error) {
      failed("no-udp", error instanceof OrionError ? error : ownError("no_socket", error));
      return null;
    }
  }

  #fail(): void {
    this.#options.failed("udp-blocked", new OrionError("udp-blocked", causes["udp-blocked"]));
  }
}
