/** The whole service in one process: the Worker under Miniflare, and a sidecar beside it. */
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { CoreHeaders, Log, LogLevel, Miniflare, Response } from "miniflare";
import type { Registry } from "prom-client";
import { hostInUrl } from "../core/endpoint.ts";
import type { OperatorKeyName } from "../core/operator-key.ts";
import { defaultTiming, type Timing } from "../core/settings.ts";
import type { GatewaysOptions } from "../udp-sidecar/gateways/start.ts";
import { type Sidecar, startSidecar } from "../udp-sidecar/sidecar.ts";
import { edgeLimits } from "../worker/edge/limits.ts";
import { roomHeader } from "../worker/edge/room-header.ts";
import type { bundleWorker } from "./bundle-worker.ts";
import { compatibilityDate } from "./clock.ts";
import type { Room } from "./descriptors.ts";
import { type LocalLine, watchFreeSpace } from "./free-space.ts";
import { sayGoodbye } from "./goodbye.ts";
import { sweepObjectFiles } from "./object-files.ts";
import { openParts } from "./parts.ts";
import { addressesOf } from "./port.ts";
import { sidecarKeyOf } from "./sidecar-key.ts";
import { openFolder, openTemporaryFolder } from "./storage.ts";
import type { LocalVars } from "./worker-vars.ts";

export type ServerOptions = {
  /** 0 for any free one. */
  httpPort: number;
  /** 0 for any free one; null for no sidecar. */
  udpPort: number | null;
  /** Without one, the next after `udpPort`. */
  secondUdpPort?: number;
  /** Where the sidecar, and the Worker's statistics, are told of, on 127.0.0.1; nowhere without. */
  metricsPort?: number | undefined;
  /** Keys of the operator's view; without any there is none. */
  operatorKeys?: { readonly [Name in OperatorKeyName]?: string } | undefined;
  /** Other protocols that the sidecar speaks; none without. */
  gateways?: GatewaysOptions | undefined;
  /** Where to listen: an address, `::` for all of IPv4 and IPv6, or `localhost` for both loopback addresses. */
  host: string;
  /** Whether it serves its page and the SDK to browsers; it does unless this says no. */
  page?: boolean;
  timing?: Partial<Timing>;
  /** A folder to keep the objects' storage in; without one it is deleted at the end. */
  persist?: string | undefined;
  /** How many more requests workerd has files for that each may create an object; without it, nobody knows. */
  filesFor?: (() => number) | undefined;
  /** What it may hold at a time; without it, there is no bound on WebSockets. */
  room?: Room | undefined;
  /** The secret of which sidecars of other processes have keys; without one, a random one. */
  secret?: string;
  /** The Worker's entry file; tests put one around it that injects faults. */
  entry?: string;
  /** Modules that run in the Worker before its own code: tests watch it from there. */
  inject?: string[];
  /** How the Worker is bundled; tests do it once for many servers. */
  bundle?: typeof bundleWorker;
  /** Further settings of the Worker (core/settings.ts). */
  vars?: Record<string, string | number>;
  /** Is told every line that the Worker logs; without one they are this process's. */
  logged?: (line: string) => void;
  /** Is told what the sidecar and the storage have to say; without one nobody is. */
  told?: (line: LocalLine) => void;
  /** Is told that workerd has crashed: `restarted` if it runs again, with none of the players it had. */
  crashed?: (restarted: boolean) => void;
};

export type Server = {
  url: URL;
  sidecar: Sidecar | null;
  /** Ends an object as the platform may at any time; `hibernate` lets its WebSockets live on. For tests. */
  evict(
    object: { className: "Lobby" | "Lounge" | "Directory" | "Fleet" | "Relay" | "Stats"; name: string },
    webSockets: "hibernate" | "close",
  ): Promise<void>;
  /** May be called again. */
  stop(): Promise<void>;
};

const root = fileURLToPath(new URL("..", import.meta.url));

// With this header Miniflare lets anybody who connects say where he is. Without it, workerd says what its socket knows.
Reflect.deleteProperty(CoreHeaders, "CF_BLOB");

export async function startServer(options: ServerOptions): Promise<Server> {
  const { httpPort, udpPort, host, persist, room } = options;
  const secret = options.secret ?? randomBytes(32).toString("hex");
  const stopKey = randomBytes(32).toString("hex");
  const { script, page } = await openParts(options);
  const hosts = await addressesOf(host);
  const storage = persist === undefined ? openTemporaryFolder() : openFolder(persist);
  const space = watchFreeSpace(storage.path, {
    keepReserve: persist !== undefined,
    told: options.told ?? (() => {}),
  });
  const sweepers = ["Lobby", "Relay"].map((name) =>
    sweepObjectFiles(join(storage.path, "do", `${workerName}-${name}`)),
  );
  const cleanUp = () => {
    for (const sweeper of sweepers) void sweeper.stop();
    space.stop();
    storage.close();
    page?.close();
  };
  process.once("exit", cleanUp);
  const local: Partial<LocalVars> = {
    stopKey,
    ...(room && { mostSockets: String(room.sockets) }),
    ...(options.metricsPort !== undefined && { keepStats: "on" }),
  };
  const worker = new Miniflare(
    workerOptions({
      script,
      vars: {
        ...defaultTiming,
        // Nobody bills this machine.
        networkCentsPerDay: 0,
        relayCentsPerDay: 0,
        codeKey: randomBytes(16).toString("hex"),
        clientAddress: "socket",
        ...options.timing,
        ...options.vars,
        ...options.operatorKeys,
        ...local,
        ORION_SECRET: secret,
      },
      hosts,
      httpPort,
      storage: storage.path,
      page: page?.path ?? null,
      roomFor: () => (space.hasRoom ? (options.filesFor?.() ?? untold) : 0),
      logged: options.logged,
      crashed: options.crashed ?? (() => {}),
    }),
  );
  try {
    const { port } = await worker.unsafeGetDirectURL(workerName);
    const [first = host] = hosts;
    const reachable = first === "0.0.0.0" || first === "::" ? "127.0.0.1" : first;
    const url = new URL(`http://${hostInUrl(reachable)}:${port}`);
    const sidecar =
      udpPort === null ? null : await startOwnSidecar(url, { secret, stopKey }, udpPort, options);
    const stop = async () => {
      // A sweep must not be cut short: it gives files other names for a moment.
      await Promise.all([sidecar?.stop(), sayGoodbye(url, stopKey), ...sweepers.map((one) => one.stop())]);
      await worker.dispose();
      cleanUp();
      process.off("exit", cleanUp);
    };
    let stopped: Promise<void> | null = null;
    return {
      url,
      sidecar,
      evict: ({ className, name }, webSockets) =>
        worker.unsafeEvictDurableObject(workerName, className, { name, webSockets }),
      stop: () => {
        stopped ??= stop();
        return stopped;
      },
    };
  } catch (error) {
    await worker.dispose();
    cleanUp();
    throw error;
  }
}

async function startOwnSidecar(
  edge: URL,
  { secret, stopKey }: { secret: string; stopKey: string },
  port: number,
  { secondUdpPort: secondPort, metricsPort, gateways, host, told = () => {} }: ServerOptions,
): Promise<Sidecar> {
  const more = async (registry: Registry) => {
    const { addEdgeMetrics } = await import("./edge-metrics.ts");
    return addEdgeMetrics(registry, edge, stopKey);
  };
  const metrics = metricsPort === undefined ? undefined : { port: metricsPort, host: "127.0.0.1", more };
  // A sidecar listens on one address.
  const bind = host === "localhost" ? "127.0.0.1" : host;
  const key = sidecarKeyOf(secret, { name: "local", number: 1 });
  // The players' host for HTTP is this machine, whatever they call it: no public host needs to be told.
  const sidecar = await startSidecar({ edge, key, port, secondPort, bind, metrics, gateways }, told);
  await sidecar.known;
  return sidecar;
}

/** More requests than come between two answers. */
const untold = 1_000_000;
const workerName = "orion-edge";
const pageName = "orion-edge-page";
function workerOptions(from: {
  script: string;
  vars: Record<string, string | number>;
  hosts: string[];
  httpPort: number;
  storage: string;
  page: string | null;
  roomFor: () => number;
  logged: ((line: string) => void) | undefined;
  crashed: (restarted: boolean) => void;
}): ConstructorParameters<typeof Miniflare>[0] {
  const object = (exportName: string) =>
    ({ type: "durable-object", worker: workerName, exportName }) as const;
  const counting = (namespace: string, limit: number) =>
    ({ type: "rate-limit", namespace, simple: { limit, period: edgeLimits.addressPeriodS } }) as const;
  const stored = { type: "durable-object", storage: "sqlite" } as const;
  const texts = Object.entries(from.vars).map(
    ([name, value]) => [name, { type: "text", value: String(value) }] as const,
  );
  // The wildcard of workerd takes IPv4 too, whatever the system's default is.
  const listeners = from.hosts.map((host) => (host === "::" ? "*" : host));
  const unsafeDirectSockets = listeners.map((host) => ({ host, port: from.httpPort }));
  return {
    // Miniflare's own front socket is not used: the direct one below costs half the CPU.
    host: "127.0.0.1",
    port: 0,
    cf: false,
    log: new RuntimeLog(() => from.crashed(false)),
    unsafeHandleRuntimeRestart: () => from.crashed(true),
    ...(from.logged && { handleStructuredLogs: ({ message }) => from.logged?.(message) }),
    telemetry: { enabled: false },
    // For several Workers on one machine; it opens a port by which any program here could reach the objects.
    enableDevRegistry: false,
    resourcePersistencePath: from.storage,
    workers: [
      {
        config: {
          name: workerName,
          compatibilityDate,
          // wrangler.toml says why.
          compatibilityFlags: ["no_web_socket_compression"],
          manifest: {
            mainModule: "index.js",
            modulesRoot: root,
            modules: { "index.js": { type: "esm", contents: from.script } },
          },
          env: {
            ...Object.fromEntries(texts),
            LOBBY: object("Lobby"),
            LOUNGE: object("Lounge"),
            DIRECTORY: object("Directory"),
            FLEET: object("Fleet"),
            BUDGET: object("Budget"),
            RELAY: object("Relay"),
            ...(from.page !== null && { ASSETS: { type: "worker", worker: pageName } as const }),
            STATS: object("Stats"),
            STORAGE: {
              type: "fetcher",
              handler: () => new Response(null, { headers: { [roomHeader]: String(from.roomFor()) } }),
            },
            CONNECTS: counting("CONNECTS", edgeLimits.addressConnects),
            REQUESTS: counting("REQUESTS", edgeLimits.addressRequests),
            FAILED_JOINS: counting("FAILED_JOINS", edgeLimits.addressFailedJoins),
            LISTINGS: counting("LISTINGS", edgeLimits.addressListings),
            OPERATOR_TRIES: counting("OPERATOR_TRIES", edgeLimits.operatorTries),
          },
          exports: {
            Lobby: stored,
            Lounge: stored,
            Directory: stored,
            Fleet: stored,
            Budget: stored,
            Relay: stored,
            Stats: stored,
          },
        },
        dev: { rootPath: root, unsafeDirectSockets },
      },
      ...(from.page === null ? [] : [pageWorker(from.page)]),
    ],
  };
}

/** The static files have a Worker of their own. With both in one, each request and each WebSocket would go through Miniflare's router first. */
function pageWorker(folder: string) {
  return {
    config: {
      name: pageName,
      compatibilityDate,
      manifest: {
        mainModule: "none.js",
        modulesRoot: root,
        modules: { "none.js": { type: "esm", contents: "export default {};" } },
      },
      assets: { directory: folder, htmlHandling: "none", notFoundHandling: "none" },
    },
    dev: { rootPath: root },
  } as const;
}

/** Miniflare's log, which alone tells that it could not start a crashed workerd again. */
class RuntimeLog extends Log {
  readonly #failed: () => void;

  constructor(failed: () => void) {
    super(LogLevel.ERROR);
    this.#failed = failed;
  }

  override error(error: Error): void {
    if ("code" in error && error.code === "ERR_RUNTIME_FAILURE") this.#failed();
    else super.error(error);
  }
}
