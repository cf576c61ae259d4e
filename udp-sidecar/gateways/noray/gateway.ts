/** The noray gateway: TCP for commands, a UDP registrar, and UDP relays (docs/dialects.md). All that needs one gateway works without the edge. */
import { IntroductionBudget } from "../../../core/dialects/noray/introduction-budget.ts";
import { norayLimits } from "../../../core/dialects/noray/limits.ts";
import type { Own } from "../../../core/dialects/noray/own.ts";
import type { NoraySettings } from "../../../core/dialects/noray/settings.ts";
import { sidecarLimits } from "../../limits.ts";
import { addressesWith, UdpPort } from "../../socket.ts";
import type { Gateway, GatewayContext } from "../gateway.ts";
import { Announcements } from "./announcements.ts";
import { Bridges } from "./bridges.ts";
import { type ConnectionLimits, listenForLines } from "./connections.ts";
import { newNorayCounts } from "./counts.ts";
import { type Elsewhere, Introductions } from "./introductions.ts";
import { LookUps } from "./look-ups.ts";
import { OwnAddresses } from "./own-addresses.ts";
import { RelaySockets } from "./relay-sockets.ts";

/** Settings as noray's are read (core/dialects/noray/settings.ts); a port may be 0, for any free one. */
export type NorayOptions = NoraySettings & {
  /** TCP connections, where they are not what core/dialects/noray/limits.ts has. */
  connections?: Partial<ConnectionLimits> | undefined;
  /** Milliseconds of silence of a connection without a registration, where they are not what that has. */
  idleMs?: number | undefined;
  /** Milliseconds of silence after which the system asks a client for a sign of life, where they are not what that has. */
  keepAliveMs?: number | undefined;
  /** Milliseconds that finding a host at another gateway may take, where they are not what that has. */
  meetingMs?: number | undefined;
};

const connectionLimits: ConnectionLimits = {
  addressSessions: norayLimits.norayAddressConnections,
  wideSessions: norayLimits.norayWideConnections,
  sessions: norayLimits.norayConnections,
};

/** Rejects, with the system's error, if a port cannot be bound. */
export async function startNorayGateway(options: NorayOptions, context: GatewayContext): Promise<Gateway> {
  const { elapsed, publicHost } = context;
  const counts = newNorayCounts();
  const { host, port, registrarPort, relayPorts, bounds, cleanupMs, idleMs, keepAliveMs, meetingMs } =
    options;
  const ownAddresses = new OwnAddresses(host, publicHost);
  let boundRegistrarPort = registrarPort;
  const own: Own = {
    isAddress: (ip) => ownAddresses.has(ip),
    isEndpoint: ({ ip, port }) => port === boundRegistrarPort && ownAddresses.has(ip),
  };
  const sockets = new RelaySockets({ host, ports: relayPorts, bounds, cleanupMs, counts, elapsed, own });
  const edge = context.sessions("noray");
  const bridges = new Bridges(sockets, publicHost, elapsed);
  const shared = { sessions: edge, bridges, counts, elapsed };
  const budget = new IntroductionBudget();
  const announcements = new Announcements({ ...shared, budget, admission: context.admission });
  const lookUps = new LookUps({ ...shared, meetingMs });
  const elsewhere: Elsewhere = {
    announce: (player) => announcements.announce(player),
    withdraw: (player) => announcements.withdraw(player),
    introduce: (player, oid, how) => lookUps.introduce(player, oid, how),
  };
  const introductions = new Introductions({ ids: options, sockets, elsewhere, budget, counts, elapsed });

  const closing: (() => Promise<void> | void)[] = [() => sockets.close()];
  const close = async () => {
    await Promise.all(closing.splice(0).map((one) => one()));
  };
  const open = async () => {
    const registrar = await UdpPort.open(registrarPort, {
      bind: host,
      addresses: addressesWith(publicHost),
      elapsed,
      receive: (bytes, { address, port }, via) => {
        const answer = introductions.datagram(bytes, { ip: address, port });
        if (answer !== null) via.send(answer, port, address);
      },
    });
    closing.push(() => registrar.close());
    boundRegistrarPort = registrar.port;
    const refresh = setInterval(() => {
      ownAddresses.refresh();
      void registrar.refresh();
    }, sidecarLimits.localAddressesMs);
    refresh.unref();
    closing.push(() => clearInterval(refresh));
    const limits = { ...connectionLimits, ...options.connections };
    const connections = await listenForLines(
      { host, port, limits, counts, elapsed, idleMs, keepAliveMs },
      introductions,
    );
    closing.push(() => connections.close());
    return { registrar, connections };
  };
  const { registrar, connections } = await open().catch(async (error: unknown) => {
    await close();
    throw error;
  });

  let stopped: Promise<void> | null = null;
  const stop = async () => {
    announcements.stop();
    await Promise.all([close(), edge.stop()]);
  };
  return {
    name: "noray",
    ports: { tcp: connections.port, registrar: registrar.port },
    counts,
    players: () => connections.count(),
    relays: () => sockets.size,
    stop: () => {
      stopped ??= stop();
      return stopped;
    },
  };
}
