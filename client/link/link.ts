/// <reference lib="esnext.disposable" preserve="true" />
/** A connection to one other player, by the best path there is. Packets are like UDP's: some are lost, some overtake others. */
import type { PathKind } from "../../core/link/path.ts";
import type { Peer } from "../peer.ts";
import type { LinkEnd } from "./link-end.ts";
import type { LinkEvents, LinkReport } from "./link-events.ts";
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

  /**
   * `lan`: within a shared network. `direct`: from network to network. `turn`: by a TURN server. `relay`: by way of a relay, over UDP.
   * `websocket`: the same, over WebSocket.
   */
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

  /** Whether nobody but the two players can read or change what they send: not the network, the relay, nor a server that only passes it on. */
  get encrypted(): boolean {
    return this.#end.isEncrypted;
  }

  /**
   * Eight digits that both players see alike. Two who read them to each other know that nobody is between them, not even the server. Null if
   * the link is not encrypted.
   */
  get safetyCode(): string | null {
    return this.#end.safetyCode;
  }

  /**
   * Sends up to 1 200 bytes. A text is sent as its UTF-8 bytes. The packet is copied: its memory may be used again at once.
   * Throws a TypeError for anything else (its `code` is `invalid_packet`), `packet_too_large`, or `link_closed`.
   */
  send(packet: Packet): void {
    this.#end.send(packet);
  }

  /**
   * Sends up to 64 KiB that arrive once, whole, and in order with all others sent so. Done when there is room for more: await it, and memory
   * stays small. Throws a TypeError as `send`, `message_too_large`, `too_much_waits`, `peer_too_old`, or `link_closed`.
   */
  async sendReliable(message: Packet): Promise<void> {
    await this.#end.sendReliable(message);
  }

  /** Done when the peer has all that was sent by `sendReliable`. Throws `link_closed`. */
  async delivered(): Promise<void> {
    await this.#end.delivered();
  }

  /**
   * Calls the listener on every such event until the function that is returned is called. Packets that came before the
   * first listener for `message`, up to 64, are given to it, and to the first one for `reliable` all. A link that has settled tells later listeners, too. Throws
   * `invalid_argument` for an event that does not exist.
   */
  on<E extends keyof LinkEvents>(event: E, listener: (payload: LinkEvents[E]) => void): () => void {
    const forget = this.#end.events.on(event, listener, this.#end.past[event]);
    this.#end.deliverEarly(event);
    return forget;
  }

  /**
   * As `on`, for one event. Without a listener: a promise of it, which fails with `link_closed` if the link is over before. Packets that
   * come while nobody listens wait for the next listener.
   */
  once<E extends keyof LinkEvents>(event: E): Promise<LinkEvents[E]>;
  once<E extends keyof LinkEvents>(event: E, listener: (payload: LinkEvents[E]) => void): () => void;
  once<E extends keyof LinkEvents>(
    event: E,
    listener?: (payload: LinkEvents[E]) => void,
  ): Promise<LinkEvents[E]> | (() => void) {
    const { events, past } = this.#end;
    const told =
      listener === undefined ? events.next(event, past[event]) : events.once(event, listener, past[event]);
    this.#end.deliverEarly(event);
    return told;
  }

  /** Removes a listener, however often it is there. */
  off<E extends keyof LinkEvents>(event: E, listener: (payload: LinkEvents[E]) => void): void {
    this.#end.events.off(event, listener);
  }

  /** Tells the peer, and is over. Until then the link keeps the process alive. May be called again. */
  async close(): Promise<void> {
    await this.#end.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
