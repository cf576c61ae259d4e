/** The rules for addresses: which of its own a client tells the server, and which of the server's it uses. */
import { type Endpoint, scopeOf } from "../endpoint.ts";
import { wireLimits } from "../wire/limits.ts";

/** A plain address of one of the machine's interfaces, and the length of its network's prefix. */
export type OwnAddress = { readonly address: string; readonly prefixLength: number };

/** IPv4 addresses told, if the machine also has IPv6: machines with containers have many. */
const mostV4 = 5;

/** Addresses that only work on one cable, or with the name of an interface. */
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

/** The candidates that the server is told, `wireLimits.candidates` at most. `v6Port`: null without an IPv6 socket. */
export function candidatesOf(own: readonly OwnAddress[], v4Port: number, v6Port: number | null): Endpoint[] {
  const v4 = own.filter(({ address }) => !isV6(address));
  const v6 = v6Port === null ? [] : own.filter(({ address }) => isV6(address));
  const v4Room = Math.max(mostV4, wireLimits.candidates - v6.length);
  return [
    ...v4.slice(0, v4Room).map(({ address }) => ({ ip: address, port: v4Port })),
    ...v6.map(({ address }) => ({ ip: address, port: v6Port ?? v4Port })),
  ].slice(0, wireLimits.candidates);
}

/** The first address of each family, IPv4 first. */
export function oneOfEachFamily(addresses: readonly string[]): string[] {
  return [addresses.find((address) => !isV6(address)), addresses.find(isV6)].filter(
    (address) => address !== undefined,
  );
}

/** The first address of the sidecar's family, or else the first. Null if there is none. */
export function alike(addresses: readonly string[], sidecarIp: string): string | null {
  return addresses.find((address) => isV6(address) === isV6(sidecarIp)) ?? addresses[0] ?? null;
}

function isV6(address: string): boolean {
  return address.includes(":");
}
