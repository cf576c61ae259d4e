/** Packets that a sidecar relays, on one link and on thousands, against a bare forwarder. */
import { forwarding } from "../forwarding.ts";
import { heldIn, type Load, type Session } from "../load.ts";
import type { Subject } from "../subject.ts";

/** Links, at full scale. */
const many = 2_000;

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
  const setUp = { what: "bind", port: subject.udpPort, links, first: nextLink, bare };
  nextLink += links;
  const program = "measure/bench/relay-peers.ts";
  return await forwarding("the process of the relay's players", program, { setUp, links, scale });
}
