/// <reference lib="esnext.disposable" preserve="true" />
/** A connection to one other player, by the best path there is. Packets are like UDP's: some are lost, some overtake others. */
import type { PathKind } from "../../core/link/path.ts";
import type { LinkEvents, LinkReport } from "../link-events.ts";
import type { Peer } from "../peer.ts";
import type { LinkEnd } from "./link-end.ts";
import type { Packet } from "./packet.ts";

export class Link {
  readonly #end: LinkEnd;

  /** Made by `start` and `started`. @internal */
  constructor(end: LinkEnd) {
    this.#end = end;
  }

  /** The other player. */
  get peer(): Peer {
    return this.#end.peer;
  }

  /** `lan`: within a shared network. `direct`: from network to network. `relay`: by way of the server. */
  get path(): PathKind {
    return this.#end.path ?? "relay";
  }

  /** Milliseconds there and back, or null as long as it is not known. */
  get rttMs(): number | null {
    return this.#end.rttMs;
  }

  /** How it went and goes, for a log. */
  get report(): LinkReport {
    return this.#end.report;
  }

  /**
   * Sends up to 1 200 bytes. A text is sent as its UTF-8 bytes. The packet is copied: its memory may be used again at once.
   * Throws `invalid_packet`, `packet_too_large`, or `link_closed`.
   */
  send(packet: Packet): void {
    this.#end.send(packet);
  }

  /**
   * Calls the listener on every such event until the function that is returned is called. Packets that came before the
   * first listener for `message`, up to 64, are given to it. A link that has settled tells later listeners, too. Throws
   * `invalid_argument` for an event that does not exist.
   */
  on<E extends keyof LinkEvents>(event: E, listener: (payload: LinkEvents[E]) => void): () => void {
    const forget = this.#end.events.on(event, listener, this.#end.past[event]);
    if (event === "message") this.#end.deliverEarly();
    return forget;
  }

  /** Tells the peer, and is over. Until then the link keeps the process alive. May be called again. */
  async close(): Promise<void> {
    await this.#end.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
