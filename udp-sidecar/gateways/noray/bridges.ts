/**
 * Ports by which players of two gateways hear each other: one at each gateway, which talk to each other. The other gateway says where its
 * port is, and may have a stolen key. So it is believed only if it is where players of this one might dial it: otherwise its player would
 * talk, by this machine, to other programs of this machine and its network.
 */
import { lookup } from "node:dns/promises";
import { addressBytes, isLocalHost, plainAddress, scopeOf } from "../../../core/endpoint.ts";
import type { Player } from "./introductions.ts";
import type { NorayRelay, RelaySockets } from "./relay-sockets.ts";

/** A port of a gateway, as it is told to another one. */
export type BridgeEnd = { host: string; port: number };
/** A port of this gateway that stands for a player of another one. */
export type Bridge = { readonly relay: NorayRelay; readonly end: BridgeEnd };

export class Bridges {
  readonly #sockets: RelaySockets;
  readonly #publicHost: string | undefined;
  readonly #elapsed: () => number;

  /** `publicHost`: where players reach this machine; else the address that the player has dialled. */
  constructor(sockets: RelaySockets, publicHost: string | undefined, elapsed: () => number) {
    this.#sockets = sockets;
    this.#publicHost = publicHost;
    this.#elapsed = elapsed;
  }

  /** Whether few are left for this player's address: each takes one of its relays. */
  areScarceFor({ owner }: Player): boolean {
    return this.#sockets.areScarceFor(owner.address);
  }

  /** A port for a player of another gateway. Null if none is free. */
  async open({ endpoint, owner }: Player): Promise<Bridge | null> {
    const relay = endpoint && (await this.#sockets.open(endpoint, owner.address));
    if (!relay) return null;
    return { relay, end: { host: this.#publicHost ?? owner.localAddress, port: relay.port } };
  }

  /**
   * From now on the player and the other gateway's port hear each other. False if that gateway has no address of IPv4, or the player's or this
   * gateway's own, or one that only this machine or its network can reach, while players reach this one from outside.
   */
  async connect({ relay, end }: Bridge, { host, port }: BridgeEnd): Promise<boolean> {
    if (host === this.#publicHost && this.#sockets.hasPort(port)) return false;
    const ip = await addressOf(host);
    if (ip === null || !mayLead(end.host, ip)) return false;
    return this.#sockets.relays.bridge(relay, { ip, port }, this.#elapsed());
  }

  /** Nobody will use it after all. */
  discard(relay: NorayRelay): void {
    this.#sockets.discard(relay);
  }
}

/** The IPv4 address of a name, or of such an address itself. Null if there is none. */
async function addressOf(host: string): Promise<string | null> {
  return await lookup(host, { family: 4 }).then(
    // An address of IPv6 comes back as it is.
    ({ address }) => (addressBytes(address)?.length === 4 ? address : null),
    () => null,
  );
}

/** Whether a gateway that players reach at `own` may send to this address for another gateway. */
function mayLead(own: string, ip: string): boolean {
  switch (scopeOf(ip)) {
    case "public":
      return true;
    case "private":
      return isLocalHost(own);
    case "loopback":
      return own.toLowerCase() === "localhost" || scopeOf(plainAddress(own)) === "loopback";
    case "unusable":
      return false;
  }
}
