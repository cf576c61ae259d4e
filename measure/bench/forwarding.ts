/** A session of players who send packets through something that forwards them: what they cost, and how many of a burst are lost. */
import * as z from "zod";
import { launch } from "./launch.ts";
import type { Session } from "./load.ts";

/** Packets a second while CPU is measured: few enough that none is lost, and as many as one link's rate lets through. */
const pace = 20_000;
/** Packets sent at once while losses are counted, and such bursts a second. */
const burst = 50;
const burstsPerSecond = 100;

const answer = z.object({ received: z.int() });

/** `program`: the players', which are told to make their links by `setUp`, and to send (paced-sending.ts). `links`: how many these are. */
export async function forwarding(
  what: string,
  program: string,
  { setUp, links, scale }: { setUp: object; links: number; scale: number },
): Promise<Session> {
  const peers = launch(what, program);
  await peers.hears("readiness");
  const ask = async (order: object) => {
    peers.tell(order);
    return answer.parse(await peers.hears("word that all is sent", 120_000)).received;
  };
  await ask(setUp);
  return {
    drive: async (count) => {
      const received = await ask({ what: "send", count, perSecond: pace, atOnce: 16 });
      if (received === 0) throw new Error("no packet came through the relay.");
      return { operations: received, waits: [] };
    },
    more: async () => {
      const count = Math.max(burst, Math.ceil(500 * scale) * burst);
      const perSecond = burst * burstsPerSecond;
      const received = await ask({ what: "send", count, perSecond, atOnce: burst });
      return { links, lostInBurstsPercent: (100 * (count - received)) / count };
    },
    close: () => peers.stop(),
  };
}
