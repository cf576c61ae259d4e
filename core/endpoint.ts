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

const v4 = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/;

/** Where an address can be reached from: anywhere, its own network, its own machine; `unusable` is no single machine's. */
export type Scope = "public" | "private" | "loopback" | "unusable";

/** The scope of a plain address (RFC 6890; 100.64/10 counts as private). Text that is no address is `unusable`. */
export function scopeOf(ip: string): Scope {
  const bytes = v4.exec(ip)?.slice(1).map(Number);
  if (bytes) return scopeOfV4(bytes);
  return ip.includes(":") && /^[\da-f:.]{2,45}$/i.test(ip) ? scopeOfV6(ip.toLowerCase()) : "unusable";
}

function scopeOfV4([a = 0, b = 0, c = 0, d = 0]: number[]): Scope {
  if (a > 223 || a === 0 || Math.max(b, c, d) > 255) return "unusable";
  if (a === 127) return "loopback";
  const shared = a === 100 && b >= 64 && b < 128;
  const local = a === 10 || (a === 172 && b >= 16 && b < 32) || (a === 192 && b === 168);
  return local || shared || (a === 169 && b === 254) ? "private" : "public";
}

function scopeOfV6(ip: string): Scope {
  if (ip === "::1") return "loopback";
  const first = ip.startsWith("::") ? 0 : Number.parseInt(ip, 16);
  // Unspecified, IPv4 in disguise (plainAddress unmasks the honest ones), multicast.
  if (first === 0 || first >= 0xff00) return "unusable";
  return (first & 0xfe00) === 0xfc00 || (first & 0xffc0) === 0xfe80 ? "private" : "public";
}
