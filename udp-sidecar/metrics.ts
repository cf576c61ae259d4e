/** What a sidecar tells its operator over HTTP: `/metrics`, for Prometheus, and `/healthz`. Loaded only where it is asked for. */
import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import { isIP } from "node:net";
import { Counter, collectDefaultMetrics, Gauge, Registry } from "prom-client";
import type { PortCounts, RelayCounts } from "./counts.ts";
import { addGatewayMetrics } from "./gateway-metrics.ts";
import type { Gateways } from "./gateways/start.ts";

/** Where to look when somebody asks: nothing is counted for the metrics alone. */
export type Sources = {
  ports: Readonly<Record<string, Readonly<PortCounts>>>;
  relayed: Readonly<RelayCounts>;
  carried(): { links: number; ends: number; lobbies: number };
  observations(): { posted: number; held: number; lost: number; refused: number; ignored: number };
  /** Clients that were challenged for a while, when none at all returned a cookie. */
  unproven(): number;
  /** Whether the edge accepted the last heartbeat. */
  isKnown(): boolean;
  /** Why no players should be sent here, in a word; null if they may be. */
  trouble(): string | null;
  gateways: Gateways;
};

/**
 * `names`: host names, in small letters, that it may be called by besides its addresses. `more`: adds metrics of others, and returns what brings
 * them up to date before they are read. `requestMs`: for tests.
 */
export type MetricsOptions = {
  port: number;
  host: string;
  names?: readonly string[] | undefined;
  more?: ((registry: Registry) => Promise<() => Promise<void>>) | undefined;
  requestMs?: number | undefined;
};

export type MetricsServer = { readonly port: number; close(): void };

/** Connections at once: a monitor has one or two. More are closed as they come. */
export const mostConnections = 64;
/** Milliseconds in which a request must have come, so that those who do not send one to its end keep nobody out for long. */
const patienceMs = 5_000;

/** Rejects, with the system's error, if the port cannot be had; 0 is any free one. */
export async function serveMetrics(
  { port, host, names = [], more, requestMs = patienceMs }: MetricsOptions,
  sources: Sources,
): Promise<MetricsServer> {
  const registry = registryOf(sources);
  const refresh = await more?.(registry);
  const timeouts = {
    headersTimeout: requestMs,
    requestTimeout: requestMs,
    connectionsCheckingInterval: requestMs / 5,
  };
  const server = createServer(timeouts, (request, response) => {
    const path = request.url?.replace(/\?.*/, "");
    if (!isOwnName(request.headers.host ?? "", names)) answer(response, 421, foreignName);
    else if (request.method !== "GET" && request.method !== "HEAD") answer(response, 405, "GET or HEAD only");
    else if (path?.startsWith("/healthz")) {
      const trouble = path === "/healthz" ? sources.trouble() : gatewayTrouble(path, sources);
      const status = trouble === null ? 200 : trouble === "off" ? 404 : 503;
      answer(response, status, trouble ?? "ok");
    } else if (path === "/metrics") {
      const read = async () => {
        await refresh?.();
        return await registry.metrics();
      };
      read().then(
        (text) => answer(response, 200, text, registry.contentType),
        () => answer(response, 500, "unreadable"),
      );
    } else answer(response, 404, "/metrics or /healthz");
  });
  server.maxConnections = mostConnections;
  server.listen({ port, host, exclusive: true });
  await once(server, "listening");
  const address = server.address();
  return {
    port: typeof address === "object" ? (address?.port ?? port) : port,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

/** Why no players of a gateway should be sent here, in a word; null if they may be. `path`: `/healthz/<gateway>`. */
function gatewayTrouble(path: string, { trouble, gateways }: Sources): string | null {
  const wanted = path.slice("/healthz/".length);
  if (gateways.skipped.some((name) => name === wanted)) return "port_taken";
  if (!gateways.running.some(({ gateway }) => gateway.name === wanted)) return "off";
  return trouble() ?? (gateways.isHeld() ? "not_served" : null);
}

const foreignName =
  "This is not one of this sidecar's names. Call it by its IP address, or name it in ORION_METRICS_NAMES.";

/**
 * Whether a `Host` header calls the sidecar by its address, or by a name of its own. A web page can have any other name lead
 * here (DNS rebinding), and would then read in a browser of this network what is for its operator.
 */
function isOwnName(header: string, names: readonly string[]): boolean {
  const host = header.replace(/:\d*$/, "").toLowerCase();
  return host === "localhost" || isIP(host.replace(/^\[(.*)\]$/, "$1")) !== 0 || names.includes(host);
}

function answer(response: ServerResponse, status: number, text: string, type = "text/plain"): void {
  const headers = { "content-type": type, "x-content-type-options": "nosniff", "cache-control": "no-store" };
  response.writeHead(status, headers).end(text.endsWith("\n") ? text : `${text}\n`);
}

function registryOf({
  ports,
  relayed,
  carried,
  observations,
  unproven,
  isKnown,
  gateways,
}: Sources): Registry {
  const registry = new Registry();
  const registers = [registry];
  const counter = (name: string, help: string, read: () => number) =>
    new Counter({
      name,
      help,
      registers,
      collect() {
        this.reset();
        this.inc(read());
      },
    });
  const counters = (name: string, help: string, label: string, of: Readonly<Record<string, number>>) =>
    new Counter({
      name,
      help,
      registers,
      labelNames: [label],
      collect() {
        this.reset();
        for (const [value, count] of Object.entries(of)) this.inc({ [label]: value }, count);
      },
    });
  const gauge = (name: string, help: string, read: () => number) =>
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(read());
      },
    });

  new Counter({
    name: "orion_datagrams_total",
    help: "Datagrams that came, by port and what became of them",
    registers,
    labelNames: ["port", "verdict"],
    collect() {
      this.reset();
      for (const [port, counts] of Object.entries(ports)) {
        for (const [verdict, count] of Object.entries(counts)) this.inc({ port, verdict }, count);
      }
    },
  });
  counter(
    "orion_observations_posted_total",
    "Observations that the edge has taken",
    () => observations().posted,
  );
  counter("orion_observations_lost_total", "Observations that waited in vain", () => observations().lost);
  counter(
    "orion_observations_refused_total",
    "Observations that the edge does not want",
    () => observations().refused,
  );
  counter(
    "orion_observations_ignored_total",
    "Observations of clients that the edge does not hold",
    () => observations().ignored,
  );
  gauge("orion_observations_held", "Clients whose observations are on their way", () => observations().held);
  gauge("orion_unproven_clients", "Clients that the sidecar's answers do not reach", unproven);
  gauge("orion_heartbeat_accepted", "1 if the edge accepted the last heartbeat", () => Number(isKnown()));
  counter("orion_relay_packets_total", "Packets passed on", () => relayed.packets);
  counter("orion_relay_bytes_total", "Bytes of the packets passed on", () => relayed.bytes);
  counters("orion_relay_drops_total", "Packets not passed on, by cause", "cause", relayed.drops);
  counter("orion_relay_binds_total", "Binds that succeeded", () => relayed.bound);
  counter("orion_relay_challenges_total", "Binds that were answered with a cookie", () => relayed.challenged);
  counters("orion_relay_refusals_total", "Binds that were refused, by code", "code", relayed.refusals);
  counters(
    "orion_relay_notices_total",
    "Ends that were told of a limit or a stop, by code",
    "code",
    relayed.notices,
  );
  gauge("orion_relay_links", "Links that are carried", () => carried().links);
  gauge("orion_relay_ends", "Ends of links that are bound", () => carried().ends);
  gauge("orion_relay_lobbies", "Lobbies with links", () => carried().lobbies);
  addGatewayMetrics(registry, gateways);
  collectDefaultMetrics({ register: registry });
  return registry;
}
