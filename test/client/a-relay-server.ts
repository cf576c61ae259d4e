/** A relay over WebSocket as far as clients see it, which tells what they do. It believes any ticket. */
import { once } from "node:events";
import { type WebSocket, WebSocketServer } from "ws";
import { parseTicket } from "../../core/relay/ticket.ts";
import { linkNumber } from "../../core/wire/peer-packet.ts";
import { frameOf, packetsOf, readReceipt, relayedLink } from "../../core/wire/relay-frame.ts";
import { offeredTicket, type RelayMessage, readRelayBind, relayText } from "../../core/wire/relay-message.ts";

type Socket = WebSocket & { links: Set<string> };

export class RelayServer {
  readonly #server: WebSocketServer;
  readonly sockets = new Set<Socket>();
  /** What came: the tickets of each bind, and the packets of each frame. */
  readonly binds: string[][] = [];
  readonly frames: Uint8Array[][] = [];
  readonly receipts: number[] = [];
  connections = 0;
  /** Whether it takes no connections. */
  isDown = false;
  /** Whether it answers nothing, though connections are open. */
  isMute = false;

  private constructor(server: WebSocketServer) {
    this.#server = server;
    server.on("connection", (socket, { headers }) => {
      this.connections += 1;
      if (this.isDown) socket.terminate();
      else this.#admit(socket, headers["sec-websocket-protocol"] ?? "");
    });
  }

  static async start(): Promise<RelayServer> {
    const server = new WebSocketServer({
      port: 0,
      host: "127.0.0.1",
      path: "/relay",
      handleProtocols: () => "orion-relay",
    });
    await once(server, "listening");
    return new RelayServer(server);
  }

  get url(): URL {
    const address = this.#server.address();
    if (typeof address === "string" || address === null) throw new Error("no port");
    return new URL(`http://127.0.0.1:${address.port}`);
  }

  say(message: RelayMessage): void {
    for (const socket of this.sockets) socket.send(relayText(message));
  }

  /** Breaks all connections. */
  breakAll(): void {
    for (const socket of this.sockets) socket.terminate();
  }

  /** Closes all connections in its own words. */
  dismissAll(code: number, reason: string): void {
    for (const socket of this.sockets) socket.close(code, reason);
  }

  stop(): void {
    this.breakAll();
    this.#server.close();
  }

  #admit(bare: WebSocket, protocols: string): void {
    const socket: Socket = Object.assign(bare, { links: new Set<string>() });
    this.sockets.add(socket);
    socket.on("error", () => {});
    socket.on("close", () => this.sockets.delete(socket));
    socket.on("message", (data: Buffer, isBinary) => {
      if (!isBinary)
        this.#bind(
          socket,
          (readRelayBind(String(data)) ?? []).map(({ ticket }) => ticket),
        );
      else this.#pass(socket, new Uint8Array(data));
    });
    this.#bind(socket, [offeredTicket(protocols)?.ticket ?? ""]);
  }

  #bind(socket: Socket, tickets: string[]): void {
    this.binds.push(tickets);
    if (this.isMute) return;
    for (const ticket of tickets) {
      const { link = "" } = parseTicket(ticket) ?? {};
      socket.links.add(link);
      const ends = [...this.sockets].filter(({ links }) => links.has(link));
      for (const end of ends) end.send(relayText({ method: "relay_bound", link, peer: ends.length > 1 }));
    }
  }

  #pass(from: Socket, frame: Uint8Array): void {
    const packets = packetsOf(frame) ?? [];
    this.frames.push(packets);
    for (const packet of packets) {
      const received = readReceipt(packet);
      if (received !== null) this.receipts.push(received);
      const number = relayedLink(packet, 0, packet.length);
      if (number === null || this.isMute) continue;
      for (const to of this.sockets) {
        const isTheirs = [...to.links].some((id) => linkNumber(id) === number);
        if (to !== from && isTheirs) to.send(frameOf([packet]));
      }
    }
  }
}
