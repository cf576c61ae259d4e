/** A relay over WebSocket, under a time that the test gives. Its sockets are names. */
import { Exchange } from "../../core/relay/socket/exchange.ts";
import type { Ticket } from "../../core/relay/ticket.ts";
import { writeData } from "../../core/wire/peer-packet.ts";
import { frameOf, packetsOf, receipt, recordBytes } from "../../core/wire/relay-frame.ts";

export const life = 10 * 60_000;
export const begun = 1_000_000;

/** What each member gets. `frames`: the packets of each frame. */
type Heard = { frames: Uint8Array[][]; texts: string[]; closed: string | null; bytes: number };

export type SocketRelay = ReturnType<typeof aSocketRelay>;

/** `reads`: whether each frame gets a receipt at once. */
export function aSocketRelay({ reads = true } = {}) {
  const heard = new Map<string, Heard>();
  const waiting = new Map<string, number>();
  const pinged = new Map<string, number>();
  /** Sockets that were opened, and the bytes that each has got so far. */
  const received = new Map<string, number>();
  const sockets = {
    waitingFor: (socket: string) => waiting.get(socket) ?? 0,
    pingedAt: (socket: string) => pinged.get(socket) ?? 0,
  };
  const of = (socket: string): Heard => {
    const one = heard.get(socket) ?? { frames: [], texts: [], closed: null, bytes: 0 };
    heard.set(socket, one);
    return one;
  };
  return {
    exchange: new Exchange<string>(sockets, begun),
    now: begun,
    reads,
    waiting,
    pinged,
    of,
    /** What this member has got, and forgets it. */
    heardBy(socket: string): Heard {
      const one = of(socket);
      heard.delete(socket);
      return one;
    },
    /** Forgets what all have got so far. */
    clear() {
      heard.clear();
    },
    /** The relay's object has slept. */
    sleep() {
      const kept = [...received.keys()].flatMap((socket) => {
        const one = this.exchange.kept(socket);
        return one ? [[socket, one] as const] : [];
      });
      this.exchange = new Exchange<string>(sockets, this.now);
      for (const [socket, one] of kept) this.exchange.revive(socket, structuredClone(one), this.now);
    },
    /** A client opens a socket, under its own name unless told otherwise. */
    open(clientId: string, socket = clientId) {
      received.set(socket, 0);
      const isIn = this.exchange.hasRoomFor(clientId, this.now);
      if (isIn) this.exchange.admit(socket, clientId, this.now);
      this.settle();
      return isIn;
    },
    bind(socket: string, ticket: Ticket) {
      const isBound = this.exchange.bind(socket, ticket, this.now);
      this.settle();
      return isBound;
    },
    /** Two clients with one link. */
    pair(a = "Ada", b = "Bob", link = 1, about: Partial<Ticket> = {}) {
      for (const one of [a, b]) if (this.exchange.kept(one) === null) this.open(one);
      this.bind(a, aTicket(a, b, link, about));
      this.bind(b, { ...aTicket(b, a, link, about), side: "b" });
      this.clear();
    },
    /** A client sends a frame of these packets. */
    send(socket: string, ...packets: Uint8Array[]) {
      this.sendFrame(socket, frameOf(packets));
    },
    sendFrame(socket: string, frame: Uint8Array) {
      if (this.exchange.hear(socket, this.now))
        this.exchange.pass(socket, frame.slice().buffer as ArrayBuffer, this.now);
      this.settle();
    },
    close(socket: string) {
      this.exchange.gone(socket);
      this.settle();
    },
    remove(clientId: string) {
      this.exchange.remove(clientId, this.now);
      this.settle();
    },
    /** Does what comes out, until nothing does. */
    settle() {
      const readers = new Set<string>();
      for (const out of this.exchange.take()) {
        const one = of(out.to);
        if (out.kind === "close") one.closed = out.why;
        else if (out.kind === "text") {
          const { message } = out;
          const what = message.method === "relay_bound" ? String(message.peer) : message.code;
          one.texts.push(`${message.method.slice(6)} ${Number.parseInt(message.link || "0", 16)} ${what}`);
        } else {
          const packets = packetsOf(new Uint8Array(out.frame)) ?? [];
          one.frames.push(packets);
          const bytes = packets.reduce((sum, packet) => sum + recordBytes(packet), 0);
          one.bytes += bytes;
          received.set(out.to, (received.get(out.to) ?? 0) + bytes);
          readers.add(out.to);
        }
      }
      if (!this.reads) return;
      for (const reader of readers) this.acknowledge(reader);
    },
    /** A receipt for all that this client has ever got. */
    acknowledge(socket: string, bytes = received.get(socket) ?? 0) {
      this.exchange.pass(socket, frameOf([receipt(bytes)]).slice().buffer as ArrayBuffer, this.now);
      this.settle();
    },
  };
}

export function aTicket(clientId: string, peerId: string, link: number, about: Partial<Ticket> = {}): Ticket {
  return {
    link: link.toString(16).padStart(12, "0"),
    side: "a",
    begunAt: begun,
    expiresAt: begun + life,
    lobbyTag: "ABCDE",
    clientId,
    peerId,
    sidecar: "~0",
    ...about,
  };
}

/** A packet of a game, by its number. */
export function packet(link: number, number: number, bytes = 4): Uint8Array {
  const payload = new Uint8Array(Math.max(4, bytes));
  new DataView(payload.buffer).setUint32(0, number);
  return writeData(link, payload);
}

/** The numbers of the packets in these frames. */
export function numbersOf(frames: readonly (readonly Uint8Array[])[]): number[][] {
  return frames.map((packets) =>
    packets.map((one) => new DataView(one.buffer, one.byteOffset + 7).getUint32(0)),
  );
}
