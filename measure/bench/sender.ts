/**
 * Sends datagrams for the bench, from a process of its own. It is told a port, the datagrams to send in turn, how
 * many, and how many a second (0: as fast as it can), and answers when all are sent.
 */
import { createSocket } from "node:dgram";
import { setTimeout as wait } from "node:timers/promises";
import * as z from "zod";

const order = z.object({
  port: z.int(),
  datagrams: z.instanceof(Uint8Array).array(),
  count: z.int(),
  perSecond: z.number(),
});

/** Datagrams sent in one go at most: far fewer than a receiver's buffer holds. */
const burst = 64;

const socket = createSocket("udp4");

async function send(given: unknown): Promise<void> {
  const { port, datagrams, count, perSecond } = order.parse(given);
  const began = performance.now();
  const seconds = () => (performance.now() - began) / 1000;
  let sent = 0;
  while (sent < count) {
    const due = perSecond === 0 ? count : Math.min(count, Math.ceil(seconds() * perSecond));
    const upTo = Math.min(due, sent + burst);
    let last = Promise.resolve();
    for (; sent < upTo; sent++) {
      const datagram = datagrams[sent % datagrams.length];
      const { promise, resolve } = Promise.withResolvers<void>();
      socket.send(datagram ?? "", port, "127.0.0.1", () => resolve());
      last = promise;
    }
    await last;
    if (sent >= due) await wait(1);
  }
  process.send?.({ sent });
}

process.on("message", send);
process.on("disconnect", () => process.exit());
process.send?.({ ready: true });
