/**
 * Ports to tell other programs, and to have again after they were given back. They are none of those that the system gives to
 * whoever asks for any port (Linux: from 32768 on, others: from 49152 on): such a one may be somebody's as soon as it is free.
 */
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { createServer } from "node:net";

const first = 10_000;
const end = 32_000;
/** Each test process begins elsewhere, so that two seldom look at the same. */
let next = first + ((process.pid * 97) % (end - first));

/** A TCP port that is free now. */
export const freeTcpPort = (): Promise<number> => freePort(hasTcp);

/** A UDP port that is free now, and so is the one after it: a sidecar has two. */
export const freeUdpPort = (): Promise<number> => freePort(hasUdp);

/** As many UDP ports. */
export async function freeUdpPorts(count: number): Promise<number[]> {
  const ports: number[] = [];
  while (ports.length < count) ports.push(await freeUdpPort());
  return ports;
}

async function freePort(isFree: (port: number) => Promise<boolean>): Promise<number> {
  for (let tried = first; tried < end; tried += 2) {
    const port = next;
    next = next + 3 < end ? next + 2 : first;
    if ((await isFree(port)) && (await isFree(port + 1))) return port;
  }
  throw new Error("no port is free");
}

async function hasTcp(port: number): Promise<boolean> {
  const server = createServer().listen(port, "127.0.0.1");
  const isFree = await once(server, "listening").then(
    () => true,
    () => false,
  );
  if (isFree) await new Promise((resolve) => server.close(resolve));
  return isFree;
}

async function hasUdp(port: number): Promise<boolean> {
  const socket = createSocket("udp4").bind(port);
  const isFree = await once(socket, "listening").then(
    () => true,
    () => false,
  );
  await new Promise<void>((resolve) => socket.close(() => resolve()));
  return isFree;
}
