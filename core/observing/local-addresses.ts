/** Which of a machine's own addresses its client tells the server, as candidates for peers in the same network. */
import { type Endpoint, scopeOf } from "../endpoint.ts";
import { limits } from "../limits.ts";

/** An address of one of the machine's interfaces, plain, and the length of its network's prefix. */
export type OwnAddress = { readonly address: string; readonly prefixLength: number };

/** IPv4 addresses told at most, if there are others: machines with containers have many. */
const mostV4 = 5;

/** Good only with the name of an interface (IPv6), or without a router or DHCP (IPv4): no use to a peer that is told it. */
const linkLocal = /^(169\.254\.|fe[89ab])/i;

/** The addresses that another machine may reach, IPv4 first. */
export function reachable(all: readonly OwnAddress[]): OwnAddress[] {
  const usable = all.filter(
    ({ address }) => ["public", "private"].includes(scopeOf(address)) && !linkLocal.test(address),
  );
  return [
    ...usable.filter(({ address }) => !isV6(address)),
    ...usable.filter(({ address }) => isV6(address)),
  ];
}

/** What the server is told of them, `limits.candidates` at most. `v6Port` is null where there is no socket for IPv6. */
export function candidatesOf(own: readonly OwnAddress[], v4Port: number, v6Port: number | null): Endpoint[] {
  const v4 = own.filter(({ address }) => !isV6(address));
  const v6 = v6Port === null ? [] : own.filter(({ address }) => isV6(address));
  const v4Room = Math.max(mostV4, limits.candidates - v6.length);
  return [
    ...v4.slice(0, v4Room).map(({ address }) => ({ ip: address, port: v4Port })),
    ...v6.map(({ address }) => ({ ip: address, port: v6Port ?? v4Port })),
  ].slice(0, limits.candidates);
}

/** Of a host's addresses, in the order of the resolver, one of each family that it has, IPv4 first. */
export function oneOfEachFamily(addresses: readonly string[]): string[] {
  return [addresses.find((address) => !isV6(address)), addresses.find(isV6)].filter(
    (address) => address !== undefined,
  );
}

/** Of a relay's addresses, the one of the family by which the sidecar was reached, if there is one. */
export function alike(addresses: readonly string[], sidecarIp: string): string | null {
  return addresses.find((address) => isV6(address) === isV6(sidecarIp)) ?? addresses[0] ?? null;
}

function isV6(address: string): boolean {
  return address.includes(":");
}
