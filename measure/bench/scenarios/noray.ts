/** Packets that a noray gateway relays, for one pair and for thousands of relays, against bare forwarders. */
import { forwarding } from "../forwarding.ts";
import { heldIn, type Load, type Session } from "../load.ts";
import type { Subject } from "../subject.ts";
import { floorRelay } from "./relay.ts";

/** Relays, at full scale: two for each pair. */
const many = 2_000;

/** A port for each player costs the machine more than one port for all, whoever forwards: so there are two floors. */
export const floorPorts: Load = {
  name: "floor/ports",
  title: "floor: a packet through a bare forwarder with 2 000 ports",
  subject: "ports",
  round: 40_000,
  clients: 0,
  held: 0,
  floor: null,
  target: [],
  open: (subject, extent) =>
    players(subject, { relays: heldIn(extent, many), scale: extent.scale, bare: true }),
};

export const norayRelays: Load[] = [
  { name: "noray/1", relays: 2, floor: floorRelay, title: "a packet relayed for one pair of noray's" },
  {
    name: `noray/${many}`,
    relays: many,
    floor: floorPorts,
    title: "a packet relayed by one of many relays of noray's",
  },
].map(({ name, relays, floor, title }) => ({
  ...floorRelay,
  name,
  title,
  subject: "noray",
  floor: { name: floor.name, times: 1 },
  target: [{ of: "ratio" as const, most: 1.3 }],
  open: (subject, extent) =>
    players(subject, {
      relays: relays === 2 ? 2 : heldIn(extent, relays),
      scale: extent.scale,
      bare: false,
    }),
}));

async function players(
  subject: Subject,
  { relays, scale, bare }: { relays: number; scale: number; bare: boolean },
): Promise<Session> {
  const pairs = Math.ceil(relays / 2);
  const setUp = bare
    ? { what: "bare", port: subject.udpPort, pairs }
    : { what: "pair", tcp: Number(subject.url.port), registrar: subject.udpPort, pairs };
  const program = "measure/bench/noray-peers.ts";
  return await forwarding("the process of noray's players", program, { setUp, links: pairs, scale });
}
