/**
 * A small internet out of network namespaces: a server, and players behind real NATs. All addresses are for
 * documentation or private, and no packet leaves the machine.
 */
import { type Access, accesses, builds, type Nat, type Side, sides, type Troubles } from "./access.ts";
import { connectPlainly, type LongCables, longCables } from "./cable.ts";
import { closeLeftovers, closeNamespaces, type Namespace, newGroup, openNamespace } from "./namespace.ts";
import { natRules } from "./nat-rules.ts";

/** Where something runs: its namespace, and its own address, which for a player behind a NAT is a private one. */
export type Place = { readonly namespace: Namespace; readonly address: string };

export type Topology = Disposable & {
  /** It has a second address, {@link otherServerAddress}: NATs treat destinations by address and by port. */
  readonly server: Place;
  /** The player with this access on this side. Throws if the topology was made without it. */
  player(access: Access, side: Side): Place;
  /** The player of the additional home with this name. Throws as well. */
  resident(home: string): Place;
  /** The player with this name that has two uplinks. Throws as well. */
  roamer(name: string): Roamer;
};

/** A home besides those of the accesses, with one player in it. */
export type Home = { name: string; nats: readonly Nat[]; troubles: Troubles | null };

/** A player that has two uplinks, of which one is up: as a phone leaves the Wi-Fi. */
export type Roamer = Place & {
  /** The uplink goes with its address, and the other one comes up with another address. Nobody ends a connection. */
  move(): void;
  /** The first uplink is back. */
  comeBack(): void;
};

const internetNetwork = "203.0.113";
export const serverAddress = `${internetNetwork}.1`;
export const otherServerAddress = `${internetNetwork}.2`;
/** The router of the internet: silently drops what is sent to private addresses, as providers do. */
const internetRouter = `${internetNetwork}.254`;
/** The last number of the first address of a home that is no access's (`publicNumber`). */
const firstOther = 150;

/**
 * Makes the server's namespace and, for each access, a player on either side. `delayMs` is added to a round trip over
 * every player's uplink, half of it each way. Throws a sentence if the machine does not let it; see `whyNoLab`.
 */
export async function openTopology({
  only = accesses,
  delayMs = 0,
  homes = [],
  roamers = [],
}: {
  only?: readonly Access[];
  delayMs?: number;
  homes?: readonly Home[];
  roamers?: readonly { name: string; from: Access; to: Access }[];
} = {}): Promise<Topology> {
  closeLeftovers();
  const group = newGroup();
  const names: string[] = [];
  const open = (name: string) => {
    names.push(group + name);
    return openNamespace(group + name);
  };
  const close = () => closeNamespaces(names.splice(0).reverse());
  try {
    const internet = openInternet(open("internet"));
    const cables = longCables(open("cables"), open("cable-program"));
    const server = { namespace: open("server"), address: serverAddress };
    plug({ inner: server.namespace, address: serverAddress, outer: internet, cables, troubles: null });
    server.namespace.ip(`address add ${otherServerAddress}/24 dev wan`);
    const players = new Map<string, Place>();
    const building = { delayMs, internet, cables, open };
    for (const access of only) {
      for (const { residents, name } of homesOf(access)) {
        const publicAddress = `${internetNetwork}.${publicNumber(access, residents[0] ?? "a")}`;
        const lan = openHome({ name, publicAddress, ...builds[access] }, building);
        for (const side of residents) {
          const namespace = open(`${name}-player${residents.length > 1 ? `-${side}` : ""}`);
          const address = lan.isPublic ? publicAddress : `${homeNetwork}.${side === "a" ? 10 : 20}`;
          plug({ inner: namespace, address, ...lan, cables });
          players.set(`${access}/${side}`, { namespace, address });
        }
      }
    }
    let others = firstOther;
    const nextAddress = () => {
      others += 1;
      return `${internetNetwork}.${others - 1}`;
    };
    for (const home of homes) {
      const lan = openHome({ ...home, publicAddress: nextAddress() }, building);
      const namespace = open(`${home.name}-player`);
      const address = `${homeNetwork}.10`;
      plug({ inner: namespace, address, ...lan, cables });
      players.set(home.name, { namespace, address });
    }
    const movers = new Map<string, Roamer>();
    for (const { name, from, to } of roamers) {
      const [first, second] = [from, to].map((access, i) =>
        openHome({ name: `${name}-${i}`, publicAddress: nextAddress(), ...builds[access] }, building),
      );
      if (first && second) movers.set(name, openRoamer(open(`${name}-player`), first, second, cables));
    }
    await cables.start();
    return {
      server,
      player: (access, side) =>
        known(players.get(`${access}/${side}`), `player with ${access} on side ${side}`),
      resident: (home) => known(players.get(home), `home ${home}`),
      roamer: (name) => known(movers.get(name), `player ${name} with two uplinks`),
      [Symbol.dispose]: close,
    };
  } catch (error) {
    close();
    throw error;
  }
}

function known<T>(one: T | undefined, what: string): T {
  if (one === undefined) throw new Error(`The topology has no ${what}.`);
  return one;
}

/** Who lives behind one NAT: both players of the same LAN, else one of each side. */
function homesOf(access: Access): { name: string; residents: readonly Side[] }[] {
  if (access === "same-lan") return [{ name: access, residents: sides }];
  return sides.map((side) => ({ name: `${access}-${side}`, residents: [side] }));
}

/** What others can be plugged into: an interface of some router or bridge. */
type Outer = { namespace: Namespace; bridge: string; router: string; nextPort(): string };

function openInternet(namespace: Namespace): Outer {
  const outer = openBridge(namespace, "hub", internetRouter);
  namespace.ip("route add blackhole default");
  return outer;
}

function openBridge(namespace: Namespace, bridge: string, router: string): Outer {
  namespace.ip(
    `link add name ${bridge} type bridge`,
    `address add ${router}/24 dev ${bridge}`,
    `link set ${bridge} up`,
  );
  let ports = 0;
  const nextPort = () => {
    ports += 1;
    return `port${ports}`;
  };
  return { namespace, bridge, router, nextPort };
}

type Building = {
  delayMs: number;
  internet: Outer;
  cables: LongCables;
  open: (name: string) => Namespace;
};

/** What players of a home are plugged into. `isPublic`: there is no NAT, and their cable is the home's uplink. */
type Lan = { outer: Outer; troubles: Troubles | null; isPublic: boolean };

/** Makes the NATs of a home, with the uplink. */
function openHome(
  { name, nats, publicAddress, ...home }: Home & { publicAddress: string },
  { delayMs, internet, cables, open }: Building,
): Lan {
  const troubles = worse(home.troubles, delayMs);
  let outer = internet;
  let address = publicAddress;
  nats.toReversed().forEach((nat, level) => {
    const isHome = level === nats.length - 1;
    const namespace = open(`${name}-${isHome ? "nat" : "carrier"}`);
    plug({ inner: namespace, address, outer, cables, troubles: isHome ? troubles : null });
    outer = openNat(namespace, nat, isHome ? homeNetwork : carrierNetwork);
    address = `${carrierNetwork}.2`;
  });
  const isPublic = nats.length === 0;
  return { outer, troubles: isPublic ? troubles : null, isPublic };
}

/** Both homes have NATs. Their networks have the same addresses, as homes do, so only one cable is up. */
function openRoamer(namespace: Namespace, first: Lan, second: Lan, cables: LongCables): Roamer {
  const uplinks = [
    { ...first, device: "wan", address: `${homeNetwork}.10` },
    { ...second, device: "wan2", address: `${homeNetwork}.30` },
  ] as const;
  for (const uplink of uplinks) {
    plug({ inner: namespace, ...uplink, cables });
    namespace.ip(`address flush dev ${uplink.device}`, `link set ${uplink.device} down`);
  }
  const change = (down: 0 | 1, up: 0 | 1) => {
    const { device, address, outer } = uplinks[up];
    namespace.ip(
      `address flush dev ${uplinks[down].device}`,
      `link set ${uplinks[down].device} down`,
      `address add ${address}/24 dev ${device}`,
      `link set ${device} up`,
      `route add default via ${outer.router}`,
    );
  };
  change(1, 0);
  return {
    namespace,
    address: uplinks[0].address,
    move: () => change(0, 1),
    comeBack: () => change(1, 0),
  };
}

/** All homes have the network that most routers come with: a private address says nothing about whose it is. */
const homeNetwork = "192.168.1";
/** Shared address space, RFC 6598. */
const carrierNetwork = "100.64.0";

function publicNumber(access: Access, side: Side): number {
  return (side === "a" ? 10 : 110) + accesses.indexOf(access);
}

function openNat(namespace: Namespace, nat: Nat, network: string): Outer {
  const outer = openBridge(namespace, "lan", `${network}.1`);
  namespace.rules(natRules(nat));
  return outer;
}

/** A cable from the inner namespace, where it is called `wan` unless given, to the outer one's bridge, whose router becomes its default. */
function plug(plan: {
  inner: Namespace;
  address: string;
  outer: Outer;
  cables: LongCables;
  troubles: Troubles | null;
  device?: string;
}): void {
  const { inner, address, outer, cables, troubles, device = "wan" } = plan;
  const ends = [
    { namespace: inner, device },
    { namespace: outer.namespace, device: outer.nextPort() },
  ] as const;
  if (troubles) cables.connect(...ends, troubles);
  else connectPlainly(...ends);
  inner.ip(
    `address add ${address}/24 dev ${device}`,
    `link set ${device} up`,
    `route add default via ${outer.router}`,
  );
  outer.namespace.ip(`link set ${ends[1].device} master ${outer.bridge} up`);
}

function worse(troubles: Troubles | null, delayMs: number): Troubles | null {
  if (!troubles && delayMs === 0) return null;
  return { lossPercent: 0, ...troubles, delayMs: Math.max(troubles?.delayMs ?? 0, delayMs) };
}
