/**
 * One relay over WebSocket, as a client uses it: one connection for all its links there. It is opened when the first link wants it, opened again
 * when it breaks, and closed with the last link. A relay has one connection of a client: another one takes the place of the one before, which goes
 * on until then.
 */
import { closures } from "../../core/problem.ts";
import { packetsOf, relayedLink } from "../../core/wire/relay-frame.ts";
import {
  type KeyedTicket,
  readRelayMessage,
  relayBind,
  relayPath,
  relayProtocol,
  ticketProtocol,
} from "../../core/wire/relay-message.ts";
import type { ChannelListener } from "../link/platform.ts";
import { socketLimits } from "./limits.ts";
import { Outbox } from "./outbox.ts";

/** Opens a WebSocket. May throw. */
export type OpenSocket = (url: URL, protocols: string[]) => WebSocket;

/** A link on the relay. */
export type BoundLink = {
  /** 12 hex digits, and the same as packets have it. */
  readonly id: string;
  readonly number: number;
  readonly held: KeyedTicket;
  readonly listener: ChannelListener;
};

/** Codes with which a ticket is refused for good: another one may do. */
const finalCodes: readonly string[] = ["invalid_ticket", "ticket_expired", "ticket_superseded", "removed"];

/** Closes after which the relay wants this client no more: it has left the lobby, or is there by another connection. */
const dismissals = [closures.removed, closures.resumed_elsewhere];

export class RelaySocket {
  readonly #url: URL;
  readonly #openSocket: OpenSocket;
  readonly #idle: () => void;
  readonly #links = new Map<number, BoundLink>();
  #current: { socket: WebSocket; outbox: Outbox } | null = null;
  /** The one that is being opened. */
  #next: WebSocket | null = null;
  #timer: ReturnType<typeof setTimeout> | null = null;
  #failures = 0;
  /** The relay has dismissed this client: only a link that is new makes it come back. */
  #isDismissed = false;
  #heardAt = Number.NEGATIVE_INFINITY;
  #openedAt = Number.NEGATIVE_INFINITY;
  /** Links to bind, together, in one message. */
  readonly #toBind = new Set<BoundLink>();

  /** `idle`: the last link is gone. */
  constructor(server: URL, openSocket: OpenSocket, idle: () => void) {
    this.#url = new URL(relayPath.slice(1), server);
    this.#url.protocol = server.protocol.replace("http", "ws");
    this.#openSocket = openSocket;
    this.#idle = idle;
  }

  /** Binds a link, and keeps it bound. */
  add(link: BoundLink): void {
    this.#links.set(link.number, link);
    this.#isDismissed = false;
    if (this.#current) this.bind(link);
    else if (!this.#next && !this.#timer) this.#connect();
  }

  /** Binds it with the ticket that it has now. */
  bind(link: BoundLink): void {
    if (!this.#current) return;
    if (this.#toBind.size === 0) queueMicrotask(() => this.#sayBind());
    this.#toBind.add(link);
  }

  remove(link: BoundLink): void {
    if (this.#links.get(link.number) !== link) return;
    this.#links.delete(link.number);
    this.#toBind.delete(link);
    if (this.#links.size > 0) return;
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
    const { socket } = this.#current ?? {};
    this.#drop();
    for (const each of [socket, this.#next]) each?.close(1000);
    this.#next = null;
    this.#idle();
  }

  send(link: BoundLink, packet: Uint8Array): void {
    this.#current?.outbox.add(link.number, packet);
  }

  /** Somebody hears nothing by it. Where nothing at all comes, the address may have changed: another connection is opened. */
  reopen(): void {
    const now = performance.now();
    if (this.#isDismissed || this.#next || this.#timer || now - this.#heardAt < socketLimits.socketAliveMs)
      return;
    if (now - this.#openedAt < socketLimits.socketReopenMs) return;
    this.#connect();
  }

  #connect(): void {
    const links = [...this.#links.values()];
    // One ticket may be bad, and the others good.
    const first = links[this.#failures % links.length];
    if (!first) return;
    this.#openedAt = performance.now();
    let socket: WebSocket;
    try {
      socket = this.#openSocket(this.#url, [relayProtocol, ticketProtocol(first.held)]);
    } catch {
      this.#retry();
      return;
    }
    this.#next = socket;
    socket.binaryType = "arraybuffer";
    const late = setTimeout(() => this.#fail(socket), socketLimits.socketOpenMs);
    socket.onopen = () => {
      clearTimeout(late);
      if (socket !== this.#next) return;
      // A server that knows no relays may take any WebSocket.
      if (socket.protocol === relayProtocol) this.#begin(socket, first);
      else this.#fail(socket);
    };
    socket.onclose = ({ code, reason }) => {
      clearTimeout(late);
      if (socket === this.#current?.socket)
        this.#isDismissed = dismissals.some(([number, why]) => code === number && reason === why);
      if (socket === this.#next) this.#fail(socket);
      else if (socket === this.#current?.socket) this.#lose();
    };
    // The close follows.
    socket.onerror = () => {};
    socket.onmessage = ({ data }) => {
      if (socket === this.#current?.socket) this.#hear(data);
    };
  }

  /** The connection is there, and the relay has the ticket that it was opened with. */
  #begin(socket: WebSocket, first: BoundLink): void {
    this.#next = null;
    const before = this.#current?.socket;
    this.#drop();
    // The relay closes it, too.
    before?.close(1000);
    this.#current = { socket, outbox: new Outbox(socket) };
    for (const link of this.#links.values()) if (link !== first) this.bind(link);
  }

  #sayBind(): void {
    const links = [...this.#toBind].filter(({ number }) => this.#links.has(number));
    this.#toBind.clear();
    const { socket } = this.#current ?? {};
    if (links.length === 0 || socket?.readyState !== WebSocket.OPEN) return;
    socket.send(relayBind(links.map(({ held: { ticket, key } }) => ({ ticket, key }))));
  }

  /** It could not be opened, or not in time. Another, which is silent, may still be there. */
  #fail(socket: WebSocket): void {
    this.#next = null;
    socket.onopen = null;
    socket.close();
    this.#retry();
  }

  #lose(): void {
    if (performance.now() - this.#openedAt > socketLimits.socketGoodMs) this.#failures = 0;
    this.#drop();
    for (const { listener } of [...this.#links.values()]) listener.closed(null);
    if (!this.#next && !this.#timer) this.#retry();
  }

  #drop(): void {
    this.#current?.outbox.stop();
    this.#current = null;
    this.#toBind.clear();
  }

  #retry(): void {
    if (this.#links.size === 0 || this.#isDismissed) return;
    const ms = Math.min(
      socketLimits.socketRetryMostMs,
      socketLimits.socketRetryMs * 2 ** Math.min(this.#failures, 10),
    );
    this.#failures += 1;
    // All clients of a relay that ends would come back at once.
    this.#timer = setTimeout(
      () => {
        this.#timer = null;
        this.#connect();
      },
      ms * (0.5 + 0.5 * Math.random()),
    );
  }

  #hear(data: unknown): void {
    this.#heardAt = performance.now();
    if (typeof data === "string") this.#hearText(data);
    else if (data instanceof ArrayBuffer) this.#hearFrame(new Uint8Array(data));
  }

  #hearFrame(frame: Uint8Array): void {
    const packets = packetsOf(frame) ?? [];
    this.#current?.outbox.received(frame.length, packets.length);
    for (const packet of packets) {
      const number = relayedLink(packet, 0, packet.length);
      if (number !== null) this.#links.get(number)?.listener.received(packet);
    }
  }

  #hearText(text: string): void {
    const message = readRelayMessage(text);
    if (!message) return;
    const links = [...this.#links.values()].filter(({ id }) => message.link === "" || message.link === id);
    switch (message.method) {
      case "relay_bound":
        for (const { listener } of links) {
          if (message.peer) listener.opened("websocket");
          else listener.closed(null);
        }
        return;
      case "relay_refused":
        for (const link of links) {
          // It was bound here: the relay has forgotten it.
          if (message.code === "not_bound") this.bind(link);
          link.listener.closed(
            finalCodes.includes(message.code) || message.code === "relay_full" ? message.code : null,
          );
        }
        return;
      case "relay_notice":
        for (const { listener } of links) listener.noticed(message.code, message.inMs);
        return;
    }
  }
}
