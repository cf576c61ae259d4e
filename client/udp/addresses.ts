/** Where this machine and its server are. */
import { lookup } from "node:dns/promises";
import { networkInterfaces } from "node:os";
import { type Endpoint, plainAddress, scopeOf } from "../../core/endpoint.ts";
import { limits } from "../../core/limits.ts";

export type OwnAddress = { address: string; prefixLength: number };

/** Of these IPv4 at most, if there are others: machines with containers have many. */
const mostV4 = 5;

/** The addresses of this machine's interfaces that another machine may reach, IPv4 first. */
export function ownAddresses(): OwnAddress[] {
  const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  const usable = all
    .filter(({ internal }) => !internal)
    .map(({ address, cidr }) => {
      return { address: plainAddress(address), prefixLength: Number(cidr?.split("/")[1] ?? 0) };
    })
    .filter(({ address }) => isUsable(address));
  const isV4 = ({ address }: OwnAddress) => !address.includes(":");
  return [...usable.filter(isV4), ...usable.filter((own) => !isV4(own))];
}

function isUsable(address: string): boolean {
  const linkLocal = /^(169\.254\.|fe[89ab])/i;
  return ["public", "private"].includes(scopeOf(address)) && !linkLocal.test(address);
}

/** What the server is told of them. `v6Port` is null where there is no socket for IPv6. */
export function candidatesOf(own: OwnAddress[], v4Port: number, v6Port: number | null): Endpoint[] {
  const v4 = own.filter(({ address }) => !address.includes(":"));
  const v6 = v6Port === null ? [] : own.filter(({ address }) => address.includes(":"));
  const v4Room = Math.max(mostV4, limits.candidates - v6.length);
  return [
    ...v4.slice(0, v4Room).map(({ address }) => ({ ip: address, port: v4Port })),
    ...v6.map(({ address }) => ({ ip: address, port: v6Port ?? v4Port })),
  ].slice(0, limits.candidates);
}

/** The host's addresses, one of each family that it has, IPv4 first; none if it cannot be found. */
export async function resolveHost(host: string): Promise<string[]> {
  try {
    const found = await lookup(host.replace(/^\[|\]$/g, ""), { all: true, order: "ipv4first" });
    const addresses = found.map(({ address }) => plainAddress(address));
    const isV6 = (address: string) => address.includes(":");
    const [v4, v6] = [addresses.find((address) => !isV6(address)), addresses.find(isV6)];
    return [v4, v6].filter((address) => address !== undefined);
  } catch {
    return [];
  }
}
