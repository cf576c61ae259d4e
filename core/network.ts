import { addressBytes, plainAddress, scopeOf } from "./endpoint.ts";
import { sharedLimits } from "./limits.ts";

/**
 * What an address is counted as: itself, or of IPv6 its /64, which is what one household or one rented machine has. Null
 * for no address, and for this machine itself.
 */
export function networkOf(address: string): string | null {
  return networksOf(address)[0]?.name ?? null;
}

/**
 * The network that one owner may have all of: an IPv4 address, or of IPv6 the /48, which anybody gets for nothing. It counts where
 * a newcomer from another address has to be taken for the one before. Null as above.
 */
export function ownersNetworkOf(address: string): string | null {
  const networks = networksOf(address);
  return (networks.find(({ name }) => name.endsWith("/48")) ?? networks[0])?.name ?? null;
}

/** A network that an address is in. All of it together may do `shares` times what one address may do. */
export type Network = { readonly name: string; readonly shares: number };

/**
 * The networks that an address is in, the narrowest first: the one it is counted as, and the wider ones that one owner may
 * have all of. None for no address, and for this machine itself.
 *
 * `through`: a word for the gateways that somebody comes through. What an address does there counts apart from what it does itself: a thief of a
 * sidecar's key names any address as a player's.
 */
export function networksOf(address: string, through?: string): readonly Network[] {
  const networks = plainNetworksOf(address);
  if (through === undefined) return networks;
  return networks.map(({ name, shares }) => ({ name: `${through} ${name}`, shares }));
}

function plainNetworksOf(address: string): readonly Network[] {
  const plain = plainAddress(address.trim());
  const bytes = addressBytes(plain);
  if (!bytes || scopeOf(plain) === "loopback") return [];
  if (bytes.length === 4) {
    return [
      { name: plain, shares: 1 },
      { name: `${bytes.slice(0, 3).join(".")}.0/24`, shares: sharedLimits.sharesOf24 },
    ];
  }
  const wide = [
    [64, 1],
    [56, sharedLimits.sharesOf56],
    [48, sharedLimits.sharesOf48],
    [32, sharedLimits.sharesOf32],
  ] as const;
  return wide.map(([bits, shares]) => ({ name: `${hex(bytes.slice(0, bits / 8))}/${bits}`, shares }));
}

/**
 * Where a network of these is, for a log: not an address, but the /24 or, of IPv6, the /48 it is in, or itself if it is wider. Before it, through
 * which gateways.
 */
export function neighbourhoodOf(name: string): string {
  const start = name.lastIndexOf(" ") + 1;
  return name.slice(0, start) + plainNeighbourhoodOf(name.slice(start));
}

function plainNeighbourhoodOf(network: string): string {
  if (network.endsWith("/24") || network.endsWith("/32")) return network;
  const four = /^(\d+\.\d+\.\d+)\.\d+$/.exec(network);
  return four ? `${four[1]}.0/24` : `${network.slice(0, 14)}/48`;
}

function hex(bytes: number[]): string {
  const words = Array.from({ length: Math.ceil(bytes.length / 2) }, (_, i) =>
    (((bytes[2 * i] ?? 0) << 8) | (bytes[2 * i + 1] ?? 0)).toString(16).padStart(4, "0"),
  );
  return words.join(":");
}
