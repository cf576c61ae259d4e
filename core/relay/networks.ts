/**
 * Counts the ends of links at each address and in the wider networks around it, and holds the budget of each sender. So the owner of many
 * addresses cannot fill a relay (core/network.ts). This machine's own addresses are not counted.
 */
import { sharedLimits } from "../limits.ts";
import { networksOf } from "../network.ts";
import { fillUp, isFull } from "./budget.ts";
import type { Bound, Link, Network } from "./link.ts";
import type { Traffic } from "./traffic.ts";

/** The most shares of a network in which room is counted: not a whole provider. */
const countedShares = sharedLimits.sharesOf24;
/** Those of an IPv6 network that counts as one sender: a rented server has a whole /48. */
const senderShares = sharedLimits.sharesOf48;

/** What a bound end has of its networks. */
type There<Via> = Pick<Bound<Via>, "networks" | "sender">;

export class Networks<Via> {
  readonly #byId = new Map<string, Network<Via>>();
  /** Without ends, but what they may send is not full again: an address that moved away and back would have all of it anew. */
  readonly #spent = new Set<Network<Via>>();
  readonly #traffic: Traffic<Via>;

  constructor(traffic: Traffic<Via>) {
    this.#traffic = traffic;
  }

  /** Senders with ends here. Goes through all. */
  get senders(): number {
    let senders = 0;
    for (const { sender } of this.#byId.values()) senders += Number(sender !== null);
    return senders;
  }

  /** The networks around an address that have ends now, each with its shares. */
  *around(address: string): Iterable<{ network: Network<Via>; shares: number }> {
    for (const { name, shares } of countedIn(address)) {
      const network = this.#byId.get(name);
      if (network) yield { network, shares };
    }
  }

  /** The networks and the sender of an end at this address. Makes those that are new. */
  at(address: string, elapsed: number): There<Via> {
    const networks = countedIn(address).map(({ name, shares }) => this.#known(name, shares, elapsed));
    return { networks, sender: networks.find(({ sender }) => sender)?.sender ?? null };
  }

  /** An end of the link has moved from some networks to others. */
  move(link: Link<Via>, from: readonly Network<Via>[], to: readonly Network<Via>[]): void {
    for (const network of to) if (!from.includes(network)) network.ends += 1;
    for (const network of from) if (!to.includes(network)) this.#leave(network, link);
  }

  #leave(network: Network<Via>, link: Link<Via>): void {
    network.ends -= 1;
    network.halfBound.delete(link);
    if (network.ends > 0) return;
    if (network.sender && !isFull(network.sender.bucket)) this.#spent.add(network);
    else this.#forget(network);
  }

  /** Forgets those without ends whose budget is full again. To be called every second. */
  tick(elapsed: number): void {
    for (const network of this.#spent) {
      if (network.sender) fillUp(network.sender.bucket, elapsed);
      if (network.ends === 0 && network.sender && !isFull(network.sender.bucket)) continue;
      this.#spent.delete(network);
      if (network.ends === 0) this.#forget(network);
    }
  }

  #forget({ id, sender }: Network<Via>): void {
    this.#byId.delete(id);
    if (sender) this.#traffic.forgetSender(sender);
  }

  #known(id: string, shares: number, elapsed: number): Network<Via> {
    const known = this.#byId.get(id);
    if (known) return known;
    const network: Network<Via> = {
      id,
      sender: isSender(id, shares) ? this.#traffic.newSender(elapsed) : null,
      ends: 0,
      halfBound: new Set(),
    };
    this.#byId.set(id, network);
    return network;
  }
}

function countedIn(address: string): { readonly name: string; readonly shares: number }[] {
  return networksOf(address).filter(({ shares }) => shares <= countedShares);
}

function isSender(id: string, shares: number): boolean {
  return shares === (id.includes(":") ? senderShares : 1);
}
