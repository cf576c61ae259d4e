/** Where a peer may be reached, and where it must not be looked for, whatever it says. */
import {
  addressBytes,
  type Endpoint,
  isGlobal,
  isGlobalV6,
  isSameEndpoint,
  isSameNetwork,
  scopeOf,
} from "../endpoint.ts";
import { wireLimits } from "../wire/limits.ts";
import type { LinkConfig } from "./config.ts";
import { linkLimits } from "./limits.ts";
import type { LocalSocket, PathKind } from "./path.ts";
import type { Candidate } from "./state.ts";

/** A candidate before anything was sent to it, but for its number. */
type Place = Pick<Candidate, "kind" | "remote" | "origin" | "left">;

/**
 * The peer's candidates as a link begins, the observed one first: what is sent first is what a NAT that counts maps next.
 * None where only relays are allowed, or there is no UDP.
 */
export function candidatesOf(config: LinkConfig, now: number): Candidate[] {
  const { peer } = config;
  const places: Place[] = [];
  const add = (remote: Endpoint, origin: Candidate["origin"], left: number) => {
    if (places.some((place) => isSameEndpoint(place.remote, remote))) return;
    places.push({ kind: kindOf(config, remote.ip), remote, origin, left });
  };
  if (!config.relayOnly && config.noUdp === null) {
    const { endpoint } = peer;
    if (endpoint && mayTrust(config, endpoint)) {
      if (peer.proven) add(endpoint, "observed", linkLimits.observedChecks);
      else add(endpoint, "claimed", linkLimits.claimedProbes);
    }
    for (const claim of claimsOf(config)) add(claim, "claimed", linkLimits.claimedProbes);
    for (const guess of guessesOf(config)) {
      if (mayTrust(config, guess)) add(guess, "guessed", linkLimits.claimedProbes);
    }
  }
  const { sidecar, relay } = config;
  if (relay && sidecar) places.push({ kind: "relay", remote: sidecar, origin: "relay", left: 0 });
  return places
    .filter(({ remote }) => config.hasV6 || socketFor(remote) === "v4")
    .map((place, id) => newCandidate(place, socketFor(place.remote), id, now));
}

/** The peer's claims that are worth a try: of public IPv6 addresses only a few, and of one network. */
function claimsOf(config: LinkConfig): Endpoint[] {
  const believed = config.peer.candidates
    .slice(0, wireLimits.candidates)
    .filter((claim) => mayBelieve(config, claim));
  const far = believed.filter(({ ip }) => isGlobalV6(ip) && !isNear(config, ip));
  const [first] = far;
  const tried = far.filter(({ ip }) => isSameNetwork(ip, first?.ip ?? "")).slice(0, linkLimits.v6Claims);
  return believed.filter((claim) => !far.includes(claim) || tried.includes(claim));
}

/** A candidate that nothing was sent to yet; if it has checks left, the first is due at once. */
export function newCandidate(place: Place, local: LocalSocket, id: number, now: number): Candidate {
  return {
    ...place,
    id,
    local,
    confirmed: false,
    paced: 0,
    checkAt: now,
    checkedAt: Number.NEGATIVE_INFINITY,
    unanswered: 0,
    worth: place.origin === "met" ? "rest" : "first",
    awaited: [],
    heardAt: Number.NEGATIVE_INFINITY,
    calledAt: Number.NEGATIVE_INFINITY,
    roundTripMs: null,
  };
}

/**
 * Whether an address that the peer claims is worth a few packets, and does nobody harm: a public IPv4 address
 * only if the sidecar saw the peer there. Anything else may be a third party's.
 */
export function mayBelieve(config: LinkConfig, remote: Endpoint): boolean {
  const { own, ownPorts } = config;
  if (!mayMeet(config, remote)) return false;
  if (ownPorts.includes(remote.port) && own.some(({ address }) => address === remote.ip)) return false;
  if (isBroadcast(config, remote.ip)) return false;
  if (isGlobal(remote.ip)) return isGlobalV6(remote.ip) || remote.ip === config.peer.endpoint?.ip;
  return scopeOf(remote.ip) === "public" ? isNear(config, remote.ip) : isShared(config, remote.ip);
}

/** The same of an address that the sidecar has told: a private one may be that of a network all three are in. */
export function mayTrust(config: LinkConfig, remote: Endpoint): boolean {
  if (!mayMeet(config, remote)) return false;
  if (scopeOf(remote.ip) !== "private" || isShared(config, remote.ip)) return true;
  return config.you !== null && scopeOf(config.you.endpoint.ip) === "private";
}

/**
 * Whether packets may go to an address at all, if only because a packet of the peer's came from there. Even that may be
 * forged: never to this machine, unless both are on it, nor to any other one's neighbours at the sidecar, nor to ourselves.
 */
export function mayMeet(config: LinkConfig, remote: Endpoint): boolean {
  const { you, peer, sidecar, relayOnly } = config;
  if (relayOnly || !sidecar || isSameEndpoint(remote, sidecar)) return false;
  if (you && isSameEndpoint(remote, you.endpoint)) return false;
  if (remote.ip !== peer.endpoint?.ip && isAtSidecar(config, remote.ip) && !isHomeOfBoth(config))
    return false;
  switch (scopeOf(remote.ip)) {
    case "unusable":
      return false;
    case "loopback":
      return (
        you !== null &&
        scopeOf(you.endpoint.ip) === "loopback" &&
        scopeOf(peer.endpoint?.ip ?? "") === "loopback"
      );
    case "private":
      // Without its zone a link-local address leads nowhere.
      return !(remote.ip.includes(":") && isInSubnet(remote.ip, "fe80::", 10));
    case "public":
      return true;
  }
}

/** `lan` as both ends see it: a public IPv4 address next to ours may be that of a NAT, behind which we seem far away. */
export function kindOf(config: LinkConfig, ip: string): PathKind {
  return scopeOf(ip) !== "public" || (ip.includes(":") && isNear(config, ip)) ? "lan" : "direct";
}

/** The shared socket that reaches an address. */
export function socketFor({ ip }: Endpoint): "v4" | "v6" {
  return ip.includes(":") ? "v6" : "v4";
}

/** Ports near those seen: where the NAT counts, the next ones; where too little is known, the neighbours. */
function guessesOf({ peer }: LinkConfig): Endpoint[] {
  if (!peer.endpoint || !peer.proven) return [];
  const { ip, port } = peer.endpoint;
  const [first = port, second = port] = peer.ports;
  const step = second - first;
  const steps = Array.from({ length: linkLimits.guessedPorts }, (_, i) => i + 1);
  const ports: number[] = [];
  if (peer.mapping === "unknown") ports.push(port + 1, port - 1, port + 2, port - 2);
  else if (peer.mapping === "endpoint-dependent" && step !== 0 && Math.abs(step) <= linkLimits.guessedStep) {
    ports.push(...steps.map((count) => second + count * step));
  }
  return ports.filter((port) => port > 0 && port < 65536).map((port) => ({ ip, port }));
}

/** Whether a private address means the same machine to both. */
function isShared(config: LinkConfig, ip: string): boolean {
  const { you, peer } = config;
  return (you !== null && isSameNetwork(you.endpoint.ip, peer.endpoint?.ip ?? "")) || isNear(config, ip);
}

/** Whether an address is in a network that one of our interfaces is in. */
export function isNear({ own }: Pick<LinkConfig, "own">, ip: string): boolean {
  return own.some(({ address, prefixLength }) => prefixLength > 0 && isInSubnet(ip, address, prefixLength));
}

function isBroadcast({ own }: LinkConfig, ip: string): boolean {
  const bytes = addressBytes(ip);
  if (bytes?.length !== 4) return false;
  if (bytes[3] === 0 || bytes[3] === 255) return true;
  return own.some(({ address, prefixLength }) => {
    if (prefixLength > 30 || prefixLength < 1 || !isInSubnet(ip, address, prefixLength)) return false;
    const host = bytes.reduce((number, byte) => number * 256 + byte, 0) % 2 ** (32 - prefixLength);
    return host === 0 || host === 2 ** (32 - prefixLength) - 1;
  });
}

function isAtSidecar({ sidecar }: LinkConfig, ip: string): boolean {
  return sidecar !== null && isInSubnet(ip, sidecar.ip, sidecar.ip.includes(":") ? 64 : 24);
}

/** Whether the sidecar's network is that of both peers, too. Whom it saw on its own machine is in it. */
function isHomeOfBoth(config: LinkConfig): boolean {
  const { you, peer, own } = config;
  const ours = [...(you ? [you.endpoint.ip] : []), ...own.map(({ address }) => address)];
  const theirs = peer.endpoint?.ip ?? "";
  return [ours, [theirs]].every((ips) => {
    return ips.some((ip) => scopeOf(ip) === "loopback" || isAtSidecar(config, ip));
  });
}

function isInSubnet(ip: string, network: string, prefixLength: number): boolean {
  const [a, b] = [addressBytes(ip), addressBytes(network)];
  if (!a || !b || a.length !== b.length) return false;
  return a.every((byte, i) => {
    const bits = Math.min(8, Math.max(0, prefixLength - i * 8));
    return ((byte ^ (b[i] ?? 0)) & (0xff << (8 - bits)) & 0xff) === 0;
  });
}
