/** noray's TCP port: connections, and the lines that come in on them. */
import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { draw, fill, newBucket, type Rate } from "../../../core/allowance.ts";
import { Admission } from "../../../core/dialects/admission.ts";
import { type AdmissionLimits, gatewayLimits } from "../../../core/dialects/limits.ts";
import { norayLimits } from "../../../core/dialects/noray/limits.ts";
import { LineReader } from "../../../core/dialects/noray/lines.ts";
import { plainAddress } from "../../../core/endpoint.ts";
import type { NorayCounts } from "./counts.ts";

const { norayIdleMs, norayKeepAliveMs, norayUnreadBytes } = norayLimits;
const commands: Rate = {
  burst: norayLimits.norayCommandBurst,
  perSecond: norayLimits.norayCommandsPerSecond,
};
const reading: Rate = { burst: norayLimits.norayReadBurst, perSecond: norayLimits.norayReadRate };

/** How many connections there may be: of one address, of the network around it, and in all. */
export type ConnectionLimits = Pick<AdmissionLimits, "addressSessions" | "wideSessions" | "sessions">;

/** One client's TCP connection. */
export type Connection = {
  /** The client's IP address. */
  readonly address: string;
  /** The address of this machine that the client dialled. */
  readonly localAddress: string;
  /** Writes a line. A client that does not read is disconnected. */
  say(line: string): void;
  /** From now on it may be silent for hours. */
  keep(): void;
};

export type Handlers = {
  line(connection: Connection, line: string): void;
  closed(connection: Connection): void;
};

export type ConnectionsOptions = {
  host: string;
  port: number;
  limits: ConnectionLimits;
  counts: NorayCounts;
  elapsed: () => number;
  idleMs?: number | undefined;
  keepAliveMs?: number | undefined;
};

export type Connections = {
  readonly port: number;
  /** Connections that are open. */
  count(): number;
  /** Ends all connections. */
  close(): Promise<void>;
};

/** Rejects, with the system's error, if the port cannot be bound. */
export async function listenForLines(
  {
    host,
    port,
    limits,
    counts,
    elapsed,
    idleMs = norayIdleMs,
    keepAliveMs = norayKeepAliveMs,
  }: ConnectionsOptions,
  handlers: Handlers,
): Promise<Connections> {
  const admission = new Admission({ ...gatewayLimits, ...limits });
  const sockets = new Set<Socket>();

  const take = (socket: Socket) => {
    // A connection that has already ended has no address.
    const address = plainAddress(socket.remoteAddress ?? "");
    const refusal = address === "" ? "gateway_full" : admission.enter(address);
    if (refusal) {
      counts.drops[refusal] += 1;
      socket.destroy();
      return;
    }
    sockets.add(socket);
    const connection = connectionOf(socket, address, counts);
    const reader = new LineReader();
    const mayAsk = askingOf(elapsed);
    const takeLines = (lines: Iterable<string>) => {
      for (const one of lines) {
        const verdict = mayAsk();
        if (verdict === "take") handlers.line(connection, one);
        else counts.drops.too_many_commands += 1;
        if (verdict === "close") socket.destroy();
        // What it has said besides is not looked at.
        if (socket.destroyed) return;
      }
    };
    const readOn = readingOf(socket, elapsed);
    socket.setTimeout(idleMs, () => {
      counts.drops.idle += 1;
      socket.destroy();
    });
    socket.on("data", (bytes: Buffer) => {
      const tooLong = reader.tooLong;
      takeLines(reader.read(bytes));
      counts.drops.line_too_long += reader.tooLong - tooLong;
      readOn(bytes.length);
    });
    // Like the original: what comes with the end is still done, and its answers are written.
    socket.on("end", () => {
      takeLines(reader.end());
      socket.end();
    });
    // A close follows.
    socket.on("error", () => {});
    socket.on("close", () => {
      sockets.delete(socket);
      admission.leave(address);
      handlers.closed(connection);
    });
  };

  const server = createServer(
    { allowHalfOpen: true, noDelay: true, keepAlive: true, keepAliveInitialDelay: keepAliveMs },
    take,
  );
  server.listen({ port, host, exclusive: true });
  await once(server, "listening");
  // An error of one connection that could not be accepted is not the end of the server.
  server.on("error", () => {});
  return {
    port: (server.address() as AddressInfo).port,
    count: () => sockets.size,
    close: async () => {
      server.close();
      for (const socket of sockets) socket.destroy();
      await once(server, "close");
    },
  };
}

/** What to do with one more line of a connection. One that goes on although its lines are dropped is closed. */
function askingOf(elapsed: () => number): () => "take" | "drop" | "close" {
  const bucket = newBucket(commands, elapsed());
  let dropped = 0;
  return () => {
    const isTaken = draw(bucket, commands, elapsed());
    if (bucket.left >= commands.burst - 1) dropped = 0;
    if (isTaken) return "take";
    dropped += 1;
    return dropped > norayLimits.norayCommandsDropped ? "close" : "drop";
  };
}

/** Is told how many bytes were read, and reads no more while those were too many. */
function readingOf(socket: Socket, elapsed: () => number): (bytes: number) => void {
  const bucket = newBucket(reading, elapsed());
  return (bytes) => {
    fill(bucket, reading, elapsed());
    bucket.left -= bytes;
    if (bucket.left >= 0 || socket.destroyed) return;
    socket.pause();
    setTimeout(() => socket.resume(), (-bucket.left / reading.perSecond) * 1_000).unref();
  };
}

function connectionOf(socket: Socket, address: string, counts: NorayCounts): Connection {
  return {
    address,
    localAddress: plainAddress(socket.localAddress ?? ""),
    say: (line) => {
      if (!socket.writable) return;
      socket.write(`${line}\n`);
      if (socket.writableLength <= norayUnreadBytes) return;
      counts.drops.unread += 1;
      socket.destroy();
    },
    keep: () => {
      socket.setTimeout(0);
    },
  };
}
