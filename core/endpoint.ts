/** An IP address and a UDP port. IPv4 addresses are dotted, never IPv4-mapped IPv6. */
export type Endpoint = { ip: string; port: number };

const mappedDotted = /^::ffff:(\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3})$/i;
const mappedHex = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/i;

/** The address as it is told to other players: an IPv4-mapped one as IPv4, without a zone (`%eth0`). */
export function plainAddress(address: string): string {
  const zone = address.indexOf("%");
  const bare = zone < 0 ? address : address.slice(0, zone);
  if (!bare.startsWith("::")) return bare;
  const dotted = mappedDotted.exec(bare);
  if (dotted?.[1]) return dotted[1];
  const hex = mappedHex.exec(bare);
  if (!hex?.[1] || !hex[2]) return bare;
  const [high, low] = [Number.parseInt(hex[1], 16), Number.parseInt(hex[2], 16)];
  return [high >> 8, high & 255, low >> 8, low & 255].join(".");
}

/** A host as it stands in a URL or before a port: IPv6 addresses in brackets. */
export function hostInUrl(host: string): string {
  return host.includes(":") ? `[${host}]` : host;
}
