/**
 * Who has a gateway's places, and who makes room when all are taken.
 *
 * Nothing in Rabid's protocol proves an address: no client says anything back that it could only have read. Whoever can send with made-up
 * sources can ping for any number of players. So a full gateway does not turn newcomers away while it has a player whom nobody plays with.
 * The first of these makes room, in this order:
 *
 * 1. Only a player who has been alone in its session for `rabidAloneMs`. Nobody who is with others, or starting, or on its way in.
 * 2. One who does not ping as the plugin does before one who does.
 * 3. One of the network (IPv4 /24, IPv6 /48) that has the most players here. This machine itself counts as the smallest network.
 * 4. The one who has been alone longest.
 *
 * Where an address or its network is full, only a player of that address or network makes room, and none who came while at least half of its
 * places were free. Otherwise 20 made-up neighbours would end the session of anybody who waits alone, after those 30 s.
 *
 * Those on their way in are bounded as well, in all and for each network. Otherwise made-up ones would take every place before they wait
 * for the edge, and keep everybody else from waiting for it.
 *
 * A change of a player takes constant time. A look for who makes room takes as many steps as there are different counts of players by
 * network: 63 among 2 000 players at most. Where an address or network is full, it passes over those who came early: 10 at most, unless the
 * operator has raised the limits.
 */
import { type AdmissionRefusal, countedIn } from "../admission.ts";
import { type AdmissionLimits, gatewayLimits } from "../limits.ts";
import { rabidLimits } from "./limits.ts";

/** What a place is used for. `needed`: its player is with others, or starts. */
export type Use = "opening" | "alone" | "needed";

/** `unproven` does not ping as the plugin does. */
type Worth = "unproven" | "proven";

type Network = {
  /** This machine itself, whose players make room last. */
  readonly isOwn: boolean;
  players: number;
  opening: number;
  /** Players who have been alone for long, in this order. */
  readonly unproven: Set<unknown>;
  readonly proven: Set<unknown>;
};

type Place = {
  readonly networks: readonly string[];
  /** Those of them that had half of their places free when the player came. */
  readonly early: ReadonlySet<string>;
  use: Use;
  worth: Worth;
  /** Since when its player is alone; has no meaning for the others. */
  aloneSince: number;
  /** It has been alone for long. */
  mayYield: boolean;
};

const worths = ["unproven", "proven"] as const;
const ownNetwork = "this machine";

export class Occupancy<Player extends object> {
  readonly #limits: AdmissionLimits;
  readonly #places = new Map<Player, Place>();
  /** By address, and by the network around it. */
  readonly #networks = new Map<string, Network>();
  /** Wide networks that have somebody who may make room, by how many players they have. */
  readonly #bySize: Readonly<Record<Worth, Map<number, Set<Network>>>> = {
    unproven: new Map(),
    proven: new Map(),
  };
  /** Players who are alone, but not for long yet, in the order in which they came to be. */
  readonly #lately = new Set<Player>();
  #opening = 0;

  constructor(limits: AdmissionLimits = gatewayLimits) {
    this.#limits = limits;
  }

  /** What the player's place is used for; undefined if it has none. */
  useOf(player: Player): Use | undefined {
    return this.#places.get(player)?.use;
  }

  /** Whether one more player of this address may be on its way in. Always, for this machine itself. */
  mayOpen(address: string): boolean {
    const wide = countedIn(address).at(-1);
    if (wide === undefined) return true;
    const ofNetwork = this.#networks.get(wide)?.opening ?? 0;
    return this.#opening < rabidLimits.rabidOpeningsAtOnce && ofNetwork < rabidLimits.rabidOpeningsOfNetwork;
  }

  /** A player of this address is on its way in. */
  enter(player: Player, address: string): void {
    const counted = countedIn(address);
    const networks = counted.length > 0 ? counted : [ownNetwork];
    this.#places.set(player, {
      networks,
      early: new Set(counted.filter((name) => this.#isEarlyIn(name))),
      use: "opening",
      worth: "unproven",
      aloneSince: 0,
      mayYield: false,
    });
    for (const name of networks) this.#count(name, { players: 1 });
    this.#countOpening(networks, 1);
  }

  /** What the player does has changed, or not. `isProven`: it pings as the plugin does. `now` never goes back. */
  note(player: Player, use: Use, isProven: boolean, now: number): void {
    const place = this.#places.get(player);
    const worth = isProven ? "proven" : "unproven";
    if (!place || (place.use === use && place.worth === worth)) return;
    const { mayYield } = place;
    this.#takeOut(player, place);
    if (place.use === "opening" && use !== "opening") this.#countOpening(place.networks, -1);
    place.worth = worth;
    if (use === "alone" && place.use === "alone") {
      // Only its worth has changed, so it waits no longer for that.
      if (mayYield) this.#letYield(player, place);
    } else if (use === "alone") {
      place.aloneSince = now;
      this.#lately.add(player);
    } else this.#lately.delete(player);
    place.use = use;
  }

  /** The player is gone. */
  leave(player: Player): void {
    const place = this.#places.get(player);
    if (!place) return;
    this.#takeOut(player, place);
    this.#lately.delete(player);
    this.#places.delete(player);
    if (place.use === "opening") this.#countOpening(place.networks, -1);
    for (const name of place.networks) this.#count(name, { players: -1 });
  }

  /** Who makes room for a player of this address, which was refused so. Null if nobody does. `isSpared`: one who must stay, of a few at most. */
  yieldsTo(
    address: string,
    refusal: AdmissionRefusal,
    now: number,
    isSpared: (player: Player) => boolean,
  ): Player | null {
    this.#findLongAlone(now);
    const [narrow = ownNetwork, wide = ownNetwork] = countedIn(address);
    const isFull = refusal === "gateway_full";
    const name = refusal === "address_full" ? narrow : wide;
    for (const worth of worths) {
      const networks = isFull ? this.#largestFirst(worth) : [this.#networks.get(name)];
      for (const network of networks) {
        for (const player of (network?.[worth] ?? []) as Iterable<Player>) {
          const isEarly = !isFull && this.#places.get(player)?.early.has(name);
          if (!isEarly && !isSpared(player)) return player;
        }
      }
    }
    return null;
  }

  #isEarlyIn(name: string): boolean {
    const { addressSessions, wideSessions } = this.#limits;
    const players = this.#networks.get(name)?.players ?? 0;
    return players < (isWide(name) ? wideSessions : addressSessions) / 2;
  }

  *#largestFirst(worth: Worth): Iterable<Network> {
    const bySize = this.#bySize[worth];
    for (const size of [...bySize.keys()].sort((a, b) => b - a)) yield* bySize.get(size) ?? [];
  }

  /** Those who have been alone for long by now. Each is looked at once. */
  #findLongAlone(now: number): void {
    for (const player of this.#lately) {
      const place = this.#places.get(player);
      if (place && now - place.aloneSince < rabidLimits.rabidAloneMs) return;
      this.#lately.delete(player);
      if (place) this.#letYield(player, place);
    }
  }

  #letYield(player: Player, place: Place): void {
    place.mayYield = true;
    for (const name of place.networks)
      this.#change(name, (network) => {
        network[place.worth].add(player);
      });
  }

  #takeOut(player: Player, place: Place): void {
    if (!place.mayYield) return;
    place.mayYield = false;
    for (const name of place.networks)
      this.#change(name, (network) => {
        network[place.worth].delete(player);
      });
  }

  #countOpening(networks: readonly string[], change: 1 | -1): void {
    if (networks[0] === ownNetwork) return;
    this.#opening += change;
    for (const name of networks) this.#count(name, { opening: change });
  }

  #count(name: string, { players = 0, opening = 0 }): void {
    this.#change(name, (network) => {
      network.players += players;
      network.opening += opening;
    });
  }

  /** Changes what is known of the network, and where it stands among others. */
  #change(name: string, change: (network: Network) => void): void {
    const isOwn = name === ownNetwork;
    const network = this.#networks.get(name) ?? newNetwork(isOwn);
    const isRanked = isOwn || isWide(name);
    if (isRanked) for (const worth of worths) this.#unrank(network, worth);
    change(network);
    if (network.players === 0) this.#networks.delete(name);
    else this.#networks.set(name, network);
    if (isRanked) for (const worth of worths) this.#rank(network, worth);
  }

  #rank(network: Network, worth: Worth): void {
    if (network[worth].size === 0) return;
    const bySize = this.#bySize[worth];
    const peers = bySize.get(sizeOf(network));
    if (peers) peers.add(network);
    else bySize.set(sizeOf(network), new Set([network]));
  }

  #unrank(network: Network, worth: Worth): void {
    const bySize = this.#bySize[worth];
    const peers = bySize.get(sizeOf(network));
    if (peers?.delete(network) && peers.size === 0) bySize.delete(sizeOf(network));
  }
}

function newNetwork(isOwn: boolean): Network {
  return { isOwn, players: 0, opening: 0, unproven: new Set(), proven: new Set() };
}

function sizeOf({ isOwn, players }: Network): number {
  return isOwn ? 0 : players;
}

/** Whether it is a network around addresses, as `countedIn` names it. */
function isWide(name: string): boolean {
  return /\/(24|48)$/.test(name);
}
