/** Clients of a relay over WebSocket, with real sockets. */
import { once } from "node:events";
import { WebSocket } from "ws";
import { linkNumber, writeData } from "../../core/wire/peer-packet.ts";
import { frameOf, packetsOf, receipt } from "../../core/wire/relay-frame.ts";
import {
  type KeyedTicket,
  type RelayMessage,
  readRelayMessage,
  relayBind,
  relayPath,
  relayProtocol,
  ticketProtocol,
} from "../../core/wire/relay-message.ts";
import { patienceMs } from "./patience.ts";
import { webSocketTicketKeyOf } from "./secret.ts";

/** A ticket for a relay, as its lobby draws it up. `lobby`: a test's own, so that it has a relay of its own. */
export type RelayTicket = {
  link: string;
  side: "a" | "b";
  lobby: string;
  clientId: string;
  peerId: string;
  relay?: string;
  lifeMs?: number;
  begunAt?: number;
};

/** `under`: the deployment's secret. */
export function relayTicket(under: string, about: RelayTicket): KeyedTicket {
  const { link, side, lobby, clientId, peerId, relay = "~0", lifeMs = 600_000, begunAt = Date.now() } = about;
  const [mine, theirs] = [clientId, peerId].map((id) => id.padEnd(16, "-"));
  const expires = Math.ceil((Date.now() + lifeMs) / 1000);
  const ticket = [link, side, begunAt, expires, lobby, mine, theirs, relay].join(".");
  return { ticket, key: webSocketTicketKeyOf(ticket, { under }) };
}

/**
 * Limits of a relay that loses nothing on a busy machine, which may let frames come in lumps, or stop a client for seconds. In tests of
 * such a limit it is as it is.
 */
export const patientRelay = {
  socketRelayLinkFrameBurst: 100_000,
  socketRelayHeld: 10_000,
  socketRelayHeldBytes: 1_000_000,
  socketRelayHeldMs: 3_600_000,
  socketRelaySilentMs: 3_600_000,
  socketRelayNoticeMs: 3_600_000,
} as const;

export type RelayClient = Awaited<ReturnType<typeof openRelay>>;

/** Opens a socket to a relay with a ticket. `headers`: of the upgrade. `reads`: whether it says what it has received. */
export async function openRelay(
  base: URL,
  first: KeyedTicket,
  { headers = {}, reads = true }: { headers?: Record<string, string>; reads?: boolean } = {},
) {
  const url = new URL(relayPath, base);
  url.protocol = url.protocol.replace("http", "ws");
  const socket = new WebSocket(url, [relayProtocol, ticketProtocol(first)], { headers });
  const packets: Uint8Array[] = [];
  const messages: RelayMessage[] = [];
  let closed: { code: number; reason: string } | null = null;
  let [received, said, frames] = [0, 0, 0];
  const waiting = new Set<() => void>();
  const changed = () => {
    for (const look of [...waiting]) look();
  };
  socket.on("message", (data: Buffer, isBinary) => {
    if (isBinary) {
      frames += 1;
      received += data.length;
      packets.push(...(packetsOf(data) ?? []));
    } else {
      const message = readRelayMessage(data.toString());
      if (message) messages.push(message);
    }
    changed();
  });
  socket.on("close", (code, reason) => {
    closed = { code, reason: reason.toString() };
    changed();
  });
  socket.on("error", () => {});
  const receipts = setInterval(() => {
    if (!reads || received === said || socket.readyState !== WebSocket.OPEN) return;
    said = received;
    socket.send(frameOf([receipt(received)]));
  }, 100);
  socket.once("close", () => clearInterval(receipts));
  const [kind, response] = await Promise.race([
    once(socket, "open").then(() => ["open", null] as const),
    once(socket, "unexpected-response").then(([, answer]) => ["refused", answer] as const),
  ]);
  if (kind === "refused") {
    let body = "";
    for await (const chunk of response) body += chunk;
    socket.terminate();
    throw new Error(`${response.statusCode} ${JSON.parse(body).codes}`);
  }
  /** Resolves when this is so. */
  const until = async (isSo: () => boolean, ms = patienceMs): Promise<void> => {
    if (isSo()) return;
    await new Promise<void>((resolve, reject) => {
      const look = () => {
        if (!isSo()) return;
        clearTimeout(timer);
        waiting.delete(look);
        resolve();
      };
      const timer = setTimeout(() => {
        waiting.delete(look);
        reject(new Error("what was waited for did not come"));
      }, ms);
      waiting.add(look);
    });
  };
  return {
    socket,
    protocol: socket.protocol,
    packets,
    messages,
    get closed() {
      return closed;
    },
    /** Binary frames that came. */
    get frames() {
      return frames;
    },
    get payloads(): string[] {
      return packets.map((packet) => Buffer.from(packet.subarray(7)).toString());
    },
    /** What texts have come, in short. */
    get texts(): string[] {
      return messages.map((one) =>
        [one.method.slice(6), one.link, one.method === "relay_bound" ? one.peer : one.code].join(" "),
      );
    },
    bind: (...tickets: KeyedTicket[]) => socket.send(relayBind(tickets)),
    /** Sends packets of a game on one link, in one frame. */
    send: (link: string, ...payloads: (string | Uint8Array)[]) => {
      const of = linkNumber(link);
      socket.send(frameOf(payloads.map((payload) => writeData(of, Buffer.from(payload)))));
    },
    sendRaw: (data: string | Uint8Array) => socket.send(data),
    /** Resolves when the relay has got all that was sent before, or has closed the socket. */
    settled: async (): Promise<void> => {
      let isAnswered = false;
      socket.once("pong", () => {
        isAnswered = true;
        changed();
      });
      if (socket.readyState === WebSocket.OPEN) socket.ping();
      await until(() => isAnswered || closed !== null);
    },
    until,
    close: async () => {
      clearInterval(receipts);
      if (socket.readyState === WebSocket.CLOSED) return;
      socket.close(1000);
      await once(socket, "close");
    },
    /** Ends it without a word. */
    kill: () => socket.terminate(),
  };
}
