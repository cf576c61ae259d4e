/** What the network test has found, in words: for a player one sentence, for a developer a report. Nothing here needs a browser. */
import { addressBytes, plainAddress, scopeOf } from "../../core/endpoint.ts";
import type { Candidate } from "./candidate.ts";

/**
 * What one connection has gathered. `isComplete`: the browser has asked all servers, and waits for no answer. `errors`: servers that it could
 * not ask. `answeredMs`: until the first server had answered; null if none has.
 */
export type Gathered = {
  candidates: readonly Candidate[];
  isComplete: boolean;
  errors: number;
  answeredMs: number | null;
};

/**
 * What a NAT does with the ports of one socket. `endpoint-independent`: everybody sees the same one. `endpoint-dependent`: each destination sees
 * another one, so that nobody can be told where to send to. `none`: the machine has a public address of its own.
 */
export type NatKind = "none" | "endpoint-independent" | "endpoint-dependent" | "unknown";

export const checkNames = ["websocket", "relay", "webrtc", "udp", "nat", "ipv6", "local-addresses"] as const;
export type CheckName = (typeof checkNames)[number];

/** One step of the test. `unknown`: it says nothing about the network. `detail`: one sentence. */
export type Check = {
  name: CheckName;
  outcome: "good" | "bad" | "unknown";
  ms: number | null;
  detail: string;
};

export type WebSocketFound = { openMs: number; pingMs: number | null };
/** `path`: how the two ends were connected. */
export type RelayFound = { usableMs: number; rttMs: number; path: string };

/** What was gathered from each STUN server alone, and from all of them with one connection. */
export type UdpFound = { servers: number; alone: readonly Gathered[]; together: Gathered | null };

export function webSocketCheck(found: WebSocketFound | null): Check {
  if (!found) return check("websocket", "bad", null, "No WebSocket to the server opens from here.");
  const { openMs, pingMs } = found;
  const pace = pingMs === null ? "but answers no ping" : `and answers a ping in ${Math.round(pingMs)} ms`;
  const outcome = pingMs === null ? "bad" : "good";
  return check("websocket", outcome, openMs, `The server opens a WebSocket, ${pace}.`);
}

export function relayCheck(found: RelayFound | null): Check {
  if (!found)
    return check("relay", "bad", null, "Packets through the server's relay did not arrive in time.");
  const { usableMs, rttMs, path } = found;
  const by = path === "turn" ? "a TURN server" : "the server's relay";
  return check(
    "relay",
    "good",
    usableMs,
    `Packets through ${by} take ${Math.round(rttMs)} ms there and back.`,
  );
}

export function webRtcCheck(isThere: boolean): Check {
  return isThere
    ? check("webrtc", "good", null, "This browser has WebRTC.")
    : check("webrtc", "bad", null, "This browser has no WebRTC, or it is switched off.");
}

/** Null: WebRTC could not be used at all. */
export function udpCheck(found: UdpFound | null): Check {
  if (!found) return check("udp", "unknown", null, "Without WebRTC nobody can tell.");
  if (found.servers === 0) return check("udp", "unknown", null, "The server names no STUN server to ask.");
  const all = gatheredIn(found);
  const times = all.flatMap(({ answeredMs }) => answeredMs ?? []);
  if (times.length > 0)
    return check("udp", "good", Math.min(...times), "A STUN server has answered over UDP.");
  // A browser leaves out an answer that is its own address, which it has told already.
  if (all.some((gathered) => hasEnded(gathered) && !gathered.candidates.every(isHidden)))
    return check("udp", "good", null, "A STUN server has answered: it sees this machine's own address.");
  if (all.some(hasEnded))
    return check("udp", "unknown", null, "The browser does not tell what the STUN servers have answered.");
  return check("udp", "bad", null, "No STUN server has answered over UDP.");
}

export function natCheck(kind: NatKind): Check {
  switch (kind) {
    case "none":
      return check("nat", "good", null, "No NAT: this machine has a public address of its own.");
    case "endpoint-independent":
      return check("nat", "good", null, "Endpoint-independent mapping: all see this machine at one port.");
    case "endpoint-dependent":
      return check("nat", "bad", null, "Endpoint-dependent mapping: each destination sees another port.");
    case "unknown":
      return check("nat", "unknown", null, "Too few answers came from outside this network to tell.");
  }
}

/** Which kind of NAT the answers show. Of two families IPv4 counts: that is where the NATs are. */
export function natOf(found: UdpFound | null): NatKind {
  if (!found) return "unknown";
  const hosts = gatheredIn(found).flatMap(({ candidates }) =>
    candidates.filter(({ kind }) => kind === "host"),
  );
  const isV4 = (address: string) => addressBytes(address)?.length === 4;
  if (hosts.some(({ address }) => isV4(address) && scopeOf(address) === "public")) return "none";
  const v4 = mappingOf(found, isV4);
  return v4 === "unknown" ? mappingOf(found, (address) => !isV4(address)) : v4;
}

/**
 * One connection asks all servers from the same sockets as it asks one of them. If the NAT keeps a socket's port, they see no more endpoints together than
 * each of them alone. How many sockets there are, a browser does not tell.
 */
function mappingOf({ alone, together }: UdpFound, isOfFamily: (address: string) => boolean): NatKind {
  const seenBy = (gathered: Gathered) => {
    const seen = gathered.candidates.filter(
      ({ kind, address }) => kind === "srflx" && isOfFamily(address) && scopeOf(address) === "public",
    );
    return new Set(seen.map(({ address, port }) => `${address} ${port}`)).size;
  };
  const counts = alone.map(seenBy).filter((count) => count > 0);
  const all = together ? seenBy(together) : 0;
  if (counts.length < 2 || all === 0) return "unknown";
  return all > Math.max(...counts) ? "endpoint-dependent" : "endpoint-independent";
}

export function ipv6Check(found: UdpFound | null): Check {
  const addresses = addressesIn(found).filter((address) => address.includes(":"));
  if (addresses.some((address) => scopeOf(address) === "public"))
    return check("ipv6", "good", null, "This machine has a public IPv6 address.");
  return check("ipv6", "unknown", null, "No public IPv6 address was seen.");
}

export function localAddressesCheck(found: UdpFound | null): Check {
  const hosts = gatheredIn(found).flatMap(({ candidates }) =>
    candidates.filter(({ kind }) => kind === "host"),
  );
  const name = "local-addresses";
  if (hosts.length === 0) return check(name, "unknown", null, "The browser tells no local address.");
  return hosts.some(isHidden)
    ? check(name, "good", null, "The browser hides its local addresses behind names of mDNS, as most do.")
    : check(name, "good", null, "The browser tells its local addresses.");
}

/** What all of it means for a player. */
export function sentenceOf(checks: readonly Check[], nat: NatKind): string {
  const outcomeOf = (name: CheckName) => checks.find((one) => one.name === name)?.outcome ?? "unknown";
  if (outcomeOf("websocket") !== "good")
    return "This network or browser does not let you reach the game's server, so you cannot play from here.";
  const isRelayed = outcomeOf("relay") === "good";
  const anyway = isRelayed
    ? "you play through the server instead"
    : "and the server's relay did not answer either";
  if (outcomeOf("webrtc") === "bad")
    return `This browser cannot connect to other players directly; ${anyway}.`;
  if (outcomeOf("udp") === "bad")
    return `This network blocks direct connections to other players (UDP); ${anyway}.`;
  const relay = isRelayed ? "" : " The server's relay did not answer in time, though.";
  switch (nat) {
    case "none":
    case "endpoint-independent":
      return `This network is good for games: most players are connected to you directly.${relay}`;
    case "endpoint-dependent":
      return isRelayed
        ? "You can play: this network connects you directly to some players, and to the others through the server."
        : "This network connects you directly to some players only, and the server's relay did not answer in time.";
    case "unknown":
      return isRelayed
        ? "You can play: at least through the server, and it is not known how well players reach you directly."
        : "The server answers, but it is not known how well other players reach you.";
  }
}

/** `at`: ISO 8601. `stun`: the servers that were asked. */
export type ReportContext = { at: string; server: string; browser: string; stun: readonly string[] };

/** Text to copy: no token, and no address as a whole. */
export function reportOf(
  { at, server, browser, stun }: ReportContext,
  checks: readonly Check[],
  nat: NatKind,
  found: UdpFound | null,
): string {
  const told = (gathered: Gathered) =>
    gathered.candidates
      .map(({ kind, address, port }) => `${kind} ${masked(address)} port ${port}`)
      .join("; ");
  const lines = found
    ? [
        ...found.alone.map((each, i) => `  ${stun[i] ?? "?"}: ${told(each) || "nothing"}`),
        ...(found.together ? [`  all from one connection: ${told(found.together) || "nothing"}`] : []),
      ]
    : [];
  return [
    `Orion Edge network test, ${at}`,
    `server: ${server}`,
    `browser: ${browser}`,
    ...checks.map(({ name, outcome, ms, detail }) => {
      const time = ms === null ? "" : ` (${Math.round(ms)} ms)`;
      return `${name}: ${outcome}${time}. ${detail}`;
    }),
    `nat mapping: ${nat}`,
    "candidates:",
    ...(lines.length > 0 ? lines : ["  none"]),
    "",
  ].join("\n");
}

/** What of an address may be copied: the provider's part. */
export function masked(address: string): string {
  if (address.endsWith(".local")) return "(hidden).local";
  const bytes = addressBytes(plainAddress(address));
  if (!bytes) return "(unknown)";
  if (bytes.length === 4) return `${bytes[0]}.${bytes[1]}.x.x`;
  const word = (i: number) => (((bytes[i] ?? 0) << 8) | (bytes[i + 1] ?? 0)).toString(16);
  return `${word(0)}:${word(2)}:x`;
}

/** Whether all servers could be asked, and none of them is awaited any more. */
function hasEnded({ isComplete, errors, candidates }: Gathered): boolean {
  return isComplete && errors === 0 && candidates.length > 0;
}

function isHidden({ address }: Candidate): boolean {
  return address.endsWith(".local");
}

function gatheredIn(found: UdpFound | null): readonly Gathered[] {
  return found ? [...found.alone, ...(found.together ? [found.together] : [])] : [];
}

function addressesIn(found: UdpFound | null): string[] {
  return gatheredIn(found).flatMap(({ candidates }) => candidates.map(({ address }) => address));
}

function check(name: CheckName, outcome: Check["outcome"], ms: number | null, detail: string): Check {
  return { name, outcome, ms, detail };
}
