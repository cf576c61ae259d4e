/** The whole service in one process: the Worker under Miniflare, and a sidecar beside it. */
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync, statfsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { Log, LogLevel, Miniflare } from "miniflare";
import { hostInUrl } from "../core/endpoint.ts";
import { limits } from "../core/limits.ts";
import { defaultTiming, type Timing } from "../core/settings.ts";
import type { Line } from "../udp-sidecar/log.ts";
import { type Sidecar, startSidecar } from "../udp-sidecar/sidecar.ts";

export type ServerOptions = {
  /** 0 for any free one. */
  httpPort: number;
  /** 0 for any free one; null for no sidecar. */
  udpPort: number | null;
  /** Without one, the next after `udpPort`. */
  secondUdpPort?: number;
  /** Where the sidecar tells how it is, on 127.0.0.1; nowhere without. */
  metricsPort?: number | undefined;
  /** The address to listen on. */
  host: string;
  timing?: Partial<Timing>;
  /** A folder to keep the objects' storage in; without one it is deleted at the end. */
  persist?: string | undefined;
  /** The secret for sidecars of other processes; without one, a random one. */
  secret?: string;
  /** The Worker's entry file; tests put one around it that injects faults. */
  entry?: string;
  /** Modules that run in the Worker before its own code: tests watch it from there. */
  inject?: string[];
  /** Further settings of the Worker (`Settings` in worker/env.ts). */
  vars?: Record<string, string | number>;
  /** Is told every line that the Worker logs; without one they are this process's. */
  logged?: (line: string) => void;
  /** Is told what the sidecar has to say; without one nobody is. */
  told?: (line: Line) => void;
};

export type Server = {
  url: URL;
  sidecar: Sidecar | null;
  /** May be called again. */
  stop(): Promise<void>;
};

const root = fileURLToPath(new URL("..", import.meta.url));

export async function startServer(options: ServerOptions): Promise<Server> {
  const { httpPort, udpPort, host, persist } = options;
  const secret = options.secret ?? randomBytes(32).toString("hex");
  const script = await bundleWorker(options.entry ?? join(root, "worker/index.ts"), options.inject);
  const storage = persist ?? mkdtempSync(join(fastFolder(), "orion-edge-"));
  const cleanUp = () => {
    if (persist === undefined) rmSync(storage, { recursive: true, force: true });
  };
  process.once("exit", cleanUp);
  const worker = new Miniflare(
    workerOptions({
      script,
      vars: { homes: localHomes, ...defaultTiming, ...options.timing, ...options.vars, ORION_SECRET: secret },
      host,
      httpPort,
      storage,
      logged: options.logged,
    }),
  );
  try {
    const { port } = await worker.unsafeGetDirectURL(workerName);
    const reachable = host === "0.0.0.0" || host === "::" ? "127.0.0.1" : host;
    const url = new URL(`http://${hostInUrl(reachable)}:${port}`);
    const sidecar = udpPort === null ? null : await startOwnSidecar(url, secret, udpPort, options);
    const stop = async () => {
      await sidecar?.stop();
      await worker.dispose();
      cleanUp();
      process.off("exit", cleanUp);
    };
    let stopped: Promise<void> | null = null;
    return {
      url,
      sidecar,
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
  secret: string,
  port: number,
  { secondUdpPort: secondPort, metricsPort, host: bind, told = () => {} }: ServerOptions,
): Promise<Sidecar> {
  const metrics = metricsPort === undefined ? undefined : { port: metricsPort, host: "127.0.0.1" };
  // The players' host for HTTP is this machine, whatever they call it: no public host needs to be told.
  const sidecar = await startSidecar({ edge, secret, port, secondPort, name: "local", bind, metrics }, told);
  await sidecar.known;
  return sidecar;
}

const workerName = "orion-edge";
/**
 * As one machine is no region, a tenth of these is filled: room for 25 600 players. Each that is asked for something
 * takes three file descriptors and 250 kB for a while, and guessed codes ask any.
 */
const localHomes = 1_000;

/** The Worker as one module of JavaScript. */
async function bundleWorker(entry: string, inject: string[] = []): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [entry],
    inject,
    bundle: true,
    write: false,
    format: "esm",
    target: "es2024",
    external: ["cloudflare:*"],
  });
  return outputFiles[0]?.text ?? "";
}

function workerOptions(from: {
  script: string;
  vars: Record<string, string | number>;
  host: string;
  httpPort: number;
  storage: string;
  logged: ((line: string) => void) | undefined;
}): ConstructorParameters<typeof Miniflare>[0] {
  const object = (exportName: string) =>
    ({ type: "durable-object", worker: workerName, exportName }) as const;
  const counting = (namespace: string, limit: number) =>
    ({ type: "rate-limit", namespace, simple: { limit, period: limits.addressPeriodS } }) as const;
  const stored = { type: "durable-object", storage: "sqlite" } as const;
  const texts = Object.entries(from.vars).map(
    ([name, value]) => [name, { type: "text", value: String(value) }] as const,
  );
  return {
    // Miniflare's own front socket is not used: the direct one below costs half the CPU.
    host: "127.0.0.1",
    port: 0,
    cf: false,
    log: new Log(LogLevel.ERROR),
    ...(from.logged && { handleStructuredLogs: ({ message }) => from.logged?.(message) }),
    telemetry: { enabled: false },
    // For several Workers on one machine; it opens a port by which any program here could reach the objects.
    enableDevRegistry: false,
    resourcePersistencePath: from.storage,
    workers: [
      {
        config: {
          name: workerName,
          compatibilityDate: "2026-10-01",
          // wrangler.toml says why.
          compatibilityFlags: ["no_web_socket_compression"],
          manifest: {
            mainModule: "index.js",
            modulesRoot: root,
            modules: { "index.js": { type: "esm", contents: from.script } },
          },
          env: {
            ...Object.fromEntries(texts),
            HOME: object("Home"),
            DIRECTORY: object("Directory"),
            FLEET: object("Fleet"),
            CONNECTS: counting("CONNECTS", limits.addressConnects),
            REQUESTS: counting("REQUESTS", limits.addressRequests),
            FAILED_JOINS: counting("FAILED_JOINS", limits.addressFailedJoins),
            LISTINGS: counting("LISTINGS", limits.addressListings),
          },
          exports: { Home: stored, Directory: stored, Fleet: stored },
        },
        dev: { rootPath: root, unsafeDirectSockets: [{ host: from.host, port: from.httpPort }] },
      },
    ],
  };
}

const memoryFolder = "/dev/shm";
/** Bytes: 1 000 homes with 70 kB each, and as much again. A container often has 64 MB there. */
const memoryNeeded = 140 * 1024 ** 2;

/** Where files cost no disk access, if the system has such a place and room in it. */
function fastFolder(): string {
  try {
    const { bavail, bsize } = statfsSync(memoryFolder);
    return bavail * bsize >= memoryNeeded ? memoryFolder : tmpdir();
  } catch {
    return tmpdir();
  }
}
