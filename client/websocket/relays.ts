/** The relays over WebSocket that a client's links in one lobby use. A relay has one connection of a client, however many mediations there are. */
import { parseTicket, relayName, relayOf } from "../../core/relay/ticket.ts";
import { linkNumber } from "../../core/wire/peer-packet.ts";
import type { ChannelListener, TicketedChannel } from "../link/platform.ts";
import type { HeldTicket } from "../link/renewals.ts";
import { type BoundLink, type OpenSocket, RelaySocket } from "./relay-socket.ts";

const openPlainly: OpenSocket = (url, protocols) => new WebSocket(url, protocols);

export class WebSocketRelays {
  readonly #server: URL;
  readonly #openSocket: OpenSocket;
  readonly #sockets = new Map<string, RelaySocket>();

  constructor(server: URL, openSocket: OpenSocket = openPlainly) {
    this.#server = server;
    this.#openSocket = openSocket;
  }

  /** The way to one peer that a ticket gives, for `lifeMs` unless it is renewed. Null for a ticket that is for no such relay. */
  channel(pass: HeldTicket & { lifeMs: number }): TicketedChannel | null {
    const ticket = parseTicket(pass.ticket);
    const relay = ticket && relayOf(ticket);
    if (!ticket || !relay) return null;
    return new RelayChannel(pass, ticket.link, () => {
      return this.#socketOf(`${relayName(ticket.lobbyTag, relay.number)} ${ticket.clientId}`);
    });
  }

  #socketOf(name: string): RelaySocket {
    const there = this.#sockets.get(name);
    if (there) return there;
    const socket = new RelaySocket(this.#server, this.#openSocket, () => this.#sockets.delete(name));
    this.#sockets.set(name, socket);
    return socket;
  }
}

class RelayChannel implements TicketedChannel {
  readonly lifeMs: number;
  readonly #id: string;
  readonly #socketOf: () => RelaySocket;
  #held: HeldTicket;
  #bound: { socket: RelaySocket; link: BoundLink } | null = null;

  constructor(
    { ticket, key, lifeMs }: HeldTicket & { lifeMs: number },
    id: string,
    socketOf: () => RelaySocket,
  ) {
    this.lifeMs = lifeMs;
    this.#held = { ticket, key };
    this.#id = id;
    this.#socketOf = socketOf;
  }

  get held(): HeldTicket {
    return this.#held;
  }

  renew(renewed: HeldTicket): boolean {
    const [before, later] = [parseTicket(this.#held.ticket), parseTicket(renewed.ticket)];
    if (later?.link !== this.#id || later.sidecar !== before?.sidecar) return false;
    this.#held = { ticket: renewed.ticket, key: renewed.key };
    this.#bound?.socket.bind(this.#bound.link);
    return true;
  }

  open(listener: ChannelListener): void {
    const holder = this;
    const link = {
      id: this.#id,
      number: linkNumber(this.#id),
      listener,
      get held() {
        return holder.held;
      },
    };
    this.#bound = { socket: this.#socketOf(), link };
    this.#bound.socket.add(link);
  }

  send(bytes: Uint8Array): void {
    this.#bound?.socket.send(this.#bound.link, bytes);
  }

  reopen(): void {
    this.#bound?.socket.reopen();
  }

  close(): void {
    const bound = this.#bound;
    this.#bound = null;
    bound?.socket.remove(bound.link);
  }
}
