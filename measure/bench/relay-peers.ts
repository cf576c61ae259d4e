/**
 * Players on a relay, in a process of their own: one socket is the `a` end of every link, another the `b` end. It is told to bind
 * links at a port, or to send packets on them in turn, so many a second, so many at once; and answers when that is done, with the
 * number of those that came through.
 */
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import * as z from "zod";
import { dataOf, signedOf, ticketOf } from "../kit/secret.ts";
import { decode } from "../kit/wire.ts";
import { sendOrder, sendPaced } from "./paced-sending.ts";

const order = z.discriminatedUnion("what", [
  z.object({ what: z.literal("bind"), port: z.int(), links: z.int(), first: z.int(), bare: z.boolean() }),
  sendOrder,
]);

/** Links bound at the same time. */
const abreast = 50;

const [a, b] = [await open(), await open()];
let port = 0;
let packets: Buffer[] = [];
let received = 0;
b.on("message", (bytes) => {
  if (bytes[0] === 0xea) received += 1;
});

async function open(): Promise<Socket> {
  const socket = createSocket({ type: "udp4", recvBufferSize: 4 * 1024 * 1024 });
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  return socket;
}

function say(socket: Socket, bytes: string | Uint8Array): Promise<void> {
  return new Promise((resolve) => socket.send(bytes, port, "127.0.0.1", () => resolve()));
}

/** A relay's next word that begins so, on any link. */
function word(socket: Socket, begin: string): Promise<string> {
  return new Promise((resolve) => {
    const hear = (bytes: Buffer) => {
      const text = bytes.toString("latin1");
      if (!text.startsWith(begin)) return;
      socket.off("message", hear);
      resolve(text);
    };
    socket.on("message", hear);
  });
}

async function bind({ links, first, bare }: { links: number; first: number; bare: boolean }): Promise<void> {
  const ids = Array.from({ length: links }, (_, index) => (first + index).toString(16).padStart(12, "0"));
  // Short, so that one link may carry as many as are sent, by its rate.
  packets = ids.map((id) => dataOf(id, "hello"));
  const cookies = new Map<Socket, unknown>();
  for (const [socket, side] of [
    [a, "a"],
    [b, "b"],
  ] as const) {
    for (let index = 0; index < links; index += abreast) {
      const some = ids.slice(index, index + abreast);
      if (bare) {
        for (const id of some) await say(socket, dataOf(id, ""));
        continue;
      }
      for (const [at, link] of some.entries()) {
        // Lobbies of ten links.
        const lobby = Math.floor((index + at) / 10)
          .toString()
          .padStart(5, "0");
        const { ticket, key } = ticketOf(side, { link, lobby, a: `a${link}`, b: `b${link}` });
        const request = { ticket, nonce: `nonce-${link}` };
        if (!cookies.has(socket)) {
          const challenge = word(socket, "ptpRelay_challenge:");
          await say(socket, signedOf(key, "ptpRelay_bind", request));
          const { payload } = decode((await challenge).slice(0, -23));
          cookies.set(socket, payload.cookie);
        }
        const bound = word(socket, "ptpRelay_bound:");
        await say(socket, signedOf(key, "ptpRelay_bind", { ...request, cookie: cookies.get(socket) }));
        await bound;
      }
    }
  }
}

async function send(order: z.infer<typeof sendOrder>): Promise<number> {
  received = 0;
  return await sendPaced(
    order,
    (number) => say(a, packets[number % packets.length] ?? ""),
    () => received,
  );
}

process.on("message", async (given) => {
  const wish = order.parse(given);
  if (wish.what === "bind") {
    port = wish.port;
    await bind(wish);
    process.send?.({ received: 0 });
  } else process.send?.({ received: await send(wish) });
});
process.on("disconnect", () => process.exit());
process.send?.({ ready: true });
