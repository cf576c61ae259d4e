/** A sidecar's two UDP ports: every datagram is junk until it shows otherwise. What proves nothing is answered by STUN alone, and within a budget. */
import type { RemoteInfo } from "node:dgram";
import { AnswerBudget } from "../core/dialects/answer-budget.ts";
import { type Endpoint, plainAddress } from "../core/endpoint.ts";
import type { ClientDatagram, PortName } from "../core/observing/port-pairing.ts";
import type { RelayBounds } from "../core/relay/links.ts";
import { kindOf, readCandidates, readDatagram } from "../core/wire/datagram.ts";
import { isPacketKind } from "../core/wire/peer-packet.ts";
import type { Proof } from "../core/wire/sidecar-post.ts";
import { bindingAnswer, isStun, readBindingRequest } from "../core/wire/stun.ts";
import { Checks } from "./checks.ts";
import { cookiesOf } from "./cookie.ts";
import { newPortCounts, type PortCounts } from "./counts.ts";
import { deriveKeys, filtersOf, isLikely, type SidecarKeys } from "./keys.ts";
import { sidecarLimits } from "./limits.ts";
import { answerTo, readProbe } from "./probes.ts";
import { type Relay, startRelay } from "./relay.ts";
import { type Addresses, addressesWith, type Outlet, type Receive, UdpPort } from "./socket.ts";
import { Unproven } from "./unproven.ts";

export type Receiver = {
  /** The ports that are bound, where 0 was asked for. */
  readonly ports: Readonly<Record<PortName, number>>;
  readonly counts: Readonly<Record<PortName, Readonly<PortCounts>>>;
  /** What the system holds for each of the ports while this thread is busy: it may be less than was asked for. */
  readonly bufferBytes: number;
  readonly relay: Relay;
  /** Clients that the answers do not reach. */
  readonly unproven: Unproven;
  /** From now on no client is seen any more: there is nobody to tell. */
  leave(): void;
  /** Looks which addresses the machine has now. It does so every ten seconds by itself. */
  refresh(): Promise<void>;
  close(): Promise<void>;
};

export type ReceiverOptions = SidecarKeys & {
  /** UDP; 0 for any free one. */
  ports: Record<PortName, number>;
  /** All addresses, IPv4 and IPv6, or this one alone. */
  bind: string | undefined;
  /** Those that should have sockets of their own, now. Without it, all that the system lists. */
  addresses?: Addresses;
  bounds?: Partial<RelayBounds> | undefined;
  /** Milliseconds since 1970. */
  clock: () => number;
  /** Milliseconds since any moment, never set back nor ahead. */
  elapsed: () => number;
  /** Without one, a new one, by the system's time. */
  checks?: Checks | undefined;
};

/**
 * Listens on both ports. `see` gets what genuine clients' datagrams show, and says whether it could take it. Rejects if a port
 * cannot be bound.
 */
export async function listen(
  {
    ports,
    bind,
    addresses = addressesWith(),
    bounds,
    clock,
    elapsed,
    checks = new Checks(),
    ...keys
  }: ReceiverOptions,
  see: (port: PortName, datagram: ClientDatagram) => boolean,
): Promise<Receiver> {
  const filters = filtersOf(keys);
  const passKeys = deriveKeys(keys, "pass");
  const cookies = cookiesOf(keys.key);
  const counts = { first: newPortCounts(), second: newPortCounts() };
  const unproven = new Unproven();
  const answers = { first: new AnswerBudget(elapsed()), second: new AnswerBudget(elapsed()) };
  const relay = startRelay({ ...keys, cookies, bounds, clock, elapsed });
  let isLeaving = false;

  const connect = (port: PortName, bytes: Uint8Array, from: RemoteInfo): Verdict => {
    const token = readDatagram(bytes);
    if (!token) return "junk";
    if (!isLikely(filters, token)) return "forged";
    const { clientId, signed, mac } = token;
    const proof: Proof = { kind: "token", text: `${signed}.${mac}` };
    const candidates = readCandidates(token.candidates);
    return see(port, { clientId, proof, endpoint: endpointOf(from), candidates }) ? "observed" : "dropped";
  };
  const probe = (port: PortName, bytes: Uint8Array, from: RemoteInfo, via: Outlet): Verdict => {
    const now = clock();
    const read = readProbe(passKeys, bytes, now);
    if (typeof read === "string") return read;
    const { clientId, pass, candidates } = read;
    const endpoint = endpointOf(from);
    const cookie = cookies.bake(from.address, from.port, now);
    const answer = answerTo(read, bytes, { ...endpoint, cookie });
    if (answer) via.send(answer, from.port, from.address);
    // Its source may be made up, or somebody repeats it, until it returns what was sent there.
    if (!read.cookie || !cookies.isGood(read.cookie, from.address, from.port, now)) {
      unproven.challenged(clientId, elapsed());
      return "challenged";
    }
    unproven.proven();
    const proof: Proof = { kind: "pass", text: pass };
    return see(port, { clientId, proof, endpoint, candidates, proven: true }) ? "observed" : "dropped";
  };
  const stun = (port: PortName, bytes: Uint8Array, from: RemoteInfo, via: Outlet): Verdict => {
    const request = readBindingRequest(bytes);
    const answer = request && bindingAnswer(request, endpointOf(from));
    if (!answer) return "junk";
    const now = elapsed();
    answers[port].heard(from.address, bytes.length, now);
    // Its source may be made up.
    if (!answers[port].mayAnswer(from.address, answer.length, now)) return "unanswered";
    via.send(answer, from.port, from.address);
    return "stun";
  };
  const verdictOn = (port: PortName, bytes: Uint8Array, from: RemoteInfo, via: Outlet): Verdict => {
    // Port 0 is nobody's: such a source is made up.
    if (from.port === 0) return "junk";
    const kind = isStun(bytes) ? "stun" : kindOf(bytes);
    if (kind === null) return "junk";
    if (isLeaving && kind !== "bind") return "dropped";
    return checks.run(from.address, () => checked(kind, port, bytes, from, via));
  };
  const checked = (kind: Kind, port: PortName, bytes: Uint8Array, from: RemoteInfo, via: Outlet): Verdict => {
    switch (kind) {
      case "stun":
        return stun(port, bytes, from, via);
      case "connect":
        return connect(port, bytes, from);
      case "probe":
        return probe(port, bytes, from, via);
      case "bind":
        return port === "first" ? relay.bind(bytes, from.address, from.port, via) : "junk";
    }
  };

  const receiveFirst: Receive = (bytes, from, via) => {
    // These may come by the hundred thousand, so they are looked at first.
    if (isPacketKind(bytes[0] ?? 0)) {
      const { address, port } = from;
      if (port !== 0 && relay.carry(bytes, address, port)) counts.first.packets += 1;
      else counts.first.junk += 1;
    } else counts.first[verdictOn("first", bytes, from, via)] += 1;
  };
  const receiveSecond: Receive = (bytes, from, via) => {
    counts.second[verdictOn("second", bytes, from, via)] += 1;
  };

  const opened: UdpPort[] = [];
  const close = async () => {
    relay.stop();
    await Promise.all(opened.map((port) => port.close()));
  };
  const open = async (port: number, receive: Receive) => {
    const one = await UdpPort.open(port, { bind, addresses, receive, elapsed }).catch(
      async (error: unknown) => {
        await close();
        throw error;
      },
    );
    opened.push(one);
    return one;
  };
  const first = await open(ports.first, receiveFirst);
  const second = await open(ports.second, receiveSecond);
  const refresh = async () => {
    await Promise.all(opened.map((port) => port.refresh()));
  };
  const timer = setInterval(refresh, sidecarLimits.localAddressesMs).unref();

  return {
    ports: { first: first.port, second: second.port },
    counts,
    bufferBytes: Math.min(first.bufferBytes, second.bufferBytes),
    relay,
    unproven,
    leave: () => {
      isLeaving = true;
    },
    refresh,
    close: async () => {
      clearInterval(timer);
      await close();
    },
  };
}

type Verdict = keyof PortCounts;
type Kind = NonNullable<ReturnType<typeof kindOf>> | "stun";

function endpointOf({ address, port }: RemoteInfo): Endpoint {
  return { ip: plainAddress(address), port };
}
