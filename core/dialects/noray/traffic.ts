/**
 * What noray's players may send by the relay: each by itself, those of one address together, and all. When there is little to spare, packets
 * within the fair share of their address, or of the /24 or IPv6 /48 around it, pass before all others.
 */
import { networkOf } from "../../network.ts";
import { type Bucket, fillUp, isFull, newBucket } from "../../relay/budget.ts";
import { FairTotal } from "../../relay/fair-total.ts";
import { relayLimits } from "../../relay/limits.ts";
import { newParty, type Party } from "../../relay/shares.ts";
import { countedIn } from "../admission.ts";

export type NorayTrafficBounds = {
  /** Bytes a second of one player, of one network's players, and of all. */
  rate: number;
  networkRate: number;
  totalRate: number;
  /** Bytes, and milliseconds, after which one relay carries no more. */
  lifetimeBytes: number;
  lifetimeMs: number;
};

/** What is used up. */
export type Overspent = "rate" | "network_rate" | "total_rate" | "bytes" | "lifetime";

/** What all players of one IPv4 address, or IPv6 /64, may still send. */
export type SenderNetwork = {
  readonly bucket: Bucket;
  /** Its share, and the name and the share of the /24 or /48 around it. */
  readonly party: Party;
  readonly wide: string;
  readonly wideParty: Party;
};

/** What one player may still send. */
export type Sender = {
  readonly bucket: Bucket;
  /** Null for this machine, which is not counted. */
  readonly network: SenderNetwork | null;
  bytesLeft: number;
  readonly endsAt: number;
};

/** Times are in milliseconds, and never jump. */
export class NorayTraffic {
  readonly #bounds: NorayTrafficBounds;
  readonly #networks = new Map<string, SenderNetwork>();
  readonly #wides = new Map<string, Party>();
  /** Shared among addresses, and among the networks around them. An attacker needs many networks to make both shares small. */
  readonly #total: FairTotal;

  constructor(bounds: NorayTrafficBounds, elapsed: number) {
    this.#bounds = bounds;
    this.#total = new FairTotal(bounds.totalRate, elapsed);
  }

  /** Networks that are counted now, narrow and wide. */
  get networks(): number {
    return this.#networks.size + this.#wides.size;
  }

  /** What a player at this address may send from now on. */
  newSender(ip: string, elapsed: number): Sender {
    const { rate, lifetimeBytes, lifetimeMs } = this.#bounds;
    return {
      bucket: newBucket(rate, elapsed),
      network: this.#networkOf(ip, elapsed),
      bytesLeft: lifetimeBytes,
      endsAt: elapsed + lifetimeMs,
    };
  }

  /** Takes a packet's bytes from all budgets, and returns null. If one of them is empty, takes nothing, and returns which. */
  spend(sender: Sender, bytes: number, elapsed: number): Overspent | null {
    const { bucket, network } = sender;
    const total = this.#total.bucket;
    const length = Math.max(bytes, relayLimits.relayPacketBytes);
    if (elapsed >= sender.endsAt) return "lifetime";
    if (sender.bytesLeft < length) return "bytes";
    fillUp(bucket, elapsed);
    if (bucket.left < length) return "rate";
    fillUp(total, elapsed);
    let isFair = true;
    if (network !== null) {
      fillUp(network.bucket, elapsed);
      if (network.bucket.left < length) return "network_rate";
      isFair = this.#total.isFair(network.party, network.wideParty, length, elapsed);
    }
    if (!this.#total.has(length, isFair)) return "total_rate";
    if (network !== null) network.bucket.left -= length;
    bucket.left -= length;
    total.left -= length;
    sender.bytesLeft -= length;
    return null;
  }

  /** Forgets networks that none of these is in, once they may send all they can. */
  tick(senders: Iterable<Sender>, elapsed: number): void {
    const used = new Set<SenderNetwork | null>();
    for (const { network } of senders) used.add(network);
    for (const [name, network] of this.#networks) {
      fillUp(network.bucket, elapsed);
      if (!isFull(network.bucket) || used.has(network)) continue;
      this.#networks.delete(name);
      this.#total.firsts.remove(network.party);
    }
    const wide = new Set([...this.#networks.values()].map((network) => network.wide));
    for (const [name, party] of this.#wides) {
      if (wide.has(name)) continue;
      this.#wides.delete(name);
      this.#total.seconds.remove(party);
    }
  }

  #networkOf(ip: string, elapsed: number): SenderNetwork | null {
    const name = networkOf(ip);
    if (name === null) return null;
    const known = this.#networks.get(name);
    if (known) return known;
    const wide = countedIn(ip).at(-1) ?? name;
    const bucket = newBucket(this.#bounds.networkRate, elapsed);
    const made = { bucket, party: newParty(elapsed), wide, wideParty: this.#partyOf(wide, elapsed) };
    this.#networks.set(name, made);
    this.#total.firsts.add(made.party);
    return made;
  }

  #partyOf(wide: string, elapsed: number): Party {
    const known = this.#wides.get(wide);
    if (known) return known;
    const made = newParty(elapsed);
    this.#wides.set(wide, made);
    this.#total.seconds.add(made);
    return made;
  }
}
