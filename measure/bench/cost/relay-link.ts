/** What an hour of a link over the WebSocket relay costs: a pair that plays, for some seconds, on a server that counts. */
import { setTimeout as wait } from "node:timers/promises";
import { WebSocket } from "ws";
import { linkNumber, writeData } from "../../../core/wire/peer-packet.ts";
import { frameOf, receipt } from "../../../core/wire/relay-frame.ts";
import { ticketProtocol } from "../../../core/wire/relay-message.ts";
import { secret } from "../../kit/secret.ts";
import { relayTicket } from "../../kit/socket-relay.ts";
import type { Books } from "./books.ts";
import { withBooks } from "./cost.ts";
import { dollarsPerMillion } from "./prices.ts";
import { usageOf } from "./tally.ts";

/** Packets a second, each way, and their bytes: those of a game (docs/costs.md). */
export const perSecond = 20;
const packetBytes = 100;
const link = "0123456789ab";

/** `dollars`: of that hour. `passed`: packets that arrived in the seconds that were counted. */
export type LinkHour = ReturnType<typeof usageOf> & { dollars: number; passed: number };

/** Plays for so many seconds, and counts what an hour is. A receipt goes with every other packet. */
export async function measureLinkHour(seconds: number): Promise<LinkHour> {
  const vars = { clientAddress: "cloudflare", networkCentsPerDay: 1e6, relayCentsPerDay: 1e6 };
  const count = async (server: URL, books: Books) => {
    const pair = [await open(server, "a"), await open(server, "b")] as const;
    await wait(200);
    await books.reset();
    const began = performance.now();
    for (let sent = 0; sent < seconds * perSecond; sent++) {
      await wait(Math.max(0, began + (sent * 1000) / perSecond - performance.now()));
      for (const { send } of pair) send(sent % 2 === 0);
    }
    await wait(200);
    const usage = usageOf(await books.read(), seconds / 3_600);
    for (const { socket } of pair) socket.terminate();
    const passed = pair.reduce((sum, one) => sum + one.received(), 0);
    return { ...usage, dollars: dollarsPerMillion(usage) / 1e6, passed };
  };
  return await withBooks({ apart: false }, count, { vars });
}

async function open(server: URL, side: "a" | "b") {
  const [clientId, peerId] = side === "a" ? ["ada", "bob"] : ["bob", "ada"];
  const ticket = relayTicket(secret, { link, side, lobby: "lobby001", clientId, peerId });
  const url = new URL("/relay", server);
  url.protocol = "ws:";
  const headers = { "cf-connecting-ip": side === "a" ? "203.0.113.1" : "198.51.100.1" };
  const socket = new WebSocket(url, ["orion-relay", ticketProtocol(ticket)], { headers });
  let [bytes, frames] = [0, 0];
  socket.on("message", (data: Buffer, isBinary) => {
    if (!isBinary) return;
    bytes += data.length;
    frames += 1;
  });
  await new Promise((resolve, reject) => {
    socket.once("open", resolve);
    socket.once("error", reject);
  });
  const packet = writeData(linkNumber(link), new Uint8Array(packetBytes));
  return {
    socket,
    received: () => frames,
    send: (withReceipt: boolean) => socket.send(frameOf(withReceipt ? [receipt(bytes), packet] : [packet])),
  };
}
