/** UDP sockets as a sidecar opens them. */
import { createSocket, type Socket, type SocketType } from "node:dgram";
import { isIPv6 } from "node:net";

/** Bytes the system holds for us while we are busy: about a tenth of a second of a flood. */
export const bufferBytes = 4 * 1024 * 1024;

/** Listens on all addresses, IPv4 and IPv6, or on `bind` alone. Rejects, with the system's error, if the port cannot be bound. */
export async function openSocket(port: number, bind: string | undefined): Promise<Socket> {
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
    const socket = createSocket({
      type,
      recvBufferSize: bufferBytes,
      sendBufferSize: bufferBytes,
      // We send to where something came from, never to a name. Node's own look-up would put every datagram off to the next tick.
      lookup: (literal, _, done) => done(null, literal, type === "udp6" ? 6 : 4),
    });
    socket.once("error", reject);
    socket.bind({ port, address }, () => {
      socket.off("error", reject);
      // An error of one receive is not the end of the socket, and there is nobody to tell.
      socket.on("error", () => {});
      resolve(socket);
    });
  });
}

function isWithoutIPv6(error: unknown): boolean {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return code === "EAFNOSUPPORT" || code === "EADDRNOTAVAIL" || code === "EINVAL";
}
