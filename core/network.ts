import { addressBytes, plainAddress, scopeOf } from "./endpoint.ts";

/**
 * What an address is counted as: itself, or of IPv6 its /64, which is what one household or one rented machine has. Null
 * for no address, and for this machine itself.
 */
export function networkOf(address: string): string | null {
  const plain = plainAddress(address.trim());
  const bytes = addressBytes(plain);
  if (!bytes || scopeOf(plain) === "loopback") return null;
  return bytes.length === 4 ? plain : `${hex(bytes.slice(0, 8))}/64`;
}

/** Where an address is, for a log: not the address itself, but the /24 or, of IPv6, the /48 it is in. */
export function neighbourhoodOf(network: string): string {
  const four = /^(\d+\.\d+\.\d+)\.\d+$/.exec(network);
  return four ? `${four[1]}.0/24` : `${network.slice(0, 14)}/48`;
}

function hex(bytes: number[]): string {
  const words = Array.from({ length: bytes.length / 2 }, (_, i) =>
    (((bytes[2 * i] ?? 0) << 8) | (bytes[2 * i + 1] ?? 0)).toString(16).padStart(4, "0"),
  );
  return words.join(":");
}
