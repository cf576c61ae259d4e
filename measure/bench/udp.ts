import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";

/** A socket for the datagrams of all clients: the server tells them apart by their tokens. */
export async function openUdp(): Promise<Socket> {
  const socket = createSocket("udp4").bind(0, "127.0.0.1");
  await once(socket, "listening");
  return socket;
}
