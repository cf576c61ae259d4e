/** The UDP of one link: the sockets that all links of its mediation share, those of its own, and its end of the relay. */
import type { Endpoint } from "../../core/endpoint.ts";
import type { LocalSocket } from "../../core/link/path.ts";
import type { SignedDatagram } from "../../core/wire/signed-datagram.ts";
import type { UdpListener, UdpWire } from "../link/platform.ts";
import type { RelayEnd } from "./relay-end.ts";
import { ExtraSockets, type UdpSockets } from "./udp-sockets.ts";

export class LinkWire implements UdpWire {
  readonly relay: RelayEnd | null;
  readonly #sockets: UdpSockets;
  readonly #extra: ExtraSockets;
  #listener: UdpListener | null = null;

  readonly #over: () => void;

  /** `over`: called when it is closed. */
  constructor(sockets: UdpSockets, relay: RelayEnd | null, over: () => void = () => {}) {
    this.#over = over;
    this.#sockets = sockets;
    this.relay = relay;
    this.#extra = new ExtraSockets((...arrival) => this.#listener?.received(...arrival));
  }

  open(listener: UdpListener): void {
    this.#listener = listener;
  }

  send(bytes: Uint8Array, local: "v4" | "v6" | number, remote: Endpoint): void {
    if (typeof local === "number") this.#extra.send(bytes, local, remote);
    else this.#sockets.send(bytes, local, remote);
  }

  async openSockets(count: number): Promise<number> {
    return await this.#extra.open(count);
  }

  closeSockets(keep: LocalSocket | null): void {
    this.#extra.closeAllBut(keep);
  }

  close(): void {
    this.#listener = null;
    this.#extra.close();
    this.#over();
  }

  /** Whether it is there that this link's relay is. */
  isRelayedBy({ ip, port }: Endpoint): boolean {
    const relay = this.#listener ? this.relay?.endpoint : null;
    return relay?.port === port && relay.ip === ip;
  }

  /** Takes what a relay says, to this link or to another. */
  hear(datagram: SignedDatagram, from: Endpoint): void {
    const word = this.isRelayedBy(from) ? this.relay?.hear(datagram) : null;
    if (word) this.#listener?.relaySaid(word);
  }
}
