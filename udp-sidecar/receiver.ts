/** The UDP socket: every datagram is junk until its token proves otherwise, and nothing is ever answered. */

import type { KeyObject } from "node:crypto";
import { createSocket, type Socket, type SocketType } from "node:dgram";
import { isIPv6 } from "node:net";
import { plainAddress } from "../core/endpoint.ts";
import { readDatagram } from "../core/wire/datagram.ts";
import type { Observation } from "../core/wire/sidecar-post.ts";
import { isGenuine } from "./keys.ts";

/** Datagrams by what became of them. */
export type Counts = { observed: number; junk: number; forged: number; dropped: number };

export type Receiver = {
  /** The port that is bound, if 0 was asked for. */
  port: number;
  counts: Counts;
  close(): Promise<void>;
};

/** Bytes the system holds for us while we are busy: about a tenth of a second of a flood. */
const receiveBuffer = 4 * 1024 * 1024;

/**
 * Listens on all addresses, IPv4 and IPv6, or on `bind` alone. `observe` gets what genuine tokens'
 * datagrams show, and says whether it could take it. Rejects if the port cannot be bound.
 */
export async function listen(
  { port, bind, key }: { port: number; bind: string | undefined; key: KeyObject },
  observe: (observation: Observation) => boolean,
): Promise<Receiver> {
  const counts: Counts = { observed: 0, junk: 0, forged: 0, dropped: 0 };
  const socket = await bound(port, bind);
  socket.on("message", (bytes, { address, port: from }) => {
    const token = readDatagram(bytes);
    // Port 0 is nobody's: such a source is made up.
    if (!token || from === 0) counts.junk += 1;
    else if (!isGenuine(key, token)) counts.forged += 1;
    else if (observe({ home: token.home, clientId: token.clientId, ip: plainAddress(address), port: from })) {
      counts.observed += 1;
    } else counts.dropped += 1;
  });
  // An error of one receive is not the end of the socket, and there is nobody to tell.
  socket.on("error", () => {});
  return {
    port: socket.address().port,
    counts,
    close: () => new Promise((resolve) => socket.close(() => resolve())),
  };
}

async function bound(port: number, bind: string | undefined): Promise<Socket> {
  if (bind !== undefined && bind !== "0.0.0.0" && bind !== "::") {
    return await tryBind(isIPv6(bind) ? "udp6" : "udp4", port, bind);
  }
  try {
    return await tryBind("udp6", port, "::");
  } catch (error) {
    if (!isWithoutIPv6(error)) throw error;
    return await tryBind("udp4", port, "0.0.0.0");
  }
}

function tryBind(type: SocketType, port: number, address: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = createSocket({ type, recvBufferSize: receiveBuffer });
    socket.once("error", reject);
    socket.bind({ port, address }, () => {
      socket.off("error", reject);
      resolve(socket);
    });
  });
}

function isWithoutIPv6(error: unknown): boolean {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return code === "EAFNOSUPPORT" || code === "EADDRNOTAVAIL" || code === "EINVAL";
}
