/** A sidecar's two UDP ports: every datagram is junk until it proves otherwise, and only proof is ever answered. */
import type { RemoteInfo } from "node:dgram";
import { type Endpoint, plainAddress } from "../core/endpoint.ts";
import type { RelayBounds } from "../core/relay/links.ts";
import { kindOf, readCandidates, readDatagram } from "../core/wire/datagram.ts";
import { packetKinds } from "../core/wire/peer-packet.ts";
import { Checks } from "./checks.ts";
import { cookiesOf } from "./cookie.ts";
import { newPortCounts, type PortCounts } from "./counts.ts";
import { deriveKeys, isGenuine, type Secrets } from "./keys.ts";
import { answerTo, readProbe } from "./probes.ts";
import { type Relay, startRelay } from "./relay.ts";
import type { PortName, Sighting } from "./sightings.ts";
import { openSocket } from "./socket.ts";

export type Receiver = {
  /** The ports that are bound, where 0 was asked for. */
  readonly ports: Readonly<Record<PortName, number>>;
  readonly counts: Readonly<Record<PortName, Readonly<PortCounts>>>;
  /** What the system holds for each of the ports while this thread is busy: it may be less than was asked for. */
  readonly bufferBytes: number;
  readonly relay: Relay;
  /** From now on no client is seen any more: there is nobody to tell. */
  leave(): void;
  close(): Promise<void>;
};

export type ReceiverOptions = Secrets & {
  /** UDP; 0 for any free one. */
  ports: Record<PortName, number>;
  /** All addresses, IPv4 and IPv6, or this one alone. */
  bind: string | undefined;
  bounds?: Partial<RelayBounds> | undefined;
  /** Milliseconds since 1970. */
  clock: () => number;
  /** Milliseconds since any moment, never set back nor ahead. */
  elapsed: () => number;
  /** Without one, a new one, by the system's time. */
  checks?: Checks | undefined;
};

/** Listens on both ports. `see` gets what genuine clients' datagrams show, and says whether it could take it. Rejects if a port cannot be bound. */
export async function listen(
  { ports, bind, bounds, clock, elapsed, checks = new Checks(), ...secrets }: ReceiverOptions,
  see: (port: PortName, sighting: Sighting) => boolean,
): Promise<Receiver> {
  const tokenKeys = deriveKeys(secrets, "token");
  const cookies = cookiesOf(secrets.secret);
  const first = await openSocket(ports.first, bind);
  const second = await openSocket(ports.second, bind).catch((error: unknown) => {
    first.close();
    throw error;
  });
  const sockets = { first, second };
  const counts = { first: newPortCounts(), second: newPortCounts() };
  const relay = startRelay({ ...secrets, cookies, socket: first, bounds, clock, elapsed });
  let isLeaving = false;

  const connect = (port: PortName, bytes: Uint8Array, from: RemoteInfo): Verdict => {
    const token = readDatagram(bytes);
    if (!token) return "junk";
    if (!isGenuine(tokenKeys, token)) return "forged";
    const { home, clientId } = token;
    const candidates = readCandidates(token.candidates);
    return see(port, { home, clientId, endpoint: endpointOf(from), candidates }) ? "observed" : "dropped";
  };
  const probe = (port: PortName, bytes: Uint8Array, from: RemoteInfo): Verdict => {
    const read = readProbe(tokenKeys, bytes);
    if (typeof read === "string") return read;
    const { home, clientId, candidates } = read;
    const endpoint = endpointOf(from);
    const now = clock();
    const cookie = cookies.bake(from.address, from.port, now);
    const answer = answerTo(read, bytes, { ...endpoint, cookie });
    if (answer) sockets[port].send(answer, from.port, from.address);
    // Its source may be made up, or somebody repeats it, until it returns what was sent there.
    if (!read.cookie || !cookies.isGood(read.cookie, from.address, from.port, now)) return "challenged";
    return see(port, { home, clientId, endpoint, candidates, proven: true }) ? "observed" : "dropped";
  };
  const verdictOn = (port: PortName, bytes: Uint8Array, from: RemoteInfo): Verdict => {
    // Port 0 is nobody's: such a source is made up.
    if (from.port === 0) return "junk";
    const kind = kindOf(bytes);
    if (kind === null) return "junk";
    if (isLeaving && kind !== "bind") return "dropped";
    return checks.run(from.address, () => checked(kind, port, bytes, from));
  };
  const checked = (kind: Kind, port: PortName, bytes: Uint8Array, from: RemoteInfo): Verdict => {
    switch (kind) {
      case "connect":
        return connect(port, bytes, from);
      case "probe":
        return probe(port, bytes, from);
      case "bind":
        return port === "first" ? relay.bind(bytes, from.address, from.port) : "junk";
    }
  };

  first.on("message", (bytes, from) => {
    const kind = bytes[0] ?? 0;
    // These may come by the hundred thousand, so they are looked at first.
    if (kind >= packetKinds.check && kind <= packetKinds.farewell) {
      const { address, port } = from;
      if (port !== 0 && relay.carry(bytes, address, port)) counts.first.packets += 1;
      else counts.first.junk += 1;
    } else counts.first[verdictOn("first", bytes, from)] += 1;
  });
  second.on("message", (bytes, from) => {
    counts.second[verdictOn("second", bytes, from)] += 1;
  });

  return {
    ports: { first: first.address().port, second: second.address().port },
    counts,
    bufferBytes: Math.min(first.getRecvBufferSize(), second.getRecvBufferSize()),
    relay,
    leave: () => {
      isLeaving = true;
    },
    close: async () => {
      relay.stop();
      await Promise.all(
        [first, second].map((socket) => new Promise<void>((resolve) => socket.close(() => resolve()))),
      );
    },
  };
}

type Verdict = keyof PortCounts;
type Kind = NonNullable<ReturnType<typeof kindOf>>;

function endpointOf({ address, port }: RemoteInfo): Endpoint {
  return { ip: plainAddress(address), port };
}
