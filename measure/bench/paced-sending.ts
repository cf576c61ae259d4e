/** Packets sent at a pace through something that forwards them, and how many came through. For processes of players. */
import { setTimeout as wait } from "node:timers/promises";
import * as z from "zod";

/** The order to send: so many in all, so many a second, so many at once. */
export const sendOrder = z.object({
  what: z.literal("send"),
  count: z.int(),
  perSecond: z.number(),
  atOnce: z.int(),
});

/** Milliseconds without a packet after which those that have not come are lost. */
const patienceMs = 300;
const lookMs = 5;

/** `send`: sends the packet of this number. `received`: how many have come through since the first. Returns that number in the end. */
export async function sendPaced(
  { count, perSecond, atOnce }: Omit<z.infer<typeof sendOrder>, "what">,
  send: (number: number) => Promise<void>,
  received: () => number,
): Promise<number> {
  const began = performance.now();
  const seconds = () => (performance.now() - began) / 1000;
  let sent = 0;
  while (sent < count) {
    const due = Math.min(count, Math.ceil((seconds() * perSecond) / atOnce) * atOnce);
    const upTo = Math.min(due, sent + atOnce);
    let last = Promise.resolve();
    for (; sent < upTo; sent++) last = send(sent);
    await last;
    if (sent >= due) await wait(1);
  }
  for (let before = -1, quietMs = 0; received() < count && quietMs < patienceMs; quietMs += lookMs) {
    if (received() > before) quietMs = 0;
    before = received();
    await wait(lookMs);
  }
  return received();
}
