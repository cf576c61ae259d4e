/**
 * The door of the server: the listener that workerd takes connections from, and a way to shut it. If workerd has no file descriptor left
 * for a new connection, it crashes, and all lobbies with it. So the door shuts when few are left.
 *
 * Linux gives a connection to the listener with the most specific address: one for 0.0.0.0 comes before one for ::, and one for a
 * single address before both. workerd listens on ::. To shut the door, this process listens on the more specific addresses, and refuses.
 * Connections that workerd has go on, and no message passes through this process.
 *
 * Both listeners need SO_REUSEPORT, which workerd does not set. So this process makes workerd's listener too, and hands it on.
 */
import childProcess, { type ChildProcess, type SpawnOptions } from "node:child_process";
import { readdirSync, statSync } from "node:fs";
import { createServer as createHttpServer, type Server as HttpServer } from "node:http";
import { createServer, type Server } from "node:net";
import { networkInterfaces } from "node:os";
import { refusal, refuse } from "../core/problem.ts";
import type { DoorBounds } from "./descriptors.ts";
import type { LocalLine } from "./free-space.ts";

export type DoorOptions = {
  /** 0 for any free one. */
  port: number;
  bounds: DoorBounds;
  told: (line: LocalLine) => void;
};

/** What Miniflare calls the socket of its first Worker. */
const socketName = "direct:0:default";
/** Where a child has the first descriptor beyond those that Miniflare gives it. */
const descriptorOfListener = 4;
/** Milliseconds between two looks. workerd takes up to 10 connections in one. */
const lookMs = 10;
/** Looks take at most this share of the time. A look takes milliseconds where the system can only list descriptors. */
const lookShare = 0.05;
/** The door opens again when the descriptors in use fall to this share of `shutAt`. */
const openShare = 0.9;
/** Connections that this process answers at a time. It closes any others at once. */
const mostRefused = 256;
/** Milliseconds that a client has to send its request, so that it gets the refusal. */
const patienceMs = 2_000;
/** Seconds after which a client that was refused may ask again. */
const retryAfterS = 10;
/** Milliseconds that the door must stay open before the log says so. In a flood it opens and shuts every second. */
const calmMs = 10_000;

/**
 * Has every workerd that Miniflare starts with this command get its listener from here, for all addresses of this machine. Only on
 * Linux. Returns what tells how many descriptors that workerd has open; null if nobody knows.
 */
export function setUpDoor(
  command: string,
  { port, bounds, told }: DoorOptions,
): { workerd(): number | null } {
  let current = port;
  let watch: { stop(): void } | undefined;
  let pid: number | undefined;
  const { spawn } = childProcess;
  // Miniflare has no option for a listener, and starts workerd in one place.
  Reflect.set(childProcess, "spawn", (...call: [string, string[], SpawnOptions]): ChildProcess => {
    const [started, args, options] = call;
    const listener = started === command ? listen(current, bounds.waiting) : null;
    if (listener === null || !Array.isArray(options.stdio) || options.stdio.length !== descriptorOfListener)
      return Reflect.apply(spawn, childProcess, call);
    current = listener.port;
    const [verb = "", ...rest] = args;
    const child = spawn(started, [verb, `--socket-fd=${socketName}=${descriptorOfListener}`, ...rest], {
      ...options,
      stdio: [...options.stdio, listener.descriptor],
    });
    listener.server.close();
    watch?.stop();
    pid = child.pid;
    if (child.pid !== undefined) watch = watchDescriptors(child.pid, { port: current, bounds, told });
    child.once("exit", () => watch?.stop());
    return child;
  });
  return { workerd: () => (pid === undefined ? null : descriptorsOf(pid)) };
}

/** Listens on ::, and takes nothing. Null if that cannot be done: then workerd listens by itself. */
function listen(port: number, backlog: number): { server: Server; descriptor: number; port: number } | null {
  const server = createServer();
  server.on("error", () => {});
  // Without a host, it listens before this returns.
  server.listen({ port, reusePort: true, backlog });
  const handle: unknown = Reflect.get(server, "_handle");
  const descriptor: unknown =
    typeof handle === "object" && handle !== null ? Reflect.get(handle, "fd") : null;
  const address = server.address();
  if (typeof descriptor === "number" && typeof address === "object" && address?.family === "IPv6")
    return { server, descriptor, port: address.port };
  server.close();
  return null;
}

/** Shuts and opens the door of one workerd, until it is stopped. */
function watchDescriptors(pid: number, { port, bounds, told }: DoorOptions): { stop(): void } {
  let inFront: HttpServer[] = [];
  let isTold = false;
  let openedAt = 0;
  let refusedConnections = 0;
  const open = () => {
    for (const server of inFront) server.close();
    inFront = [];
    openedAt = performance.now();
  };
  const look = () => {
    const count = descriptorsOf(pid);
    if (count === null) return;
    if (inFront.length === 0 && count >= bounds.shutAt) {
      inFront = addressesInFront().map((host) =>
        refuseAt(host, port, () => {
          refusedConnections += 1;
        }),
      );
      if (!isTold) told({ level: "error", event: "connections_refused", descriptors: count });
      isTold = true;
    } else if (inFront.length > 0 && count <= bounds.shutAt * openShare) {
      open();
    } else if (inFront.length === 0 && isTold && performance.now() - openedAt > calmMs) {
      told({ level: "info", event: "connections_accepted", descriptors: count, refused: refusedConnections });
      isTold = false;
      refusedConnections = 0;
    }
  };
  let timer: NodeJS.Timeout;
  const lookAgain = () => {
    const began = performance.now();
    look();
    timer = setTimeout(lookAgain, Math.max(lookMs, (performance.now() - began) / lookShare)).unref();
  };
  lookAgain();
  return {
    stop: () => {
      clearTimeout(timer);
      open();
    },
  };
}

/** The open descriptors of a process, or null if it is gone, or the system does not tell. */
function descriptorsOf(pid: number): number | null {
  const folder = `/proc/${pid}/fd`;
  try {
    // Linux before 6.2 says 0.
    return statSync(folder).size || readdirSync(folder).length;
  } catch {
    return null;
  }
}

/** Addresses more specific than `::`. Together they are all that a client can reach. */
function addressesInFront(): string[] {
  const own = Object.entries(networkInterfaces()).flatMap(([name, addresses = []]) =>
    addresses.flatMap(({ address, family, scopeid }) =>
      family === "IPv6" ? [scopeid ? `${address}%${name}` : address] : [],
    ),
  );
  return ["0.0.0.0", ...own];
}

/** Refuses what comes to an address, until it is closed. `counted` hears of each connection. */
function refuseAt(host: string, port: number, counted: () => void): HttpServer {
  const { status, body } = refusal(refuse("unavailable").codes);
  const server = createHttpServer({
    headersTimeout: patienceMs,
    connectionsCheckingInterval: patienceMs / 4,
  });
  server.maxConnections = mostRefused;
  server
    .on("connection", counted)
    .on("drop", counted)
    .on("error", () => {});
  server.on("request", (_, response) => {
    response
      .writeHead(status, {
        "content-type": "application/json",
        "retry-after": String(retryAfterS),
        connection: "close",
      })
      .end(JSON.stringify(body));
  });
  server.listen({ host, port, reusePort: true, ipv6Only: host !== "0.0.0.0" });
  return server;
}
