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
};

export const serverAddress = "203.0.113.1";
export const otherServerAddress = "203.0.113.2";
/** The router of the internet: silently drops what is sent to private addresses, as providers do. */
const internetRouter = "203.0.113.254";

/**
 * Makes the server's namespace and, for each access, a player on either side. `delayMs` is added to a round trip over
 * every player's uplink, half of it each way. Throws a sentence if the machine does not let it; see `whyNoLab`.
 */
export async function openTopology({
  only = accesses,
  delayMs = 0,
}: {
  only?: readonly Access[];
  delayMs?: number;
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
    for (const access of only) {
      for (const home of homesOf(access)) {
        const places = openHome({ access, home, delayMs, internet, cables, open });
        for (const [side, place] of places) players.set(`${access}/${side}`, place);
      }
    }
    await cables.start();
    return {
      server,
      player: (access, side) => {
        const place = players.get(`${access}/${side}`);
        if (!place) throw new Error(`The topology has no player with ${access} on side ${side}.`);
        return place;
      },
      [Symbol.dispose]: close,
    };
  } catch (error) {
    close();
    throw error;
  }
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

function openHome(plan: {
  access: Access;
  home: { name: string; residents: readonly Side[] };
  delayMs: number;
  internet: Outer;
  cables: LongCables;
  open: (name: string) => Namespace;
}): [Side, Place][] {
  const { access, home, internet, cables, open } = plan;
  const { nats } = builds[access];
  const troubles = worse(builds[access].troubles, plan.delayMs);
  const publicAddress = `203.0.113.${publicNumber(access, home.residents[0] ?? "a")}`;
  let outer = internet;
  let address = publicAddress;
  nats.toReversed().forEach((nat, level) => {
    const isHome = level === nats.length - 1;
    const namespace = open(`${home.name}-${isHome ? "nat" : "carrier"}`);
    plug({ inner: namespace, address, outer, cables, troubles: isHome ? troubles : null });
    outer = openNat(namespace, nat, isHome ? homeNetwork : carrierNetwork);
    address = `${carrierNetwork}.2`;
  });
  return home.residents.map((side) => {
    const namespace = open(`${home.name}-player${home.residents.length > 1 ? `-${side}` : ""}`);
    const own = nats.length === 0 ? publicAddress : `${homeNetwork}.${side === "a" ? 10 : 20}`;
    plug({ inner: namespace, address: own, outer, cables, troubles: nats.length === 0 ? troubles : null });
    return [side, { namespace, address: own }];
  });
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

/** A cable from `wan` of the inner namespace to the outer one's bridge, whose router becomes its default. */
function plug(plan: {
  inner: Namespace;
  address: string;
  outer: Outer;
  cables: LongCables;
  troubles: Troubles | null;
}): void {
  const { inner, address, outer, cables, troubles } = plan;
  const ends = [
    { namespace: inner, device: "wan" },
    { namespace: outer.namespace, device: outer.nextPort() },
  ] as const;
  if (troubles) cables.connect(...ends, troubles);
  else connectPlainly(...ends);
  inner.ip(`address add ${address}/24 dev wan`, "link set wan up", `route add default via ${outer.router}`);
  outer.namespace.ip(`link set ${ends[1].device} master ${outer.bridge} up`);
}

function worse(troubles: Troubles | null, delayMs: number): Troubles | null {
  if (!troubles && delayMs === 0) return null;
  return { delayMs: Math.max(troubles?.delayMs ?? 0, delayMs), lossPercent: troubles?.lossPercent ?? 0 };
}
