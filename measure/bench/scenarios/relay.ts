/** Packets that a sidecar relays, on one link and on thousands, against a bare forwarder. */
import * as z from "zod";
import { launch } from "../launch.ts";
import { heldIn, type Load, type Session } from "../load.ts";
import type { Subject } from "../subject.ts";

/** Packets a second while CPU is measured: few enough that none is lost, and as many as one link's rate lets through. */
const pace = 20_000;
/** Packets sent at once while losses are counted, and such bursts a second. */
const burst = 50;
const burstsPerSecond = 100;
/** Links, at full scale. */
const many = 2_000;

const answer = z.object({ received: z.int() });
/** Ids are never used twice in a run: links of a scenario that is over still live for a while. */
let nextLink = 1;

export const floorRelay: Load = {
  name: "floor/forward",
  title: "floor: a packet through a bare forwarder",
  subject: "forwarder",
  round: 40_000,
  clients: 0,
  held: 0,
  floor: null,
  target: [],
  open: (subject, { scale }) => relay(subject, { links: 1, bare: true, scale }),
};

export const relays: Load[] = [
  { name: "relay/1", links: 1 },
  { name: `relay/${many}`, links: many },
].map(({ name, links }) => ({
  ...floorRelay,
  name,
  title: `a packet relayed on ${links === 1 ? "one link" : "one of many links"}`,
  subject: "sidecar",
  floor: { name: floorRelay.name, times: 1 },
  target: [{ of: "ratio" as const, most: 1.3 }],
  open: (subject, extent) =>
    relay(subject, { links: links === 1 ? 1 : heldIn(extent, links), bare: false, scale: extent.scale }),
}));

async function relay(
  subject: Subject,
  { links, bare, scale }: { links: number; bare: boolean; scale: number },
): Promise<Session> {
  const peers = launch("the process of the relay's players", "measure/bench/relay-peers.ts");
  await peers.hears("readiness");
  const ask = async (what: object) => {
    peers.tell(what);
    return answer.parse(await peers.hears("word that all is sent", 120_000)).received;
  };
  await ask({ what: "bind", port: subject.udpPort, links, first: nextLink, bare });
  nextLink += links;
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
