/** Where this machine and its server are, as the system says. */
import { lookup } from "node:dns/promises";
import { networkInterfaces } from "node:os";
import { plainAddress } from "../../core/endpoint.ts";
import { type OwnAddress, oneOfEachFamily, reachable } from "../../core/observing/addresses.ts";

/** The addresses of this machine's interfaces that another machine may reach, IPv4 first. */
export function ownAddresses(): OwnAddress[] {
  const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  return reachable(
    all
      .filter(({ internal }) => !internal)
      .map(({ address, cidr }) => {
        return { address: plainAddress(address), prefixLength: Number(cidr?.split("/")[1] ?? 0) };
      }),
  );
}

/** The host's addresses, one of each family that it has, IPv4 first; none if it cannot be found. */
export async function resolveHost(host: string): Promise<string[]> {
  try {
    const found = await lookup(host.replace(/^\[|\]$/g, ""), { all: true, order: "ipv4first" });
    return oneOfEachFamily(found.map(({ address }) => plainAddress(address)));
  } catch {
    return [];
  }
}
