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

/** Plain addresses are compared as they are written. */
export function isSameEndpoint(a: Endpoint, b: Endpoint): boolean {
  return a.port === b.port && a.ip === b.ip;
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
  const bytes = addressBytes(ip);
  if (!bytes) return "unusable";
  return bytes.length === 4 ? scopeOfV4(bytes) : scopeOfV6(bytes);
}

/** The 4 or 16 bytes of a plain address, or null for any other text: what a resolver would take for a name is no address. */
export function addressBytes(ip: string): number[] | null {
  const four = v4.exec(ip)?.slice(1);
  if (four) {
    const bytes = four.map(Number);
    return bytes.every((byte, i) => byte < 256 && String(byte) === four[i]) ? bytes : null;
  }
  const [head = "", tail, ...more] = ip.split("::");
  if (more.length > 0) return null;
  const [before, after] = [groups(head), groups(tail ?? "")];
  if (!before || !after) return null;
  const zeros = 16 - before.length - after.length;
  if (tail === undefined ? zeros !== 0 : zeros < 2) return null;
  return [...before, ...Array<number>(zeros).fill(0), ...after];
}

/** An address in the one form that can be compared: plain, and as RFC 5952 writes it. Null for text that is no address. */
export function canonicalAddress(text: string): string | null {
  const bytes = addressBytes(plainAddress(text.trim()));
  return bytes && addressText(bytes);
}

/** A host in the one form that can be compared: an address as above, and a name in lower case. */
export function plainHost(host: string): string {
  return canonicalAddress(host) ?? host.toLowerCase();
}

/** The text of an address of 4 or 16 bytes (RFC 5952). */
export function addressText(bytes: readonly number[]): string {
  if (bytes.length === 4) return bytes.join(".");
  const words = Array.from({ length: 8 }, (_, i) => ((bytes[2 * i] ?? 0) << 8) | (bytes[2 * i + 1] ?? 0));
  const text = words.map((word) => word.toString(16)).join(":");
  const [longest] = [...text.matchAll(/\b0(?::0)+\b/g)].sort(([a], [b]) => b.length - a.length);
  if (!longest) return text;
  const [before, after] = [text.slice(0, longest.index), text.slice(longest.index + longest[0].length)];
  return `${before.replace(/:$/, "")}::${after.replace(/^:/, "")}`;
}

/** Whether an address is one that the whole Internet can reach (RFC 6890, RFC 4291). */
export function isGlobal(ip: string): boolean {
  return ip.includes(":") ? isGlobalV6(ip) : scopeOf(ip) === "public";
}

/**
 * The same, of IPv6 alone: 2000::/3, without what leads to an IPv4 address inside it, like 6to4 (2002::/16), and
 * without 2001::/23, which IANA keeps for protocols, like Teredo.
 */
export function isGlobalV6(ip: string): boolean {
  const bytes = ip.includes(":") ? addressBytes(ip) : null;
  if (!bytes) return false;
  const [a = 0, b = 0, c = 0] = bytes;
  if (a >> 5 !== 1) return false;
  return !(a === 0x20 && (b === 0x02 || (b === 0x01 && c < 2)));
}

/**
 * Whether two plain addresses are of one network: the same IPv4 address, or one /64 of IPv6, which is what a household has.
 * False for addresses of different families.
 */
export function isSameNetwork(a: string, b: string): boolean {
  const [ours, theirs] = [addressBytes(a), addressBytes(b)];
  if (!ours || !theirs || ours.length !== theirs.length) return false;
  const compared = ours.length === 4 ? 4 : 8;
  return ours.slice(0, compared).every((byte, i) => byte === theirs[i]);
}

/** Whether two plain addresses are of one family. */
export function isSameFamily(a: string, b: string): boolean {
  return a.includes(":") === b.includes(":");
}

function groups(text: string): number[] | null {
  if (text === "") return [];
  const words = text.split(":");
  if (!words.every((word) => /^[\da-f]{1,4}$/i.test(word))) return null;
  return words.map((word) => Number.parseInt(word, 16)).flatMap((word) => [word >> 8, word & 255]);
}

/** Whether this is the name, or the address, of a machine of one's own network, as it stands in a URL: no name of the Internet. */
export function isLocalHost(host: string): boolean {
  const bare = host.replace(/^\[(.*)\]$/, "$1").toLowerCase();
  const scope = scopeOf(plainAddress(bare));
  if (scope !== "unusable") return scope !== "public";
  return !/[.:]/.test(bare) ? bare !== "" : /\.(localhost|local)$/.test(bare);
}

function scopeOfV4([a = 0, b = 0]: number[]): Scope {
  if (a > 223 || a === 0) return "unusable";
  if (a === 127) return "loopback";
  const shared = a === 100 && b >= 64 && b < 128;
  const local = a === 10 || (a === 172 && b >= 16 && b < 32) || (a === 192 && b === 168);
  return local || shared || (a === 169 && b === 254) ? "private" : "public";
}

function scopeOfV6(bytes: number[]): Scope {
  const [a = 0, b = 0] = bytes;
  if (bytes.every((byte, i) => byte === (i < 15 ? 0 : 1))) return "loopback";
  // Unspecified, IPv4 in disguise (plainAddress unmasks the honest ones), multicast.
  if ((a === 0 && b === 0) || a === 0xff) return "unusable";
  return (a & 0xfe) === 0xfc || (a === 0xfe && (b & 0xc0) === 0x80) ? "private" : "public";
}
