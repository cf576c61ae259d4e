/** ICE candidates for UDP, as browsers write them. */

/** `address`: an IP address, or a name of mDNS that stands for one. */
export type Candidate = { kind: "host" | "srflx" | "prflx" | "relay"; address: string; port: number };

/** `candidate:<foundation> <component> udp <priority> <address> <port> typ <kind> …` (RFC 8839). */
const line = /^candidate:\S+ \d+ udp \d+ ([\w.:%-]{1,80}) (\d{1,5}) typ (host|srflx|prflx|relay)(?: |$)/i;

/** Null for a candidate of TCP, or what is none. */
export function readCandidate(text: string): Candidate | null {
  const [, address, port, kind] = line.exec(text) ?? [];
  if (address === undefined || kind === undefined) return null;
  return { kind: kind.toLowerCase() as Candidate["kind"], address, port: Number(port) };
}
