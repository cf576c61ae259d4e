/**
 * The way of datagrams between the client under test and the sidecar. Each of the client's sockets has one socket here that talks to the
 * sidecar in its place, so the sidecar sees one endpoint for it at both of its ports.
 */
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import type { Transcript } from "./transcript.ts";

/** What happens to datagrams on their way. */
export type DatagramFaults = {
  /** Nothing passes, as if the sidecar were dead. */
  isDead: boolean;
  /** So many of the next datagrams of the client are lost. */
  lose: number;
  /** Each datagram comes twice. */
  isDoubled: boolean;
};

type Through = { readonly socket: Socket; port: number; readonly client: { address: string; port: number } };

export class DatagramLine {
  readonly faults: DatagramFaults = { isDead: false, lose: 0, isDoubled: false };
  readonly #transcript: Transcript;
  /** What the client is told are the sidecar's ports. The last one stands for the first, under another number. */
  readonly #doors: Socket[];
  readonly #doorPorts: readonly number[];
  readonly #ports: readonly [number, number];
  readonly #throughs = new Map<string, Through>();
  /** The number of the door at which the client's datagrams for the first port came last. */
  #firstDoor = 0;

  static async open(ports: readonly [number, number], transcript: Transcript): Promise<DatagramLine> {
    const doors = await Promise.all([openSocket(), openSocket(), openSocket()]);
    return new DatagramLine(doors, ports, transcript);
  }

  private constructor(doors: Socket[], ports: readonly [number, number], transcript: Transcript) {
    this.#doors = doors;
    this.#doorPorts = doors.map((door) => door.address().port);
    this.#ports = ports;
    this.#transcript = transcript;
    doors.forEach((door, number) => {
      door.on("message", (bytes, { address, port }) => void this.#take(bytes, number, { address, port }));
    });
  }

  /** The two ports to tell the client; `moved`: the first of them is another one than before. */
  ports(moved = false): [number, number] {
    const [first, second, other] = this.#doorPorts;
    return [(moved ? other : first) ?? 0, second ?? 0];
  }

  /** Whether the port is the other one for the first. */
  isMoved(door: number): boolean {
    return door === 2;
  }

  /** The client's own endpoint, by the port that the sidecar sees. */
  endpointBehind(port: number): { ip: string; port: number } | null {
    for (const { port: seen, client } of this.#throughs.values())
      if (seen === port) return { ip: client.address, port: client.port };
    return null;
  }

  /** The ports of the sockets by which the client has talked to the sidecar. */
  get clientPorts(): number[] {
    return [...this.#throughs.values()].map(({ client }) => client.port);
  }

  async #take(bytes: Buffer, door: number, client: { address: string; port: number }): Promise<void> {
    this.#transcript.add({ kind: "datagram", from: client.port, port: door, bytes });
    if (this.faults.isDead) return;
    if (this.faults.lose > 0) {
      this.faults.lose -= 1;
      return;
    }
    if (door !== 1) this.#firstDoor = door;
    const through = this.#throughFor(client);
    const to = door === 1 ? this.#ports[1] : this.#ports[0];
    for (let i = 0; i < (this.faults.isDoubled ? 2 : 1); i++) through.socket.send(bytes, to, "127.0.0.1");
  }

  #throughFor(client: { address: string; port: number }): Through {
    const name = `${client.address} ${client.port}`;
    const known = this.#throughs.get(name);
    if (known) return known;
    const socket = createSocket("udp4");
    socket.bind(0, "127.0.0.1");
    socket.on("error", () => {});
    socket.on("message", (bytes, { port }) => {
      if (this.faults.isDead) return;
      const door = this.#doors[port === this.#ports[1] ? 1 : this.#firstDoor];
      for (let i = 0; i < (this.faults.isDoubled ? 2 : 1); i++)
        door?.send(bytes, client.port, client.address);
    });
    const through = { socket, port: 0, client };
    socket.on("listening", () => {
      through.port = socket.address().port;
    });
    this.#throughs.set(name, through);
    return through;
  }

  close(): void {
    for (const socket of [...this.#doors, ...[...this.#throughs.values()].map(({ socket }) => socket)])
      socket.close();
  }
}

/** A socket for datagrams of this machine, on any free port. Its errors are those of peers that are gone: nobody needs them. */
export async function openSocket(): Promise<Socket> {
  const socket = createSocket("udp4").on("error", () => {});
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  return socket;
}
